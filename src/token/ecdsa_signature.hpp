#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace sidegate::token {

/// The longest coordinate of a curve, that of P-521.
inline constexpr std::size_t kCoordinateBytesMax = 66;

/// The length of r and of s in a signature of JWS: that of the curve's coordinates (RFC 7518 section 3.4).
constexpr std::size_t coordinate_bytes(int curve_bits) noexcept {
  return (static_cast<std::size_t>(curve_bits) + 7) / 8;
}

/// Room for the signature of the longest curve: a sequence of two integers, each with a head of two bytes and perhaps
/// a zero in front, and the head of the sequence.
using EcdsaDer = std::array<unsigned char, 3 + 2 * (3 + kCoordinateBytesMax)>;

/// Writes the signature that JWS has as r and s one behind the other as OpenSSL wants it, a DER sequence of two
/// integers (RFC 3279 section 2.2.3), and gives the part of `out` that it fills. `raw` is not empty, even, and fits.
std::span<const unsigned char> to_der(std::string_view raw, EcdsaDer& out) noexcept;

}  // namespace sidegate::token
