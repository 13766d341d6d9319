#pragma once

#include <string>
#include <string_view>

/// Texts as they stand in URLs, forms and header fields. Each appends to `out`, which is large enough beforehand where
/// the text is secret.
namespace sidegate::authority {

/// As one segment of a path (RFC 3986 section 3.3): everything but unreserved characters is percent-encoded.
void append_segment(std::string& out, std::string_view text);

/// As application/x-www-form-urlencoded (URL Standard section 5.2), at most three times as long.
void append_form(std::string& out, std::string_view text);

/// In base64 (RFC 4648 section 4).
void append_base64(std::string& out, std::string_view bytes);

/// Whether `text` can stand in a header field as it is: visible ASCII and no more.
bool is_visible(std::string_view text) noexcept;

/// Whether it can be the value of a cookie in a request (RFC 6265 section 4.2.1): neither does it end the cookie, nor
/// is it read in another way by somebody else.
bool is_cookie_value(std::string_view text) noexcept;

}  // namespace sidegate::authority
