#include "rule_file.hpp"

#include <sidegate/base/descriptor.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "rule_text.hpp"

namespace sidegate::revocation {
namespace {

using base::Descriptor;
using base::Message;
using base::OrMessage;

/// How long another process may hold the lock; it does so for the time of reading and writing one file.
constexpr std::chrono::milliseconds kLockPatience{1'000};
constexpr std::chrono::milliseconds kLockPause{5};

constexpr mode_t kOwnerOnly = 0600;

int open_file(const std::string& path, int flags) {
  return ::open(path.c_str(), flags | O_CLOEXEC, kOwnerOnly);
}

Message system_says(int error) {
  return {std::generic_category().message(error)};
}

OrMessage<std::string> read_all(int descriptor) {
  std::string content;
  std::array<char, std::size_t{64} * 1024> piece;
  while (content.size() <= kFileBytesMax) {
    const auto count = ::read(descriptor, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_says(errno);
    if (count == 0) break;
    content.append(piece.data(), static_cast<std::size_t>(count));
  }
  return OrMessage<std::string>(boost::system::in_place_value, std::move(content));
}

OrMessage<void> write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const auto count = ::write(descriptor, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_says(errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

OrMessage<void> write_new(const std::string& path, std::string_view content) {
  ::unlink(path.c_str());  // what a crash has left
  const Descriptor file(open_file(path, O_WRONLY | O_CREAT | O_EXCL));
  if (file.get() < 0) return system_says(errno);
  if (auto written = write_all(file.get(), content); !written) return written;
  if (::fsync(file.get()) != 0) return system_says(errno);
  return {};
}

}  // namespace

OrMessage<std::optional<std::vector<Rule>>> read_rules(const std::string& file) {
  // A pipe would keep us waiting.
  const Descriptor descriptor(open_file(file, O_RDONLY | O_NONBLOCK));
  if (descriptor.get() < 0 && errno == ENOENT) return std::optional<std::vector<Rule>>{};
  if (descriptor.get() < 0) return system_says(errno);
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) return system_says(errno);
  if (!S_ISREG(status.st_mode)) return Message{"it is no regular file"};
  const auto text = read_all(descriptor.get());
  if (!text) return text.error();
  auto rules = parse_rules(*text);
  if (!rules) return rules.error();
  return std::optional(std::move(*rules));
}

OrMessage<std::unique_ptr<FileLock>> FileLock::take(const std::string& file) {
  const std::string path = file + ".lock";
  Descriptor descriptor(open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW));
  if (descriptor.get() < 0) return Message{path + ": " + system_says(errno).text};
  const auto patience = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Message{path + ": " + system_says(errno).text};
    if (std::chrono::steady_clock::now() > patience) return Message{path + " is locked by another process"};
    std::this_thread::sleep_for(kLockPause);
  }
  return std::unique_ptr<FileLock>(new FileLock(descriptor.release()));
}

FileLock::~FileLock() {
  ::close(descriptor_);
}

OrMessage<void> write_rules(const std::string& file, const std::vector<Rule>& rules) {
  if (rules.size() > kRulesMax) return Message{"it would hold more than " + std::to_string(kRulesMax) + " rules"};
  const auto text = text_of(rules);
  if (text.size() > kFileBytesMax)
    return Message{"it would be larger than " + std::to_string(kFileBytesMax) + " bytes"};
  const std::string beside = file + ".new";
  auto written = write_new(beside, text);
  if (written && ::rename(beside.c_str(), file.c_str()) != 0) written = system_says(errno);
  if (!written) {
    ::unlink(beside.c_str());
    return written;
  }
  // Only then does the new name outlive a loss of power.
  const auto folder = std::filesystem::path(file).parent_path();
  const Descriptor directory(open_file(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return system_says(errno);
  return {};
}

}  // namespace sidegate::revocation
