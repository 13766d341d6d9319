#include "host_rule.hpp"

#include <gtest/gtest.h>

namespace sidegate::admin {
namespace {

config::Address tcp(std::string host) {
  return {config::Address::Kind::Tcp, std::move(host), 9901, {}};
}

TEST(HostRule, KnowsItsOwnNames) {
  const auto address = tcp("127.0.0.1");
  for (const char* host : {"localhost", "LocalHost:9901", "localhost.", "127.0.0.1", "127.0.0.1:1", "127.1.2.3:9901",
                           "[::1]", "[::1]:9901", "[::ffff:127.0.0.1]:9901", "localhost:"}) {
    EXPECT_TRUE(is_own_host(host, address)) << host;
  }
}

TEST(HostRule, RefusesEveryOtherName) {
  const auto address = tcp("127.0.0.1");
  for (const char* host : {"", ":9901", "attacker.example", "attacker.example:9901", "localhost.attacker.example",
                           "127.0.0.1.attacker.example", "10.0.0.1", "0.0.0.0", "[::]", "[::1", "[::1]x",
                           "localhost:port", "127.0.0.1 ", "user@localhost", "::1", "127.1"}) {
    EXPECT_FALSE(is_own_host(host, address)) << host;
  }
}

TEST(HostRule, AcceptsTheConfiguredAddress) {
  EXPECT_TRUE(is_own_host("Gate.internal:9901", tcp("gate.internal")));
  EXPECT_FALSE(is_own_host("gate.internal", tcp("127.0.0.1")));
  EXPECT_TRUE(is_own_host("localhost", {config::Address::Kind::Unix, {}, 0, "/run/admin.sock"}));
  EXPECT_FALSE(is_own_host("attacker.example", {config::Address::Kind::Unix, {}, 0, "/run/admin.sock"}));
}

TEST(HostRule, EveryAddressMayBeOurs) {
  for (const char* any : {"0.0.0.0", "::"}) {
    for (const char* host : {"192.0.2.1:9901", "[2001:db8::1]:9901", "10.0.0.1", "localhost"}) {
      EXPECT_TRUE(is_own_host(host, tcp(any))) << host;
    }
    for (const char* host : {"attacker.example", "192.0.2.1.attacker.example", "192.0.2", ""}) {
      EXPECT_FALSE(is_own_host(host, tcp(any))) << host;
    }
  }
}

TEST(HostRule, TellsWhatIsLocal) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) EXPECT_TRUE(is_local(tcp(host))) << host;
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "gate.internal", ""}) EXPECT_FALSE(is_local(tcp(host))) << host;
  EXPECT_TRUE(is_local({config::Address::Kind::Unix, {}, 0, "/run/admin.sock"}));
}

}  // namespace
}  // namespace sidegate::admin
