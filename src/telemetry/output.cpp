#include "output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sidegate::telemetry {
namespace {

int open_file(const std::string& name) noexcept {
  constexpr mode_t kMode = 0640;
  // A pipe that nobody reads is an error and no reason to wait: others are being served.
  return ::open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode);
}

}  // namespace

Output::Output(std::string name) : name_(std::move(name)) {
  if (name_ == "stdout") {
    descriptor_ = STDOUT_FILENO;
  } else if (name_ == "stderr") {
    descriptor_ = STDERR_FILENO;
  } else {
    descriptor_ = open_file(name_);
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "cannot open log file " + name_);
    owned_ = true;
  }
}

Output::~Output() {
  if (owned_) ::close(descriptor_);
}

std::optional<std::size_t> Output::write_some(std::string_view bytes) noexcept {
  for (;;) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written > 0) return static_cast<std::size_t>(written);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
    return std::nullopt;
  }
}

void Output::wait_writable(std::chrono::milliseconds timeout) noexcept {
  pollfd waiting{descriptor_, POLLOUT, 0};
  ::poll(&waiting, 1, static_cast<int>(timeout.count()));
}

bool Output::reopen() noexcept {
  if (!owned_) return true;
  const int fresh = open_file(name_);
  if (fresh < 0) return false;
  ::close(std::exchange(descriptor_, fresh));
  return true;
}

}  // namespace sidegate::telemetry
