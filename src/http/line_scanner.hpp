#pragma once

#include <sidegate/base/result.hpp>

#include <cstddef>
#include <string_view>

namespace sidegate::http {

/// Cuts CRLF-terminated lines off a growing run of bytes, each byte looked at once however they were split.
///
/// Only CRLF ends a line; a lone CR or LF, a NUL and every other control character but HTAB is an error, since another
/// reader might take it for something else (RFC 9112 section 2.2, RFC 9110 section 5.5).
class LineScanner {
 public:
  /// The next line without its CRLF, or a view with a null `data()` while it is not whole. `bytes` is everything since
  /// the first line's first byte, the part already scanned unchanged.
  base::Result<std::string_view> next(std::string_view bytes) noexcept;

  /// Where the line not yet returned begins.
  std::size_t position() const noexcept { return line_begin_; }

  /// Up to where the bytes have been looked at.
  std::size_t scanned() const noexcept { return scanned_; }

  /// Goes on where another scanner of the same bytes left off.
  void resume(std::size_t position, std::size_t scanned) noexcept {
    line_begin_ = position;
    scanned_ = scanned;
  }

 private:
  std::size_t line_begin_ = 0;
  std::size_t scanned_ = 0;
};

/// The first control character of `text` other than HTAB (including DEL), or its end.
const char* find_control(const char* begin, const char* end) noexcept;

}  // namespace sidegate::http
