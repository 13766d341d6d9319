#pragma once

#include <sidegate/base/limits.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/http/head.hpp>

#include <cstddef>
#include <string_view>

namespace sidegate::http {

/// Where a parser has come to in a head that arrives in pieces.
struct HeadProgress {
  std::size_t line_begin = 0;
  std::size_t scanned = 0;
  bool start_line_read = false;
  bool blank_skipped = false;
};

/// Reads a request's head (RFC 9112 sections 2 to 5), strictly: what could be read in two ways is refused.
///
/// Call `parse` with all bytes since the head's first, as often as there are more; each byte is looked at once. `true`
/// means that the head is whole: `head.bytes` ends with the empty line and everything after belongs to the body. One
/// empty line before the request line is skipped (RFC 9112 section 2.2). After an error, or once the bytes have moved,
/// `reset`.
class RequestParser {
 public:
  explicit RequestParser(const base::Limits& limits) : limits_(&limits) {}

  base::Result<bool> parse(std::string_view bytes, RequestHead& head);
  void reset() noexcept { progress_ = {}; }

 private:
  const base::Limits* limits_;
  HeadProgress progress_;
};

/// Reads a response's head from an origin in the same way. The reason of an error is OriginBroken or a more telling
/// one; whatever it is, the answer is 502.
class ResponseParser {
 public:
  explicit ResponseParser(const base::Limits& limits) : limits_(&limits) {}

  base::Result<bool> parse(std::string_view bytes, ResponseHead& head);
  void reset() noexcept { progress_ = {}; }

 private:
  const base::Limits* limits_;
  HeadProgress progress_;
};

/// One field line without its CRLF, `line` with it (RFC 9112 section 5). Also for trailers.
base::Result<Field> parse_field(std::string_view text, std::string_view line) noexcept;

}  // namespace sidegate::http
