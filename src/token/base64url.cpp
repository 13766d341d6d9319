#include <sidegate/token/base64url.hpp>

#include <array>
#include <cstdint>

namespace sidegate::token {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint32_t kGroupMax = (1U << 24U) - 1;  // four six-bit values
constexpr std::uint32_t kInvalid = ~0U;               // more than that wherever in a group it stands

constexpr std::array<std::uint32_t, 256> make_values() {
  std::array<std::uint32_t, 256> values{};
  values.fill(kInvalid);
  for (std::uint32_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<unsigned char>(kAlphabet[i])] = i;
  return values;
}
constexpr auto kValues = make_values();

constexpr std::uint32_t value_of(char c) noexcept {
  return kValues[static_cast<unsigned char>(c)];
}

/// Four values as the three bytes that they stand for.
constexpr std::uint32_t group_of(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) noexcept {
  return a << 18U | b << 12U | c << 6U | d;
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
  const std::size_t size = decoded_size(text.size());
  const std::size_t rest = text.size() % 4;
  if (rest == 1 || out.size() < size) return std::nullopt;
  const char* from = text.data();
  char* to = out.data();
  std::uint32_t seen = 0;  // all groups or-ed together: one test of kGroupMax at the end
  for (const char* const last = from + (text.size() - rest); from != last; from += 4, to += 3) {
    const auto bits = group_of(value_of(from[0]), value_of(from[1]), value_of(from[2]), value_of(from[3]));
    seen |= bits;
    to[0] = low_byte(bits >> 16U);
    to[1] = low_byte(bits >> 8U);
    to[2] = low_byte(bits);
  }
  if (rest != 0) {
    const auto bits = group_of(value_of(from[0]), value_of(from[1]), rest == 3 ? value_of(from[2]) : 0, 0);
    seen |= bits;
    // Left-over bits must be zero (RFC 4648 section 3.5), or a second text would stand for the same bytes.
    if ((bits & (rest == 3 ? 0xFFU : 0xFFFFU)) != 0) return std::nullopt;
    to[0] = low_byte(bits >> 16U);
    if (rest == 3) to[1] = low_byte(bits >> 8U);
  }
  if (seen > kGroupMax) return std::nullopt;
  return size;
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
