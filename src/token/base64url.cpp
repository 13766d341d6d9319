#include <sidegate/token/base64url.hpp>

#include <array>
#include <cstdint>

namespace sidegate::token {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint32_t kInvalid = 0x80;  // no six-bit value has this bit

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

constexpr std::uint32_t value_of(char c) noexcept {
  return kValues[static_cast<unsigned char>(c)];
}

constexpr std::uint32_t byte_of(char c) noexcept {
  return static_cast<unsigned char>(c);
}

constexpr char low_byte(std::uint32_t bits) noexcept {
  return static_cast<char>(static_cast<unsigned char>(bits));
}

constexpr char letter_of(std::uint32_t bits) noexcept {
  return kAlphabet[bits & 0x3FU];
}

}  // namespace

std::optional<std::size_t> decode_base64url(std::string_view text, std::span<char> out) noexcept {
  if (text.size() % 4 == 1 || out.size() < decoded_size(text.size())) return std::nullopt;
  std::size_t written = 0;
  std::uint32_t seen = 0;  // all values or-ed together: one test of kInvalid at the end
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const auto a = value_of(text[i]);
    const auto b = value_of(text[i + 1]);
    const auto c = value_of(text[i + 2]);
    const auto d = value_of(text[i + 3]);
    seen |= a | b | c | d;
    out[written++] = low_byte(a << 2U | b >> 4U);
    out[written++] = low_byte(b << 4U | c >> 2U);
    out[written++] = low_byte(c << 6U | d);
  }
  if (const std::size_t rest = text.size() - i; rest != 0) {
    const auto a = value_of(text[i]);
    const auto b = value_of(text[i + 1]);
    const auto c = rest == 3 ? value_of(text[i + 2]) : 0;
    seen |= a | b | c;
    // Left-over bits must be zero (RFC 4648 section 3.5), or a second text would stand for the same bytes.
    if (((rest == 3 ? c & 0x03U : b & 0x0FU)) != 0) return std::nullopt;
    out[written++] = low_byte(a << 2U | b >> 4U);
    if (rest == 3) out[written++] = low_byte(b << 4U | c >> 2U);
  }
  if ((seen & kInvalid) != 0) return std::nullopt;
  return written;
}

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string bytes(decoded_size(text.size()), '\0');
  if (!decode_base64url(text, std::span<char>(bytes))) return std::nullopt;
  return bytes;
}

void append_base64url(std::string& out, std::string_view bytes) {
  out.reserve(out.size() + encoded_size(bytes.size()));
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const auto bits = byte_of(bytes[i]) << 16U | byte_of(bytes[i + 1]) << 8U | byte_of(bytes[i + 2]);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) out += letter_of(bits >> shift);
  }
  if (bytes.size() - i == 1) {
    const auto bits = byte_of(bytes[i]) << 4U;
    for (const unsigned shift : {6U, 0U}) out += letter_of(bits >> shift);
  } else if (bytes.size() - i == 2) {
    const auto bits = (byte_of(bytes[i]) << 8U | byte_of(bytes[i + 1])) << 2U;
    for (const unsigned shift : {12U, 6U, 0U}) out += letter_of(bits >> shift);
  }
}

}  // namespace sidegate::token
