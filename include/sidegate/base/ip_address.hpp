#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::base {

/// An IPv4 or IPv6 address as a value. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4 address, so
/// that a peer is the same whichever family it was accepted on.
class IpAddress {
 public:
  /// `192.0.2.1`, `2001:db8::1`; no port, no brackets, no zone.
  static std::optional<IpAddress> parse(std::string_view text);

  /// From network byte order.
  static IpAddress v4(const std::array<std::uint8_t, 4>& bytes) noexcept;
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept { return IpAddress(bytes); }

  bool is_v4() const noexcept;

  /// The text of RFC 5952.
  std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  friend class IpRange;
  explicit IpAddress(const std::array<std::uint8_t, 16>& bytes) noexcept : bytes_(bytes) {}

  std::array<std::uint8_t, 16> bytes_;  ///< an IPv4 address in its mapped form
};

/// A block of addresses in CIDR notation (RFC 4632), or a single address.
class IpRange {
 public:
  /// `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.1`. Nothing for an address that has bits set behind its prefix: most
  /// likely another block was meant.
  static std::optional<IpRange> parse(std::string_view text);

  bool contains(const IpAddress& address) const noexcept;
  std::string text() const;

 private:
  IpRange(const IpAddress& first, unsigned prefix) noexcept : first_(first), prefix_(prefix) {}

  IpAddress first_;
  unsigned prefix_;  ///< of the 128 bits
};

}  // namespace sidegate::base
