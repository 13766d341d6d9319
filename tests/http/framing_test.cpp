#include <sidegate/http/framing.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "../fuzz/head_reading.hpp"

namespace sidegate::http {
namespace {

using base::Reason;
using fuzz::RequestReading;
using fuzz::ResponseReading;
using namespace std::string_view_literals;

std::string describe(const Framing& framing) {
  switch (framing.kind) {
    case Framing::Kind::None:
      return "none";
    case Framing::Kind::Length:
      return std::to_string(framing.length);
    case Framing::Kind::Chunked:
      return "chunked";
    case Framing::Kind::UntilClose:
      return "until close";
  }
  return "?";
}

/// What the facts of a request say, in words; or why it is refused.
std::string request_facts(std::string_view fields, std::string_view version = "HTTP/1.1",
                          std::string_view method = "POST") {
  const std::string bytes = std::string(method) + " / " + std::string(version) + "\r\n" + std::string(fields) + "\r\n";
  const RequestReading reading(bytes);
  if (!reading.whole()) return reading.text();
  const auto facts = check_request(reading.head());
  if (!facts) return std::string(base::name_of(facts.error()));
  return describe(facts->framing) + (facts->keep_alive ? "" : ", close") +
         (facts->expects_continue ? ", continue" : "") + (facts->nominates ? ", nominates" : "") +
         (facts->asks_for_websocket ? ", websocket" : "");
}

struct Case {
  std::string_view fields;
  std::string_view expected;
};

/// Expects it of HTTP/1.1 requests with a Host and these fields.
template <std::size_t Count>
void expect_requests(const std::array<Case, Count>& cases) {
  for (const auto& [fields, expected] : cases) {
    EXPECT_EQ(request_facts("Host: a\r\n" + std::string(fields)), expected) << fields;
  }
}

TEST(Framing, ContentLength) {
  expect_requests(std::array<Case, 22>{{
      {"", "none"},
      {"Content-Length: 0\r\n", "none"},
      {"Content-Length: 00\r\n", "none"},
      {"Content-Length: 5\r\n", "5"},
      {"content-length:5 \r\n", "5"},
      {"Content-Length: 007\r\n", "7"},
      {"Content-Length: 18446744073709551615\r\n", "18446744073709551615"},
      {"Content-Length: 18446744073709551616\r\n", "bad_content_length"},
      {"Content-Length: 99999999999999999999999\r\n", "bad_content_length"},
      {"Content-Length:\r\n", "bad_content_length"},
      {"Content-Length: +5\r\n", "bad_content_length"},
      {"Content-Length: -5\r\n", "bad_content_length"},
      {"Content-Length: 5,5\r\n", "bad_content_length"},
      {"Content-Length: 5 5\r\n", "bad_content_length"},
      {"Content-Length: 0x5\r\n", "bad_content_length"},
      {"Content-Length: 5a\r\n", "bad_content_length"},
      {"Content-Length: 5;\r\n", "bad_content_length"},
      {"Content-Length: 1e1\r\n", "bad_content_length"},
      {"Content-Length: 5.0\r\n", "bad_content_length"},
      {"Content-Length: \"5\"\r\n", "bad_content_length"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "several_content_lengths"},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", "several_content_lengths"},
  }});
}

TEST(Framing, TransferEncoding) {
  expect_requests(std::array<Case, 19>{{
      {"Transfer-Encoding: chunked\r\n", "chunked"},
      {"transfer-encoding:\tCHUNKED \r\n", "chunked"},
      {"Transfer-Encoding: gzip\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: identity\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: xchunked\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunkedx\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: gzip, chunked\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunked, identity\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunked, chunked\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunked,\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: , chunked\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunked;q=1\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: \"chunked\"\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding:\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", "bad_transfer_encoding"},
      {"Transfer_Encoding: chunked\r\n", "none"},
      {"Transfer-Encodings: chunked\r\n", "none"},
  }});
}

TEST(Framing, BothAreRefusedInEitherOrder) {
  expect_requests(std::array<Case, 6>{{
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "conflicting_framing"},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "conflicting_framing"},
      {"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "conflicting_framing"},
      {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "conflicting_framing"},
      {"Content-Length: x\r\nTransfer-Encoding: chunked\r\n", "conflicting_framing"},
      {"Transfer-Encoding:\r\nContent-Length: 5\r\n", "conflicting_framing"},
  }});
  EXPECT_EQ(request_facts("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "HTTP/1.0"),
            "conflicting_framing");
}

TEST(Framing, Http10KnowsNoTransferEncoding) {
  EXPECT_EQ(request_facts("Transfer-Encoding: chunked\r\n", "HTTP/1.0"), "bad_transfer_encoding");
  EXPECT_EQ(request_facts("Transfer-Encoding: identity\r\n", "HTTP/1.0"), "bad_transfer_encoding");
  EXPECT_EQ(request_facts("Content-Length: 5\r\n", "HTTP/1.0"), "5, close");
}

TEST(Framing, Connect) {
  EXPECT_EQ(request_facts("Host: a\r\n", "HTTP/1.1", "CONNECT"), "connect_method");
  EXPECT_EQ(request_facts("", "HTTP/1.1", "CONNECT"), "connect_method");
  EXPECT_EQ(request_facts("Host: a\r\n", "HTTP/1.0", "CONNECT"), "connect_method");
  EXPECT_EQ(request_facts("Host: a\r\n", "HTTP/1.1", "connect"), "none");
}

TEST(Framing, HostIsThereOnce) {
  EXPECT_EQ(request_facts(""), "missing_host");
  EXPECT_EQ(request_facts("Hosts: a\r\n"), "missing_host");
  EXPECT_EQ(request_facts("Host: a\r\nHost: a\r\n"), "several_hosts");
  EXPECT_EQ(request_facts("Host: a\r\nhOST: b\r\n"), "several_hosts");
  EXPECT_EQ(request_facts("Host:\r\n"), "bad_host");
  EXPECT_EQ(request_facts("Host: a b\r\n"), "bad_host");
  EXPECT_EQ(request_facts("", "HTTP/1.0"), "none, close");
  EXPECT_EQ(request_facts("Host: a/b\r\n", "HTTP/1.0"), "bad_host");
  EXPECT_EQ(request_facts("Host: a\r\nHost: b\r\n", "HTTP/1.0"), "several_hosts");
}

TEST(Framing, TheFactsNameTheHost) {
  const RequestReading with("GET / HTTP/1.1\r\nhost: \tApp.Example:8080 \r\n\r\n");
  EXPECT_EQ(check_request(with.head()).value().host, "App.Example:8080");
  EXPECT_TRUE(check_request(with.head()).value().has_host);
  const RequestReading without("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(check_request(without.head()).value().host, "");
  EXPECT_FALSE(check_request(without.head()).value().has_host);
}

TEST(Framing, ValidHosts) {
  for (const std::string_view host :
       {"a", "app.example", "APP.Example", "app.example.", "xn--caf-dma.example", "my_app", "127.0.0.1", "127.0.0.1:80",
        "app.example:", "app.example:0", "app.example:65535", "app.example:08080", "[::1]", "[::1]:8080", "[::]",
        "[2001:DB8::ffff:1.2.3.4]:1", "-a", "1"}) {
    EXPECT_TRUE(is_valid_host(host)) << host;
  }
}

TEST(Framing, InvalidHosts) {
  for (const std::string_view host : {""sv,
                                      ":"sv,
                                      ":80"sv,
                                      "a:b"sv,
                                      "a:-1"sv,
                                      "a:+1"sv,
                                      "a:65536"sv,
                                      "a:000080"sv,
                                      "a:80:80"sv,
                                      "a:80 "sv,
                                      " a"sv,
                                      "a b"sv,
                                      "user@a"sv,
                                      "u:p@a"sv,
                                      "a/b"sv,
                                      "a?b"sv,
                                      "a#b"sv,
                                      "a\\b"sv,
                                      "a,b"sv,
                                      "a;b"sv,
                                      "a%41"sv,
                                      "caf\xC3\xA9"sv,
                                      "[::1"sv,
                                      "::1"sv,
                                      "[]"sv,
                                      "[::1]a"sv,
                                      "[::1]:x"sv,
                                      "[::1]:65536"sv,
                                      "[fe80::1%25eth0]"sv,
                                      "[v1.a]"sv,
                                      "[::1]]"sv,
                                      "a[::1]"sv,
                                      "a]"sv,
                                      "http://a"sv,
                                      "*"sv,
                                      "a\tb"sv,
                                      "a\0"sv,
                                      "{a}"sv,
                                      "\"a\""sv,
                                      "a:99999999999999999999"sv}) {
    EXPECT_FALSE(is_valid_host(host)) << host;
  }
  EXPECT_FALSE(is_valid_host("[" + std::string(46, ':') + "]"));
}

TEST(Framing, KeepAlive) {
  const auto in = [](std::string_view version, std::string_view connection) {
    return request_facts("Host: a\r\n" + std::string(connection), version);
  };
  EXPECT_EQ(in("HTTP/1.1", ""), "none");
  EXPECT_EQ(in("HTTP/1.1", "Connection: keep-alive\r\n"), "none");
  EXPECT_EQ(in("HTTP/1.1", "Connection: close\r\n"), "none, close");
  EXPECT_EQ(in("HTTP/1.1", "connection: CLOSE\r\n"), "none, close");
  EXPECT_EQ(in("HTTP/1.1", "Connection: keep-alive, close\r\n"), "none, close");
  EXPECT_EQ(in("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"), "none, close");
  EXPECT_EQ(in("HTTP/1.1", "Connection: , close ,\r\n"), "none, close");
  EXPECT_EQ(in("HTTP/1.0", ""), "none, close");
  EXPECT_EQ(in("HTTP/1.0", "Connection: Keep-Alive\r\n"), "none");
  EXPECT_EQ(in("HTTP/1.0", "Connection: keep-alive, close\r\n"), "none, close");
  EXPECT_EQ(in("HTTP/1.0", "Keep-Alive: timeout=5\r\n"), "none, close");
}

TEST(Framing, Nominations) {
  expect_requests(std::array<Case, 8>{{
      {"Connection: upgrade\r\n", "none"},
      {"Connection: keep-alive, Upgrade\r\n", "none"},
      {"Connection:\r\n", "none"},
      {"Connection: X-A\r\n", "none, nominates"},
      {"Connection: keep-alive, X-A\r\n", "none, nominates"},
      {"Connection: close\r\nConnection: X-A\r\n", "none, close, nominates"},
      {"Connection: closed\r\n", "none, nominates"},
      {"Connection: \"close\"\r\n", "none, nominates"},
  }});
  const RequestReading reading("GET / HTTP/1.1\r\nConnection: close, X-A ,\r\nconnection: x-b\r\nX-C: X-D\r\n\r\n");
  const auto& fields = reading.head().fields;
  for (const std::string_view name : {"X-A", "x-a", "X-B", "close"}) EXPECT_TRUE(is_nominated(fields, name)) << name;
  for (const std::string_view name : {"X-C", "X-D", "X_A", "X", "X-A ", ""}) EXPECT_FALSE(is_nominated(fields, name));
}

TEST(Framing, Expectations) {
  expect_requests(std::array<Case, 5>{{
      {"Expect: 100-continue\r\nContent-Length: 5\r\n", "5, continue"},
      {"expect: 100-Continue\r\nContent-Length: 5\r\n", "5, continue"},
      {"Expect: 200-ok\r\nContent-Length: 5\r\n", "5"},
      {"Expect:\r\nContent-Length: 5\r\n", "5"},
      {"Expect: 100-continue, x\r\nContent-Length: 5\r\n", "5"},
  }});
  EXPECT_EQ(request_facts("Expect: 100-continue\r\nContent-Length: 5\r\n", "HTTP/1.0"), "5, close");
}

TEST(Framing, AsksForWebSocket) {
  constexpr std::array<Case, 28> cases{{
      {"Connection: Upgrade\r\nUpgrade: websocket\r\n", "none, websocket"},
      {"upgrade: WebSocket\r\nconnection: uPGRADE\r\n", "none, websocket"},
      {"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", "none, websocket"},
      {"Connection: keep-alive\r\nUpgrade: websocket\r\nConnection: upgrade\r\n", "none, websocket"},
      {"Connection: , upgrade ,\r\nUpgrade: , websocket ,\r\n", "none, websocket"},
      {"Connection: close, upgrade\r\nUpgrade: websocket\r\n", "none, close, websocket"},
      {"Connection: X-A, upgrade\r\nUpgrade: websocket\r\n", "none, nominates, websocket"},
      {"Connection: upgrade\r\nUpgrade: h2c, websocket\r\n", "none, websocket"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", "none, websocket"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n", "none, continue, websocket"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", "none, websocket"},
      // Both fields say so, or it is none (RFC 9110 section 7.8).
      {"Upgrade: websocket\r\n", "none"},
      {"Connection: upgrade\r\n", "none"},
      {"Connection: keep-alive\r\nUpgrade: websocket\r\n", "none"},
      {"Connection: upgrades\r\nUpgrade: websocket\r\n", "none, nominates"},
      {"Connection: \"upgrade\"\r\nUpgrade: websocket\r\n", "none, nominates"},
      {"Connection: upgrade\r\nUpgrade:\r\n", "none"},
      {"Connection: upgrade\r\nUpgrade: h2c\r\n", "none"},
      {"Connection: upgrade\r\nUpgrade: websockets\r\n", "none"},
      {"Connection: upgrade\r\nUpgrade: websocket/13\r\n", "none"},
      {"Connection: upgrade\r\nUpgrade: \"websocket\"\r\n", "none"},
      {"Connection: upgrade\r\nX-Upgrade: websocket\r\n", "none"},
      // What follows would be a body to one reader and the new protocol to another.
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", "bad_upgrade"},
      {"Content-Length: 1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", "bad_upgrade"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", "bad_upgrade"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n",
       "conflicting_framing"},
      // A body beside an upgrade that is ignored is a body.
      {"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n", "5"},
      {"Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n", "chunked"},
  }};
  for (const auto& [fields, expected] : cases) {
    EXPECT_EQ(request_facts("Host: a\r\n" + std::string(fields), "HTTP/1.1", "GET"), expected) << fields;
  }
}

// RFC 6455 section 4.1: a GET in HTTP/1.1 or later. Any other request is one without an upgrade.
TEST(Framing, OnlyAGetInHttp11AsksForWebSocket) {
  const std::string fields = "Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n";
  for (const std::string_view method : {"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "GETS"}) {
    EXPECT_EQ(request_facts(fields, "HTTP/1.1", method), "none") << method;
    EXPECT_EQ(request_facts(fields + "Content-Length: 5\r\n", "HTTP/1.1", method), "5") << method;
  }
  EXPECT_EQ(request_facts(fields, "HTTP/1.0", "GET"), "none, close");
  EXPECT_EQ(request_facts(fields + "Content-Length: 5\r\n", "HTTP/1.0", "GET"), "5, close");
}

/// What the facts of a response say, in words; or why it is refused.
std::string response_facts(std::string_view status, std::string_view fields, Method method = Method::Get,
                           std::string_view version = "HTTP/1.1") {
  const std::string bytes = std::string(version) + ' ' + std::string(status) + " x\r\n" + std::string(fields) + "\r\n";
  const ResponseReading reading(bytes);
  if (!reading.whole()) return reading.text();
  const auto facts = check_response(reading.head(), method);
  if (!facts) return std::string(base::name_of(facts.error()));
  return describe(facts->framing) + (facts->keep_alive ? "" : ", close") + (facts->nominates ? ", nominates" : "") +
         (facts->switches_to_websocket ? ", switches" : "");
}

TEST(ResponseFraming, FollowsTheFields) {
  constexpr std::array<Case, 15> cases{{
      {"", "until close, close"},
      {"Connection: keep-alive\r\n", "until close, close"},
      {"Content-Length: 0\r\n", "none"},
      {"Content-Length: 5\r\n", "5"},
      {"Content-Length: 5\r\nConnection: close\r\n", "5, close"},
      {"Content-Length: 5\r\nConnection: X-A\r\n", "5, nominates"},
      {"Transfer-Encoding: chunked\r\n", "chunked"},
      {"Transfer-Encoding: chunked\r\nConnection: close\r\n", "chunked, close"},
      {"Transfer-Encoding: gzip\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: gzip, chunked\r\n", "bad_transfer_encoding"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "conflicting_framing"},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "conflicting_framing"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "several_content_lengths"},
      {"Content-Length: 5, 5\r\n", "bad_content_length"},
      {"Content-Length:\r\n", "bad_content_length"},
  }};
  for (const auto& [fields, expected] : cases) EXPECT_EQ(response_facts("200", fields), expected) << fields;
}

TEST(ResponseFraming, SomeHaveNoBodyWhateverTheySay) {
  for (const std::string_view fields : {"", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
    for (const std::string_view status : {"100", "103", "199", "204", "304"}) {
      EXPECT_EQ(response_facts(status, fields), "none") << status << ' ' << fields;
    }
    EXPECT_EQ(response_facts("101", fields), "none, close") << "no other answer follows: " << fields;
    for (const std::string_view status : {"200", "404", "500"}) {
      EXPECT_EQ(response_facts(status, fields, Method::Head), "none") << status << ' ' << fields;
    }
  }
  for (const std::string_view status : {"200", "205", "203", "303", "305", "400", "999"}) {
    EXPECT_EQ(response_facts(status, "Content-Length: 5\r\n"), "5") << status;
  }
  EXPECT_EQ(response_facts("200", "Content-Length: 5\r\n", Method::Other), "5");
}

TEST(ResponseFraming, SwitchesToWebSocket) {
  constexpr std::array<Case, 19> cases{{
      {"Connection: Upgrade\r\nUpgrade: websocket\r\n", "none, close, switches"},
      {"upgrade: WebSocket\r\nconnection: uPGRADE\r\n", "none, close, switches"},
      {"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", "none, close, switches"},
      {"Connection: X-A\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", "none, close, nominates, switches"},
      {"", "none, close"},
      {"Upgrade: websocket\r\n", "none, close"},
      {"Connection: upgrade\r\n", "none, close"},
      {"Connection: close\r\nUpgrade: websocket\r\n", "none, close"},
      {"Connection: upgrade\r\nUpgrade: h2c\r\n", "none, close"},
      {"Connection: upgrade\r\nUpgrade: websockets\r\n", "none, close"},
      // To one protocol, and no other.
      {"Connection: upgrade\r\nUpgrade: websocket, h2c\r\n", "none, close"},
      {"Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n", "none, close"},
      // RFC 9110 section 8.6, RFC 9112 section 6.1: neither field may stand in it.
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", "none, close"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", "none, close"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", "none, close"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: gzip\r\n", "bad_transfer_encoding"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: x\r\n", "bad_content_length"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
       "several_content_lengths"},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
       "conflicting_framing"},
  }};
  for (const auto& [fields, expected] : cases) EXPECT_EQ(response_facts("101", fields), expected) << fields;
  const std::string_view consent = cases[0].fields;
  for (const std::string_view status : {"100", "102", "103", "204", "304"}) {
    EXPECT_EQ(response_facts(status, consent), "none") << status;
  }
  EXPECT_EQ(response_facts("200", consent), "until close, close");
  EXPECT_EQ(response_facts("426", std::string(consent) + "Content-Length: 5\r\n"), "5");
}

TEST(ResponseFraming, AreCheckedEvenWithoutABody) {
  for (const std::string_view status : {"100", "204", "304"}) {
    EXPECT_EQ(response_facts(status, "Content-Length: 5\r\nContent-Length: 6\r\n"), "several_content_lengths");
    EXPECT_EQ(response_facts(status, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "conflicting_framing");
  }
  EXPECT_EQ(response_facts("200", "Content-Length: x\r\n", Method::Head), "bad_content_length");
}

TEST(ResponseFraming, Http10) {
  const auto in = [](std::string_view fields) { return response_facts("200", fields, Method::Get, "HTTP/1.0"); };
  EXPECT_EQ(in(""), "until close, close");
  EXPECT_EQ(in("Content-Length: 5\r\n"), "5, close");
  EXPECT_EQ(in("Content-Length: 5\r\nConnection: keep-alive\r\n"), "5");
  EXPECT_EQ(in("Transfer-Encoding: chunked\r\n"), "bad_transfer_encoding");
}

}  // namespace
}  // namespace sidegate::http
