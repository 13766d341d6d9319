#include <sidegate/net/proxy_protocol.hpp>

#include <sidegate/base/text.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace sidegate::net {
namespace {

using namespace std::string_view_literals;
using Status = ProxyHeader::Status;

constexpr auto kVersion1Signature = "PROXY "sv;
constexpr std::size_t kVersion1BytesMax = 107;

constexpr auto kVersion2Signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kVersion2FixedBytes = 16;

ProxyHeader broken() {
  return {.status = Status::Broken, .bytes = 0, .source = {}};
}

/// Takes the text up to the next space, or up to the end.
std::string_view take_word(std::string_view& line) {
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

/// Without leading zeros, which somebody might take for octal (section 2.1).
bool is_port(std::string_view text) {
  return base::parse_port(text).has_value() && (text == "0" || !text.starts_with('0'));
}

/// An address in the one format that `family` has.
std::optional<base::IpAddress> read_address(std::string_view text, std::string_view family) {
  const bool is_v6 = text.find(':') != std::string_view::npos;
  if (family != (is_v6 ? "TCP6" : "TCP4")) return std::nullopt;
  return base::IpAddress::parse(text);
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`, or `PROXY UNKNOWN` with anything behind it.
ProxyHeader read_version_1(std::string_view line, std::size_t bytes) {
  ProxyHeader header{.status = Status::Whole, .bytes = bytes, .source = {}};
  const auto family = take_word(line);
  if (family == "UNKNOWN") return header;
  header.source = read_address(take_word(line), family);
  const auto destination = read_address(take_word(line), family);
  const auto source_port = take_word(line);
  // What is left is the last word: nothing may stand behind it.
  const bool fine = header.source && destination && is_port(source_port) && is_port(line);
  return fine ? header : broken();
}

ProxyHeader parse_version_1(std::string_view bytes) {
  const auto end = bytes.substr(0, kVersion1BytesMax).find("\r\n");
  if (end == std::string_view::npos) return bytes.size() >= kVersion1BytesMax ? broken() : ProxyHeader{};
  return read_version_1(bytes.substr(kVersion1Signature.size(), end - kVersion1Signature.size()), end + 2);
}

template <std::size_t N>
std::array<std::uint8_t, N> copy_bytes(std::string_view bytes) {
  std::array<std::uint8_t, N> copy{};
  std::copy_n(bytes.begin(), N, copy.begin());
  return copy;
}

ProxyHeader parse_version_2(std::string_view bytes) {
  if (bytes.size() < kVersion2FixedBytes) return {};
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::size_t length = at(14) * std::size_t{256} + at(15);
  if (kVersion2FixedBytes + length > kProxyHeaderBytesMax) return broken();
  const unsigned version = at(12) / 16U;
  const unsigned command = at(12) % 16U;
  constexpr unsigned kLocal = 0;
  constexpr unsigned kProxy = 1;
  if (version != 2 || command > kProxy) return broken();
  if (bytes.size() < kVersion2FixedBytes + length) return {};
  ProxyHeader header{.status = Status::Whole, .bytes = kVersion2FixedBytes + length, .source = {}};
  if (command == kLocal) return header;
  const unsigned family = at(13) / 16U;
  const unsigned protocol = at(13) % 16U;
  constexpr unsigned kV4 = 1;
  constexpr unsigned kV6 = 2;
  constexpr unsigned kUnix = 3;
  constexpr unsigned kDatagram = 2;
  if (family > kUnix || protocol > kDatagram) return broken();
  // Of an unspecified protocol the addresses are not to be used.
  if (protocol == 0) return header;
  const auto addresses = bytes.substr(kVersion2FixedBytes, length);
  constexpr std::size_t kV4Bytes = 12;  // two addresses, two ports
  constexpr std::size_t kV6Bytes = 36;
  if (family == kV4) {
    if (length < kV4Bytes) return broken();
    header.source = base::IpAddress::v4(copy_bytes<4>(addresses));
  } else if (family == kV6) {
    if (length < kV6Bytes) return broken();
    header.source = base::IpAddress::v6(copy_bytes<16>(addresses));
  }
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  const auto may_become = [bytes](std::string_view signature) {
    return signature.starts_with(bytes.substr(0, signature.size()));
  };
  if (may_become(kVersion2Signature)) return parse_version_2(bytes);
  if (may_become(kVersion1Signature)) return parse_version_1(bytes);
  return broken();
}

}  // namespace sidegate::net
