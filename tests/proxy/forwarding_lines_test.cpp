#include "forwarding_lines.hpp"

#include <gtest/gtest.h>

namespace sidegate::proxy {
namespace {

const config::Address kTcp{config::Address::Kind::Tcp, "0.0.0.0", 8080, {}};
const config::Address kUnix{config::Address::Kind::Unix, {}, 0, "/run/s.sock"};

TEST(ForwardingLines, SayWhoAskedForWhat) {
  struct Case {
    const char* client;
    config::Address listener;
    const char* host;
    const char* expected;
  };
  const Case cases[]{
      {"10.0.0.7", kTcp, "h.example:81",
       "X-Forwarded-For: 10.0.0.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
       "X-Forwarded-Host: h.example:81\r\nForwarded: for=10.0.0.7;proto=http;host=\"h.example:81\"\r\n"},
      {"2001:db8::1", kTcp, "[::1]:80",
       "X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
       "X-Forwarded-Host: [::1]:80\r\nForwarded: for=\"[2001:db8::1]\";proto=http;host=\"[::1]:80\"\r\n"},
      {"10.0.0.7", kTcp, "",
       "X-Forwarded-For: 10.0.0.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
       "Forwarded: for=10.0.0.7;proto=http\r\n"},
      {"", kUnix, "h",
       "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nForwarded: for=unknown;proto=http;host=\"h\"\r\n"},
  };
  for (const Case& each : cases) {
    const ForwardingLines lines(each.client, each.listener);
    std::string out = "before\r\n";
    lines.append(each.host, out);
    EXPECT_EQ(out, "before\r\n" + std::string(each.expected));
  }
}

}  // namespace
}  // namespace sidegate::proxy
