#include <sidegate/base/ip_address.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace sidegate::base {
namespace {

using namespace std::string_view_literals;

IpAddress address_of(std::string_view text) {
  return IpAddress::parse(text).value();
}

struct AddressCase {
  std::string_view text;
  std::string_view expected;
  bool is_v4;
};

TEST(IpAddress, HasOneText) {
  constexpr std::array<AddressCase, 17> cases{{
      {"192.0.2.1", "192.0.2.1", true},
      {"0.0.0.0", "0.0.0.0", true},
      {"255.255.255.255", "255.255.255.255", true},
      {"::", "::", false},
      {"::1", "::1", false},
      {"2001:db8::1", "2001:db8::1", false},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", false},
      {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
      // RFC 5952 section 4: small letters, no leading zeros, the longest run of zeros shortened, a single one never.
      {"2001:DB8::ABCD", "2001:db8::abcd", false},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1", false},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", false},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1", false},
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false},
      // RFC 4291 section 2.5.5.2: the IPv4 address, however it is written.
      {"::ffff:192.0.2.1", "192.0.2.1", true},
      {"::FFFF:c000:201", "192.0.2.1", true},
      {"0:0:0:0:0:ffff:c000:0201", "192.0.2.1", true},
      {"::fffe:c000:201", "::fffe:c000:201", false},
  }};
  for (const auto& [text, expected, is_v4] : cases) {
    SCOPED_TRACE(text);
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->text(), expected);
    EXPECT_EQ(address->is_v4(), is_v4);
    EXPECT_EQ(*address, address_of(expected));
  }
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const std::string_view text :
       {""sv, " "sv, "a"sv, "localhost"sv, "192.0.2"sv, "192.0.2."sv, ".192.0.2.1"sv, "192.0.2.1.1"sv, "192.0.2.256"sv,
        "192.0.2.-1"sv, "192.0.2.+1"sv,
        // Some readers take these for octal, hexadecimal or shortened ones.
        "010.0.0.1"sv, "192.0.2.01"sv, "0x7f.0.0.1"sv, "127.1"sv, "2130706433"sv,
        // What may stand beside an address is no part of it.
        " 192.0.2.1"sv, "192.0.2.1 "sv, "192.0.2.1\n"sv, "192.0.2.1\t"sv, "192.0.2.1:80"sv, "192.0.2.1/32"sv,
        "[192.0.2.1]"sv, "[::1]"sv, "[::1]:80"sv, "::1/128"sv, "fe80::1%eth0"sv, "fe80::1%1"sv, "\"::1\""sv,
        // A NUL ends a text for the system, but not for us.
        "192.0.2.1\0"sv, "192.0.2.1\0.evil"sv, "\0"sv, "::1\0"sv, ":"sv, ":::"sv, "1::2::3"sv, "12345::"sv, "::g"sv,
        ":1:2:3:4:5:6:7"sv, "1:2:3:4:5:6:7"sv, "1:2:3:4:5:6:7:8:9"sv, "1:2:3:4:5:6:7:8::"sv, "::ffff:192.0.2.256"sv,
        "::ffff:192.0.2.01"sv, "192.0.2.1::"sv, "0000:0000:0000:0000:0000:ffff:0255.255.255.255"sv}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string(1000, '1')));
  EXPECT_FALSE(IpAddress::parse(std::string(45, ':')));
  EXPECT_FALSE(IpAddress::parse(std::string(46, ':')));
}

TEST(IpAddress, IsMadeOfNetworkBytes) {
  EXPECT_EQ(IpAddress::v4({192, 0, 2, 1}), address_of("192.0.2.1"));
  EXPECT_TRUE(IpAddress::v4({0, 0, 0, 0}).is_v4());
  EXPECT_EQ(IpAddress::v6({0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}).text(), "2001:db8::80");
  EXPECT_EQ(IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1}), address_of("192.0.2.1"));
  EXPECT_NE(address_of("192.0.2.1"), address_of("192.0.2.2"));
  EXPECT_NE(address_of("0.0.0.1"), address_of("::1"));
}

struct RangeCase {
  std::string_view text;
  std::string_view expected;
};

TEST(IpRange, HasOneText) {
  constexpr std::array<RangeCase, 14> cases{{
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"192.0.2.128/25", "192.0.2.128/25"},
      {"192.0.2.254/31", "192.0.2.254/31"},
      {"192.0.2.1/32", "192.0.2.1/32"},
      {"192.0.2.1", "192.0.2.1/32"},
      {"::/0", "::/0"},
      {"2001:DB8::/32", "2001:db8::/32"},
      {"2001:db8:8000::/33", "2001:db8:8000::/33"},
      {"2001:db8::1/128", "2001:db8::1/128"},
      {"2001:db8::1", "2001:db8::1/128"},
      {"::ffff:192.0.2.1", "192.0.2.1/32"},
      // The prefix of an address that is written as an IPv6 one counts from its beginning.
      {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
      {"::ffff:0:0/96", "0.0.0.0/0"},
  }};
  for (const auto& [text, expected] : cases) {
    const auto range = IpRange::parse(text);
    ASSERT_TRUE(range) << text;
    EXPECT_EQ(range->text(), expected);
    const auto again = IpRange::parse(expected);
    ASSERT_TRUE(again) << expected;
    EXPECT_EQ(again->text(), expected);
  }
}

TEST(IpRange, RefusesWhatIsNone) {
  for (const std::string_view text :
       {// Bits behind the prefix: which block was meant?
        "10.0.0.1/8"sv, "10.128.0.0/8"sv, "192.0.2.129/25"sv, "192.0.2.1/31"sv, "0.0.0.1/0"sv, "128.0.0.0/0"sv,
        "2001:db8::1/32"sv, "2001:db8:8000::/32"sv, "::1/127"sv, "8000::/0"sv, "::ffff:10.0.0.0/8"sv,
        // A prefix that is none.
        "10.0.0.0/33"sv, "10.0.0.0/129"sv, "::/129"sv, "10.0.0.0/"sv, "10.0.0.0/-8"sv, "10.0.0.0/+8"sv, "10.0.0.0/08"sv,
        "10.0.0.0/0x8"sv, "10.0.0.0/8.0"sv, "10.0.0.0/8/8"sv, "10.0.0.0/255.0.0.0"sv, "10.0.0.0/18446744073709551624"sv,
        // An address that is none.
        ""sv, "/"sv, "/8"sv, "10/8"sv, "10.0.0/24"sv, "010.0.0.0/8"sv, "localhost"sv, "example.com/24"sv,
        "10.0.0.0:80"sv, "10.0.0.0:80/8"sv, "10.0.0.0-10.0.0.9"sv, "10.0.0.*"sv, "[2001:db8::]/32"sv, "[2001:db8::]"sv,
        "fe80::%eth0/64"sv,
        // Blanks and NUL.
        " 10.0.0.0/8"sv, "10.0.0.0/8 "sv, "10.0.0.0 /8"sv, "10.0.0.0/ 8"sv, "10.0.0.0\0/8"sv, "10.0.0.0/8\0"sv,
        "10.0.0.0/\0"sv}) {
    EXPECT_FALSE(IpRange::parse(text)) << text;
  }
}

struct ContainsCase {
  std::string_view range;
  std::vector<std::string_view> inside;
  std::vector<std::string_view> outside;
};

TEST(IpRange, EndsWhereItsPrefixSays) {
  const ContainsCase cases[]{
      {"10.0.0.0/8",
       {"10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"},
       {"9.255.255.255", "11.0.0.0", "a00::", "::10.0.0.1", "0a00:1::"}},
      {"192.0.2.128/25", {"192.0.2.128", "192.0.2.255"}, {"192.0.2.127", "192.0.3.0", "192.0.2.0"}},
      {"192.0.2.254/31", {"192.0.2.254", "192.0.2.255"}, {"192.0.2.253", "192.0.3.0"}},
      {"192.0.2.1", {"192.0.2.1", "::ffff:192.0.2.1"}, {"192.0.2.0", "192.0.2.2", "::192.0.2.1"}},
      {"0.0.0.0/0", {"0.0.0.0", "255.255.255.255"}, {"::", "::1", "2001:db8::1"}},
      {"2001:db8::/32",
       {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
       {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "192.0.2.1"}},
      {"2001:db8:8000::/33", {"2001:db8:8000::", "2001:db8:ffff::1"}, {"2001:db8:7fff:ffff::", "2001:db9:8000::"}},
      {"2001:db8::1", {"2001:db8::1"}, {"2001:db8::", "2001:db8::2"}},
      // Whoever trusts IPv6 addresses has said nothing of IPv4 ones.
      {"::/0", {"::", "::1", "2001:db8::1"}, {"192.0.2.1", "::ffff:192.0.2.1"}},
      {"::/64", {"::", "::1"}, {"192.0.2.1", "0.0.0.0"}},
  };
  for (const auto& [text, inside, outside] : cases) {
    const auto range = IpRange::parse(text);
    ASSERT_TRUE(range) << text;
    for (const auto each : inside) EXPECT_TRUE(range->contains(address_of(each))) << text << ' ' << each;
    for (const auto each : outside) EXPECT_FALSE(range->contains(address_of(each))) << text << ' ' << each;
  }
}

template <std::size_t Count>
std::array<std::uint8_t, Count> with_bit_flipped(std::array<std::uint8_t, Count> bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (0x80U >> bit % 8));
  return bytes;
}

/// Every prefix: the last bit that counts takes an address out of the block, the first that does not leaves it in.
template <std::size_t Count, class Make>
void expect_borders(Make make) {
  constexpr std::size_t bits = Count * 8;
  std::array<std::uint8_t, Count> first{};
  for (std::size_t prefix = 0; prefix <= bits; ++prefix) {
    const auto text = make(first).text() + "/" + std::to_string(prefix);
    const auto range = IpRange::parse(text);
    ASSERT_TRUE(range) << text;
    EXPECT_EQ(range->text(), text);
    EXPECT_TRUE(range->contains(make(first)));
    if (prefix > 0) {
      EXPECT_FALSE(range->contains(make(with_bit_flipped(first, prefix - 1)))) << text;
      EXPECT_FALSE(range->contains(make(with_bit_flipped(first, 0)))) << text;
    }
    if (prefix == bits) break;
    EXPECT_TRUE(range->contains(make(with_bit_flipped(first, prefix)))) << text;
    EXPECT_TRUE(range->contains(make(with_bit_flipped(first, bits - 1)))) << text;
    if (prefix % 3 != 1) first = with_bit_flipped(first, prefix);
  }
}

TEST(IpRange, EveryPrefixHasItsBorders) {
  expect_borders<4>([](const auto& bytes) { return IpAddress::v4(bytes); });
  expect_borders<16>([](const auto& bytes) { return IpAddress::v6(bytes); });
}

}  // namespace
}  // namespace sidegate::base
