#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::telemetry {

/// Where log lines go: standard output, standard error, or a file that is appended to. Unbuffered. Used by one thread
/// at a time. Standard streams are left as they are: never closed, never made non-blocking, since others share them.
class Output {
 public:
  /// `stdout`, `stderr` or the name of a file, which is made with mode 0640. Throws std::system_error.
  explicit Output(std::string name);

  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// One write. How many bytes went; 0 where the other side of a non-blocking pipe takes none now; nothing where the
  /// sink failed.
  std::optional<std::size_t> write_some(std::string_view bytes) noexcept;

  /// Waits until a write may make progress, at most for `timeout`.
  void wait_writable(std::chrono::milliseconds timeout) noexcept;

  /// Opens a file anew, so that a rotated one is let go. Where that fails the old one stays in use and false is
  /// returned.
  bool reopen() noexcept;

 private:
  std::string name_;
  bool owned_ = false;
  int descriptor_ = -1;
};

}  // namespace sidegate::telemetry
