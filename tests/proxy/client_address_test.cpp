#include <sidegate/proxy/client_address.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sidegate::proxy {
namespace {

http::Field forwarded_for(std::string_view value) {
  return {.name = "X-Forwarded-For", .value = value, .line = {}, .known = http::FieldName::Other};
}

std::vector<base::IpRange> ranges(const std::vector<std::string_view>& texts) {
  std::vector<base::IpRange> parsed;
  for (const auto text : texts) parsed.push_back(base::IpRange::parse(text).value());
  return parsed;
}

/// The address that is found, or `nobody`.
std::string find(const std::vector<http::Field>& fields, const std::vector<base::IpRange>& trusted) {
  const auto client = find_client_address(fields, trusted);
  return client ? client->text() : "nobody";
}

struct Case {
  const char* name;
  std::vector<std::string_view> lines;
  std::string_view expected;
};

TEST(ClientAddress, IsTheRightmostThatIsNoTrustedProxy) {
  const Case cases[]{
      {"no field", {}, "nobody"},
      {"an empty one", {""}, "nobody"},
      {"one", {"192.0.2.7"}, "192.0.2.7"},
      {"behind a proxy", {"192.0.2.7, 10.0.0.1"}, "192.0.2.7"},
      {"behind several", {"192.0.2.7, 10.0.0.3, 10.255.255.255, 10.0.0.1"}, "192.0.2.7"},
      {"what stands left of it was written by anybody", {"198.51.100.1, 192.0.2.7, 10.0.0.1"}, "192.0.2.7"},
      {"though it claims to be a proxy", {"10.0.0.9, 192.0.2.7, 10.0.0.1"}, "192.0.2.7"},
      {"though it is no address", {"<script>, unknown, 192.0.2.7, 10.0.0.1"}, "192.0.2.7"},
      {"a proxy alone", {"10.0.0.1"}, "10.0.0.1"},
      {"nobody but proxies: the first of them", {"10.0.0.3, 10.0.0.2, 10.0.0.1"}, "10.0.0.3"},
      // Several lines are one list (RFC 9110 section 5.3).
      {"in the last line", {"198.51.100.1", "192.0.2.7, 10.0.0.1"}, "192.0.2.7"},
      {"in a line before", {"198.51.100.1, 192.0.2.7", "10.0.0.2, 10.0.0.1", "10.0.0.3"}, "192.0.2.7"},
      {"all lines of proxies", {"10.0.0.3", "10.0.0.2", "10.0.0.1"}, "10.0.0.3"},
      // No address ends the walk, at the last one that is known.
      {"no address at the end", {"192.0.2.7, unknown"}, "nobody"},
      {"no address behind a proxy", {"192.0.2.7, unknown, 10.0.0.1"}, "10.0.0.1"},
      {"no address behind several", {"192.0.2.7, _hidden, 10.0.0.2, 10.0.0.1"}, "10.0.0.2"},
      {"no address in a line of its own", {"192.0.2.7", "unknown", "10.0.0.1"}, "10.0.0.1"},
      {"no address at all", {"unknown"}, "nobody"},
      {"a name", {"192.0.2.7, localhost"}, "nobody"},
      {"two addresses without a comma", {"192.0.2.7 10.0.0.1"}, "nobody"},
      {"an address that some take for octal", {"192.0.2.7, 010.0.0.1"}, "nobody"},
      {"an address with a zone", {"fe80::1%eth0"}, "nobody"},
      {"an element of Forwarded", {"for=192.0.2.7"}, "nobody"},
      {"an address in quotes", {"\"192.0.2.7\""}, "nobody"},
      // Empty entries count for nothing (RFC 9110 section 5.6.1.2).
      {"a comma at the end", {"192.0.2.7,"}, "192.0.2.7"},
      {"commas everywhere", {",192.0.2.7 ,, \t , 10.0.0.1 , ,"}, "192.0.2.7"},
      {"nothing but commas", {", ,,"}, "nobody"},
      {"an empty line behind it", {"192.0.2.7", ""}, "192.0.2.7"},
      {"blanks and tabs", {" \t192.0.2.7\t , \t10.0.0.1 "}, "192.0.2.7"},
      {"no blanks", {"198.51.100.1,192.0.2.7,10.0.0.1"}, "192.0.2.7"},
      // IPv6, and IPv4 as it comes over IPv6.
      {"IPv6 behind IPv6", {"2001:db9::7, 2001:db8::1"}, "2001:db9::7"},
      {"IPv6 in another spelling", {"2001:DB9:0::0:7, 2001:0db8::0001"}, "2001:db9::7"},
      {"a mapped proxy", {"192.0.2.7, ::ffff:10.0.0.1"}, "192.0.2.7"},
      {"a mapped client", {"::ffff:192.0.2.7, 10.0.0.1"}, "192.0.2.7"},
      // Ports and brackets.
      {"a port", {"192.0.2.7:4711, 10.0.0.1:80"}, "192.0.2.7"},
      {"brackets", {"[2001:db9::7], [2001:db8::1]"}, "2001:db9::7"},
      {"brackets and a port", {"[2001:db9::7]:4711, [2001:db8::1]:80"}, "2001:db9::7"},
      {"a mapped one in brackets", {"[::ffff:192.0.2.7]:4711"}, "192.0.2.7"},
      {"IPv6 without brackets has no port", {"2001:db9::7:4711"}, "2001:db9::7:4711"},
      {"brackets are for IPv6 only", {"192.0.2.7, [10.0.0.1]:80"}, "nobody"},
      {"an open bracket", {"192.0.2.7, [2001:db9::7"}, "nobody"},
      {"a closing bracket", {"192.0.2.7, 2001:db9::7]"}, "nobody"},
      {"empty brackets", {"192.0.2.7, []"}, "nobody"},
      {"something behind the brackets", {"192.0.2.7, [2001:db8::1]x"}, "nobody"},
      {"a port that is none", {"192.0.2.7, 10.0.0.1:http"}, "nobody"},
      {"a port that is none behind brackets", {"192.0.2.7, [2001:db8::1]:http"}, "nobody"},
      {"a port beyond the last", {"192.0.2.7, 10.0.0.1:65536"}, "nobody"},
      {"two ports", {"192.0.2.7, 10.0.0.1:80:81"}, "nobody"},
      {"a port alone", {"192.0.2.7, :80"}, "nobody"},
  };
  const auto trusted = ranges({"10.0.0.0/8", "2001:db8::/32"});
  for (const auto& [name, lines, expected] : cases) {
    std::vector<http::Field> fields;
    for (const auto line : lines) fields.push_back(forwarded_for(line));
    EXPECT_EQ(find(fields, trusted), expected) << name;
  }
}

TEST(ClientAddress, StandsInThatFieldAlone) {
  const auto trusted = ranges({"10.0.0.0/8"});
  const auto in = [&](std::string_view name) {
    const http::Field other{.name = name, .value = "192.0.2.7", .line = {}, .known = http::FieldName::Other};
    return find({other, forwarded_for("192.0.2.8, 10.0.0.1"), other}, trusted);
  };
  for (const std::string_view name : {"X_Forwarded_For", "X.Forwarded.For", "X-Forwarded-For2", "X-Forwarded-Host",
                                      "Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP"}) {
    EXPECT_EQ(in(name), "192.0.2.8") << name;
  }
  for (const std::string_view name : {"x-forwarded-for", "X-FORWARDED-FOR"}) EXPECT_EQ(in(name), "192.0.2.7") << name;
}

TEST(ClientAddress, WhereNobodyIsTrustedIsTheRightmost) {
  EXPECT_EQ(find({forwarded_for("192.0.2.7, 10.0.0.1")}, {}), "10.0.0.1");
  EXPECT_EQ(find({forwarded_for("192.0.2.7"), forwarded_for("10.0.0.1")}, {}), "10.0.0.1");
}

TEST(ClientAddress, WhereEverybodyIsTrustedIsTheLeftmost) {
  const auto trusted = ranges({"0.0.0.0/0", "::/0"});
  EXPECT_EQ(find({forwarded_for("192.0.2.7, 2001:db9::7"), forwarded_for("10.0.0.1")}, trusted), "192.0.2.7");
}

TEST(ClientAddress, MayStandBehindManyProxies) {
  std::string line = "192.0.2.7";
  for (int i = 0; i < 2000; ++i) line += ", 10.0.0.1";
  EXPECT_EQ(find({forwarded_for(line)}, ranges({"10.0.0.1"})), "192.0.2.7");
}

TEST(ClientAddress, APeerIsTrustedByItsAddressOnly) {
  const auto trusted = ranges({"10.0.0.0/8", "2001:db8::1"});
  for (const std::string_view peer : {"10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"}) {
    EXPECT_TRUE(is_trusted(peer, trusted)) << peer;
  }
  for (const std::string_view peer : {"11.0.0.1", "2001:db8::2", "", "localhost"}) {
    EXPECT_FALSE(is_trusted(peer, trusted)) << peer;
  }
  EXPECT_FALSE(is_trusted("10.1.2.3", {}));
}

}  // namespace
}  // namespace sidegate::proxy
