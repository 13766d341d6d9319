#include "file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace sidegate::config {
namespace {

/// How long a pipe may say nothing. A configuration is read again while others are served, and must not stop for ever.
constexpr std::chrono::milliseconds kPatience{2'000};

base::Message system_says(int error) {
  return {std::generic_category().message(error)};
}

/// What came at once or in time; 0 at the end.
base::OrMessage<std::size_t> read_some(int descriptor, char* into, std::size_t bytes) {
  while (true) {
    const auto count = ::read(descriptor, into, bytes);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EAGAIN && errno != EINTR) return system_says(errno);
    pollfd waited{descriptor, POLLIN, 0};
    if (::poll(&waited, 1, static_cast<int>(kPatience.count())) == 0) {
      return base::Message{fmt::format("nothing came from it for {} ms", kPatience.count())};
    }
  }
}

base::OrMessage<std::string> read_all(int descriptor, std::size_t bytes_max) {
  std::string content(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const auto count = read_some(descriptor, content.data() + size, content.size() - size);
    if (!count) return count.error();
    if (*count == 0) break;
    size += *count;
  }
  if (size > bytes_max) return base::Message{fmt::format("it is larger than {} bytes", bytes_max)};
  content.resize(size);
  return base::OrMessage<std::string>(boost::system::in_place_value, std::move(content));
}

}  // namespace

base::OrMessage<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return system_says(errno);
  auto content = read_all(descriptor, bytes_max);
  ::close(descriptor);
  return content;
}

}  // namespace sidegate::config
