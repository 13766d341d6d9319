#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sidegate::base {

/// ASCII letters only, whatever the locale (RFC 9110 section 5.1: field names are case-insensitive ASCII).
constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr char to_upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}
constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) noexcept {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

/// -1 where `c` is no hexadecimal digit.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// What follows up to `is_token` is called for every field of a head, and so is defined here.

inline bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i] != right[i] && to_lower(left[i]) != to_lower(right[i])) return false;
  }
  return true;
}

std::string lower_case(std::string_view text);

/// Removes spaces and tabs at both ends: the OWS of RFC 9110 section 5.6.3.
constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Whether a byte may stand in a token, by its value.
inline constexpr auto kTokenChars = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    table[c] = is_alpha(letter) || is_digit(letter);
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

/// Whether `c` may stand in a token (RFC 9110 section 5.6.2): methods and field names.
constexpr bool is_token_char(char c) noexcept {
  return kTokenChars[static_cast<unsigned char>(c)];
}
constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_token_char(c); });
}

/// Plain digits only: no sign, no blanks, no overflow.
std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept;

/// A port in plain digits, at most five of them.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

/// Calls `visit(item)` for each comma-separated item of a list field, trimmed, empty items left out
/// (RFC 9110 section 5.6.1).
template <class Visit>
void for_each_list_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto item = trim_blanks(list.substr(0, comma));
    if (!item.empty()) visit(item);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

/// Writes the lower-case hexadecimal of `bytes` to `out`, which holds twice as many characters.
void write_hex(std::span<const std::uint8_t> bytes, char* out) noexcept;

/// The edit distance, for "did you mean".
std::size_t edit_distance(std::string_view left, std::string_view right);

/// Appends `text` as the inside of a JSON string (RFC 8259 section 7). Bytes that are no valid UTF-8 become U+FFFD, and
/// control characters and line ends of every kind are escaped, so that a caller cannot break a log line.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace sidegate::base
