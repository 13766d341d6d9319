#include "url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Url, IsTakenApart) {
  struct Case {
    const char* text;
    bool encrypted;
    const char* host;
    std::uint16_t port;
    const char* target;
    const char* host_field;
    const char* place;
  };
  const Case cases[] = {
      {"https://issuer.example/jwks", true, "issuer.example", 443, "/jwks", "issuer.example", "https://issuer.example"},
      {"HTTPS://issuer.example", true, "issuer.example", 443, "/", "issuer.example", "https://issuer.example"},
      {"https://issuer.example:8443/a/b?c=d%20e", true, "issuer.example", 8443, "/a/b?c=d%20e", "issuer.example:8443",
       "https://issuer.example:8443"},
      {"https://issuer.example?x", true, "issuer.example", 443, "/?x", "issuer.example", "https://issuer.example"},
      {"http://127.0.0.1:80/", false, "127.0.0.1", 80, "/", "127.0.0.1", "http://127.0.0.1"},
      {"http://[0:0::1]:81/k", false, "::1", 81, "/k", "[::1]:81", "http://[::1]:81"},
      {"https://[2001:db8::1]/k", true, "2001:db8::1", 443, "/k", "[2001:db8::1]", "https://[2001:db8::1]"},
  };
  for (const Case& test : cases) {
    const auto url = parse_url(test.text);
    ASSERT_TRUE(url) << test.text << ": " << url.error().text;
    EXPECT_EQ(url->encrypted, test.encrypted) << test.text;
    EXPECT_EQ(url->address.host, test.host) << test.text;
    EXPECT_EQ(url->address.port, test.port) << test.text;
    EXPECT_EQ(url->target, test.target) << test.text;
    EXPECT_EQ(url->host_field(), test.host_field) << test.text;
    EXPECT_EQ(url->place(), test.place) << test.text;
  }
}

TEST(Url, IsRefusedWithoutBeingRepeated) {
  const char* const cases[] = {
      "",
      "secret",
      "/secret",
      "ftp://secret/",
      "https://",
      "https:///secret",
      "https://user:secret@host/",
      "https://secret@host/",
      "https://host/#secret",
      "https://host/secret with blanks",
      "https://host/secret\r\nX: y",
      "https://host/%secret",
      "https://host:0/secret",
      "https://host:99999/secret",
      "https://127.0.0.256/secret",
      "https://[::1/secret",
      "https://ho\\st/secret",
  };
  for (const char* const text : cases) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_THAT(url.error().text, Not(HasSubstr("secret"))) << text;
  }
}

TEST(Url, IsShownWithoutItsQuery) {
  EXPECT_EQ(parse_url("https://h/jwks?key=secret")->shown(), "https://h/jwks");
}

TEST(Url, LeadsToAnother) {
  struct Case {
    const char* location;
    const char* expected;
    bool same_place;
  };
  const auto base = parse_url("https://h.example:8443/a/b?c");
  const Case cases[] = {
      {"/x?y", "https://h.example:8443/x?y", true},
      {"x", "https://h.example:8443/a/x", true},
      {"../x", "https://h.example:8443/x", true},
      {"?z", "https://h.example:8443/a/b?z", true},
      {"/x#part", "https://h.example:8443/x", true},
      {"https://H.EXAMPLE:8443/x", "https://H.EXAMPLE:8443/x", true},
      {"//h.example:8443/x", "https://h.example:8443/x", true},
      {"//h.example/x", "https://h.example/x", false},
      {"http://h.example:8443/x", "http://h.example:8443/x", false},
      {"https://other.example:8443/x", "https://other.example:8443/x", false},
  };
  for (const Case& test : cases) {
    const auto next = resolve(*base, test.location);
    ASSERT_TRUE(next) << test.location << ": " << next.error().text;
    EXPECT_EQ(next->text, test.expected);
    EXPECT_EQ(base->at_same_place(*next), test.same_place) << test.location;
  }
  for (const char* const wrong :
       {"mailto:a@b", "https://u:p@h.example:8443/", "ht tp://x/", "//[", "file:///etc/passwd"}) {
    EXPECT_FALSE(resolve(*base, wrong)) << wrong;
  }
}

TEST(CheckScheme, WantsHttpsUnlessNobodyIsOnTheWay) {
  for (const char* const text : {"https://issuer.example/", "http://127.0.0.1/", "http://127.8.8.8:8/", "http://[::1]/",
                                 "http://localhost/", "http://LOCALHOST:80/"}) {
    EXPECT_TRUE(check_scheme(*parse_url(text), false)) << text;
  }
  for (const char* const text : {"http://issuer.example/", "http://10.0.0.1/", "http://128.0.0.1/",
                                 "http://localhost.example/", "http://127.0.0.1.example/", "http://[::2]/"}) {
    EXPECT_FALSE(check_scheme(*parse_url(text), false)) << text;
    EXPECT_TRUE(check_scheme(*parse_url(text), true)) << text;
  }
}

TEST(CheckAddress, RefusesThoseWhereNoIssuerIs) {
  for (const char* const text : {"169.254.169.254", "169.254.0.0", "169.254.255.255", "fe80::1", "febf::1",
                                 "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "0.0.0.0", "0.1.2.3", "::"}) {
    EXPECT_FALSE(check_address(*base::IpAddress::parse(text))) << text;
  }
  for (const char* const text : {"127.0.0.1", "10.0.0.1", "169.253.255.255", "169.255.0.0", "192.0.2.1", "::1",
                                 "2001:db8::1", "fec0::1", "64:ff9b::1"}) {
    EXPECT_TRUE(check_address(*base::IpAddress::parse(text))) << text;
  }
}

}  // namespace
}  // namespace sidegate::authority
