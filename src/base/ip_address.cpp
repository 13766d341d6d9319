#include <sidegate/base/ip_address.hpp>
#include <sidegate/base/text.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace sidegate::base {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;
constexpr unsigned kBits = 128;

bool bit_at(const std::array<std::uint8_t, 16>& bytes, unsigned index) noexcept {
  const unsigned byte = bytes[index / 8];
  return ((byte >> (7U - index % 8)) & 1U) != 0;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return std::nullopt;
  // The system reads up to the first NUL, and would take what stands before it for the whole.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  std::array<std::uint8_t, 4> four{};
  if (::inet_pton(AF_INET, terminated.data(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (::inet_pton(AF_INET6, terminated.data(), sixteen.data()) == 1) return v6(sixteen);
  return std::nullopt;
}

IpAddress IpAddress::v4(const std::array<std::uint8_t, 4>& bytes) noexcept {
  std::array<std::uint8_t, 16> mapped{};
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), mapped.begin());
  std::copy(bytes.begin(), bytes.end(), mapped.begin() + kMappedPrefix.size());
  return IpAddress(mapped);
}

bool IpAddress::is_v4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes_.data() + kMappedPrefix.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

std::optional<IpRange> IpRange::parse(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  // The prefix of a mapped address counts from its beginning, as it is written.
  const unsigned family_bits = text.find(':') == std::string_view::npos ? kMappedBits : 0;
  unsigned prefix = kBits;
  if (slash < text.size()) {
    const auto digits = text.substr(slash + 1);
    const auto given = parse_decimal(digits);
    if (!given || *given > kBits - family_bits || digits != std::to_string(*given)) return std::nullopt;
    prefix = family_bits + static_cast<unsigned>(*given);
  }
  for (unsigned i = prefix; i < kBits; ++i) {
    if (bit_at(address->bytes_, i)) return std::nullopt;
  }
  return IpRange(*address, prefix);
}

bool IpRange::contains(const IpAddress& address) const noexcept {
  // Whoever trusts IPv6 addresses has said nothing of IPv4 ones, though they lie among them in their mapped form.
  if (first_.is_v4() != address.is_v4()) return false;
  const auto whole = prefix_ / 8;
  if (!std::equal(first_.bytes_.begin(), first_.bytes_.begin() + whole, address.bytes_.begin())) return false;
  for (unsigned i = whole * 8; i < prefix_; ++i) {
    if (bit_at(first_.bytes_, i) != bit_at(address.bytes_, i)) return false;
  }
  return true;
}

std::string IpRange::text() const {
  const unsigned family_bits = first_.is_v4() ? kMappedBits : 0;
  return first_.text() + "/" + std::to_string(prefix_ - family_bits);
}

}  // namespace sidegate::base
