#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// base64url without padding (RFC 4648 section 5, RFC 7515 section 2). Decoding is strict, so that each value has
/// exactly one text: no padding, no white space, no character of another alphabet, and the bits that are left over are
/// zero.
namespace sidegate::token {

/// How many bytes `characters` characters stand for.
constexpr std::size_t decoded_size(std::size_t characters) noexcept {
  return characters / 4 * 3 + characters % 4 * 3 / 4;
}

/// How many characters `bytes` bytes need.
constexpr std::size_t encoded_size(std::size_t bytes) noexcept {
  return bytes / 3 * 4 + (bytes % 3 * 4 + 2) / 3;
}

/// Decodes `text` into `out`, which holds at least `decoded_size(text.size())` bytes. How many were written, or nothing
/// when the text is not strict base64url; `out` is then unspecified.
std::optional<std::size_t> decode_base64url(std::string_view text, std::span<char> out) noexcept;

/// The same into a string of its own.
std::optional<std::string> decode_base64url(std::string_view text);

/// Appends the text of `bytes` to `out`.
void append_base64url(std::string& out, std::string_view bytes);

}  // namespace sidegate::token
