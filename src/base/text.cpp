#include <sidegate/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <vector>

namespace sidegate::base {
namespace {

/// The length of the valid UTF-8 sequence that `text` begins with, 0 where there is none (RFC 3629 section 4).
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// Both digits of every byte.
constexpr auto kHexPairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (unsigned byte = 0; byte < pairs.size(); ++byte) pairs[byte] = {kHexDigits[byte >> 4U], kHexDigits[byte & 0x0FU]};
  return pairs;
}();

/// Whether a character of two bytes or more steers a terminal (C1, U+0080 to U+009F, NEL among them) or is read as the
/// end of a line (U+2028, U+2029).
bool breaks_lines(std::string_view character) noexcept {
  const bool c1 = character.size() == 2 && character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
  return c1 || character == "\u2028" || character == "\u2029";
}

/// `\uXXXX` for a character of two or three bytes.
void append_utf16_escape(std::string& out, std::string_view character) {
  unsigned code = static_cast<unsigned char>(character[0]) & (character.size() == 2 ? 0x1FU : 0x0FU);
  for (const char c : character.substr(1)) code = code << 6U | (static_cast<unsigned char>(c) & 0x3FU);
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[code >> static_cast<unsigned>(shift) & 0xFU];
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept {
  // Of an unsigned number this takes nothing but digits, no sign and no blanks either.
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  const auto number = text.size() <= 5 ? parse_decimal(text) : std::nullopt;
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

void write_hex(std::span<const std::uint8_t> bytes, char* out) noexcept {
  for (const std::uint8_t byte : bytes) out = std::copy_n(kHexPairs[byte].begin(), 2, out);
}

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t substituted = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

void append_json_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const char c = text.front();
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20 || code == 0x7F) {
      out += "\\u00";
      out += kHexDigits[code >> 4U];
      out += kHexDigits[code & 0x0FU];
    } else if (code < 0x80) {
      out += c;
    } else {
      const std::size_t length = utf8_length(text);
      const auto character = text.substr(0, length);
      if (length == 0) {
        out += "\\ufffd";
      } else if (breaks_lines(character)) {
        append_utf16_escape(out, character);
      } else {
        out += character;
      }
      text.remove_prefix(std::max<std::size_t>(length, 1));
      continue;
    }
    text.remove_prefix(1);
  }
}

}  // namespace sidegate::base
