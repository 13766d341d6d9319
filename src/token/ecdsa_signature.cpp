#include "ecdsa_signature.hpp"

#include <algorithm>

namespace sidegate::token {
namespace {

constexpr unsigned char kInteger = 0x02;
constexpr unsigned char kSequence = 0x30;
constexpr unsigned char kHighBit = 0x80;
constexpr unsigned char kOneByteOfLength = 0x81;

/// Writes the integer and gives the place behind it. An integer has no zeros in front, except one where its highest bit
/// would make it negative.
unsigned char* write_integer(std::string_view number, unsigned char* out) noexcept {
  number.remove_prefix(std::min(number.find_first_not_of('\0'), number.size() - 1));
  const bool needs_zero = (static_cast<unsigned char>(number.front()) & kHighBit) != 0;
  *out++ = kInteger;
  *out++ = static_cast<unsigned char>(number.size() + (needs_zero ? 1 : 0));
  if (needs_zero) *out++ = 0;
  return std::copy(number.begin(), number.end(), out);
}

}  // namespace

std::span<const unsigned char> to_der(std::string_view raw, EcdsaDer& out) noexcept {
  constexpr std::size_t kHeadBytesMax = 3;
  // The integers first: their length decides how long the head in front of them is.
  unsigned char* const begin = out.data() + kHeadBytesMax;
  unsigned char* const end =
      write_integer(raw.substr(raw.size() / 2), write_integer(raw.substr(0, raw.size() / 2), begin));
  const auto size = static_cast<unsigned char>(end - begin);
  unsigned char* head = begin;
  *--head = size;
  if (size >= kHighBit) *--head = kOneByteOfLength;
  *--head = kSequence;
  return {head, end};
}

}  // namespace sidegate::token
