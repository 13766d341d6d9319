#pragma once

#include <sidegate/base/result.hpp>

#include <cstddef>
#include <string_view>

namespace sidegate::http {

/// The first control character of `text` other than HTAB (including DEL), or its end.
const char* find_control(const char* begin, const char* end) noexcept;

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

inline base::Result<std::string_view> LineScanner::next(std::string_view bytes) noexcept {
  const char* const end = bytes.data() + bytes.size();
  const char* const stop = find_control(bytes.data() + scanned_, end);
  scanned_ = static_cast<std::size_t>(stop - bytes.data());
  if (stop == end) return std::string_view{};
  if (*stop == '\n') return base::Reason::BareLineFeed;
  if (*stop != '\r') return base::Reason::ControlCharacter;
  if (stop + 1 == end) return std::string_view{};
  if (stop[1] != '\n') return base::Reason::BareCarriageReturn;
  const auto line = bytes.substr(line_begin_, scanned_ - line_begin_);
  line_begin_ = scanned_ += 2;
  return line;
}

}  // namespace sidegate::http
