#include <sidegate/net/proxy_protocol.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sidegate::net {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kV4Addresses = "\xC0\x00\x02\x01\xC6\x33\x64\x01\xDC\x04\x01\xBB"s;
const std::string kV6Addresses =
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x02\xDC\x04\x01\xBB"s;
const std::string kUnixAddresses =
    "/run/client.sock"s + std::string(92, '\0') + "/run/server.sock"s + std::string(92, '\0');
const std::string kAlpnAndCrc = "\x01\x00\x08http/1.1\x03\x00\x04\xDE\xAD\xBE\xEF"s;

/// A header of version 2 that says it is followed by `length` bytes.
std::string second_version(char version_and_command, char family_and_protocol, std::size_t length) {
  return kSignature + version_and_command + family_and_protocol + static_cast<char>(length / 256) +
         static_cast<char>(length % 256);
}

/// The same with these bytes, and the length that they have.
std::string second_version(char version_and_command, char family_and_protocol, const std::string& rest) {
  return second_version(version_and_command, family_and_protocol, rest.size()) + rest;
}

/// What was read, in words: `need more`, `broken`, or `whole` with the size and the source.
std::string read(std::string_view bytes) {
  const ProxyHeader header = parse_proxy_header(bytes);
  switch (header.status) {
    case ProxyHeader::Status::NeedMore:
      return "need more";
    case ProxyHeader::Status::Broken:
      return "broken";
    case ProxyHeader::Status::Whole:
      return "whole " + std::to_string(header.bytes) + " " + (header.source ? header.source->text() : "nobody");
  }
  return "?";
}

struct Case {
  std::string name;
  std::string header;
  std::string source;  ///< "nobody" where the header tells of none
};

TEST(ProxyProtocol, SaysWhoConnected) {
  const Case cases[]{
      // Version 1.
      {"IPv4", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1"},
      {"the longest of IPv4", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"},
      {"ports of one digit", "PROXY TCP4 192.0.2.1 198.51.100.1 0 1\r\n", "192.0.2.1"},
      {"IPv6", "PROXY TCP6 2001:db8::1 2001:DB8::2 56324 443\r\n", "2001:db8::1"},
      {"the longest of IPv6",
       "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"an IPv4 client on an IPv6 socket", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 56324 443\r\n",
       "192.0.2.1"},
      {"unknown", "PROXY UNKNOWN\r\n", "nobody"},
      {"unknown with addresses", "PROXY UNKNOWN 192.0.2.1 198.51.100.1 56324 443\r\n", "nobody"},
      {"unknown with anything", "PROXY UNKNOWN \r \n \0 PROXY TCP4\r\n"s, "nobody"},
      {"the longest unknown", "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "nobody"},
      // Version 2.
      {"TCP over IPv4", second_version('\x21', '\x11', kV4Addresses), "192.0.2.1"},
      {"UDP over IPv4", second_version('\x21', '\x12', kV4Addresses), "192.0.2.1"},
      {"TCP over IPv6", second_version('\x21', '\x21', kV6Addresses), "2001:db8::1"},
      {"UDP over IPv6", second_version('\x21', '\x22', kV6Addresses), "2001:db8::1"},
      {"IPv4 with extensions", second_version('\x21', '\x11', kV4Addresses + kAlpnAndCrc), "192.0.2.1"},
      {"IPv6 with extensions", second_version('\x21', '\x21', kV6Addresses + kAlpnAndCrc), "2001:db8::1"},
      {"an extension that ends too early is skipped like the others",
       second_version('\x21', '\x11', kV4Addresses + "\x02\xFF\xFFx"), "192.0.2.1"},
      {"a length of more than a byte", second_version('\x21', '\x11', kV4Addresses + std::string(300, '\4')),
       "192.0.2.1"},
      {"the longest", second_version('\x21', '\x11', kV4Addresses + std::string(kProxyHeaderBytesMax - 28, '\4')),
       "192.0.2.1"},
      {"a unix stream", second_version('\x21', '\x31', kUnixAddresses), "nobody"},
      {"a unix datagram", second_version('\x21', '\x32', kUnixAddresses), "nobody"},
      {"an unknown family", second_version('\x21', '\x00', ""s), "nobody"},
      {"an unknown family with bytes", second_version('\x21', '\x00', kV4Addresses), "nobody"},
      {"an unknown protocol over IPv4", second_version('\x21', '\x10', kV4Addresses), "nobody"},
      {"an unknown protocol over IPv6", second_version('\x21', '\x20', kV6Addresses), "nobody"},
      {"for itself", second_version('\x20', '\x00', ""s), "nobody"},
      {"for itself, with addresses", second_version('\x20', '\x11', kV4Addresses), "nobody"},
      {"for itself, with addresses cut short", second_version('\x20', '\x11', "\xC0\x00"s), "nobody"},
      {"for itself, the family does not count", second_version('\x20', '\xFF', kAlpnAndCrc), "nobody"},
  };
  for (const auto& [name, header, source] : cases) {
    const std::string whole = "whole " + std::to_string(header.size()) + " " + source;
    EXPECT_EQ(read(header), whole) << name;
    // What follows belongs to the connection, even where it looks like another header.
    EXPECT_EQ(read(header + "GET / HTTP/1.1\r\n"), whole) << name;
    EXPECT_EQ(read(header + header), whole) << name;
    for (std::size_t size = 0; size < header.size(); ++size) {
      ASSERT_EQ(read(std::string_view(header).substr(0, size)), "need more") << name << ", " << size << " bytes";
    }
  }
}

struct BrokenCase {
  std::string name;
  std::string bytes;
};

TEST(ProxyProtocol, RefusesWhatIsNoHeader) {
  const BrokenCase cases[]{
      {"a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a request behind an empty line", "\r\nGET / HTTP/1.1\r\n"},
      {"TLS", "\x16\x03\x01\x02\x00\x01"s},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"in small letters", "proxy TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"a blank before it", " PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"another word", "PROXIES TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"no blank", "PROXY\r\n"},
      // Version 1: section 2.1 allows one spelling only.
      {"no family", "PROXY \r\n"},
      {"an empty family", "PROXY  192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"another family", "PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"a family in small letters", "PROXY tcp4 192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"a family that begins like one", "PROXY TCP46 192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"a word that begins like UNKNOWN", "PROXY UNKNOWNS\r\n"},
      {"unknown in small letters", "PROXY unknown\r\n"},
      {"a family alone", "PROXY TCP4\r\n"},
      {"no destination", "PROXY TCP4 192.0.2.1\r\n"},
      {"no ports", "PROXY TCP4 192.0.2.1 198.51.100.1\r\n"},
      {"one port", "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"},
      {"one port and a blank", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 \r\n"},
      {"a word more", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 x\r\n"},
      {"a blank more at the end", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n"},
      {"a blank more in between", "PROXY TCP4 192.0.2.1  198.51.100.1 56324 443\r\n"},
      {"a tab", "PROXY TCP4\t192.0.2.1 198.51.100.1 56324 443\r\n"},
      {"a line feed in the line", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\nx\r\n"},
      {"a carriage return in the line", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\r\n"},
      {"a NUL in an address", "PROXY TCP4 192.0.2.1\0 198.51.100.1 56324 443\r\n"s},
      {"a name", "PROXY TCP4 localhost 198.51.100.1 56324 443\r\n"},
      {"a leading zero in an address", "PROXY TCP4 192.0.02.1 198.51.100.1 56324 443\r\n"},
      {"an address in brackets", "PROXY TCP6 [2001:db8::1] [2001:db8::2] 56324 443\r\n"},
      {"an address with a zone", "PROXY TCP6 fe80::1%eth0 fe80::2 56324 443\r\n"},
      {"a bad destination", "PROXY TCP4 192.0.2.1 198.51.100.256 56324 443\r\n"},
      {"the family decides how addresses are written: IPv6 in TCP4", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"},
      {"IPv6 to IPv4 in TCP4", "PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n"},
      {"a mapped address in TCP4", "PROXY TCP4 ::ffff:192.0.2.1 198.51.100.1 1 2\r\n"},
      {"IPv4 in TCP6", "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n"},
      {"IPv6 to IPv4 in TCP6", "PROXY TCP6 2001:db8::1 198.51.100.1 1 2\r\n"},
      {"a port beyond the last", "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"},
      {"a destination port beyond the last", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n"},
      {"a port with a leading zero", "PROXY TCP4 192.0.2.1 198.51.100.1 056 443\r\n"},
      {"a destination port with a leading zero", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 0443\r\n"},
      {"a port of zeros", "PROXY TCP4 192.0.2.1 198.51.100.1 00 443\r\n"},
      {"a negative port", "PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n"},
      {"a port in hexadecimal", "PROXY TCP4 192.0.2.1 198.51.100.1 0x1 443\r\n"},
      {"108 bytes", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"},
      {"no end", "PROXY UNKNOWN " + std::string(1000, 'x')},
      {"a line feed alone as its end", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n" + std::string(200, 'x')},
      {"a carriage return alone as its end", "PROXY UNKNOWN\r" + std::string(200, 'x')},
      // Version 2.
      {"another signature", "\r\n\r\n\0\r\nQUIT\r"s + "\x21\x11\x00\x0C"s + kV4Addresses},
      {"version 0", second_version('\x01', '\x11', kV4Addresses)},
      {"version 1", second_version('\x11', '\x11', kV4Addresses)},
      {"version 3", second_version('\x31', '\x11', kV4Addresses)},
      {"another command", second_version('\x22', '\x11', kV4Addresses)},
      {"the last command", second_version('\x2F', '\x11', kV4Addresses)},
      {"another family", second_version('\x21', '\x41', kV6Addresses)},
      {"the last family", second_version('\x21', '\xF1', kV6Addresses)},
      {"another protocol", second_version('\x21', '\x13', kV4Addresses)},
      {"the last protocol", second_version('\x21', '\x1F', kV4Addresses)},
      {"another protocol of no family", second_version('\x21', '\x03', ""s)},
      {"IPv4 without addresses", second_version('\x21', '\x11', ""s)},
      {"IPv4 with a byte too few", second_version('\x21', '\x11', kV4Addresses.substr(0, 11))},
      {"IPv6 without addresses", second_version('\x21', '\x21', ""s)},
      {"IPv6 with a byte too few", second_version('\x21', '\x21', kV6Addresses.substr(0, 35))},
      {"IPv6 with the addresses of IPv4", second_version('\x21', '\x21', kV4Addresses)},
      {"a byte too long", second_version('\x21', '\x11', kProxyHeaderBytesMax - 15)},
      {"as long as can be said", second_version('\x21', '\x11', 0xFFFF)},
      {"too long for itself", second_version('\x20', '\x00', 0xFFFF)},
  };
  for (const auto& [name, bytes] : cases) {
    // Less of it may need more, but once it is broken it stays so, and it never is whole.
    std::string before = "need more";
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      const auto now = read(std::string_view(bytes).substr(0, size));
      ASSERT_TRUE(now == "broken" || (now == "need more" && before == now))
          << name << ", " << size << " bytes: " << now;
      before = now;
    }
    EXPECT_EQ(before, "broken") << name;
    EXPECT_EQ(read(bytes + "GET / HTTP/1.1\r\n\r\n"), "broken") << name;
  }
}

TEST(ProxyProtocol, IsRefusedAsSoonAsItCannotBecomeOne) {
  EXPECT_EQ(read(""), "need more");
  EXPECT_EQ(read("G"), "broken");
  EXPECT_EQ(read("P"), "need more");
  EXPECT_EQ(read("PR"), "need more");
  EXPECT_EQ(read("PRI"), "broken");
  EXPECT_EQ(read("PROXY\r"), "broken");
  EXPECT_EQ(read("\r\n"), "need more");
  EXPECT_EQ(read("\r\n\r\n\r"), "broken");
  const std::string unknown = "PROXY UNKNOWN ";
  EXPECT_EQ(read(unknown + std::string(106 - unknown.size(), 'x')), "need more");
  EXPECT_EQ(read(unknown + std::string(107 - unknown.size(), 'x')), "broken");
  // Nothing that is announced needs to be waited for when it would be refused.
  EXPECT_EQ(read(second_version('\x21', '\x11', kProxyHeaderBytesMax - 16)), "need more");
  EXPECT_EQ(read(second_version('\x21', '\x11', kProxyHeaderBytesMax - 15)), "broken");
  EXPECT_EQ(read(second_version('\x22', '\x11', 12)), "broken");
}

}  // namespace
}  // namespace sidegate::net
