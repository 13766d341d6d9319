#include <sidegate/http/head_parser.hpp>
#include <sidegate/http/request_target.hpp>
#include <sidegate/proxy/outgoing_head.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sidegate::proxy {
namespace {

const config::Address kListener{config::Address::Kind::Tcp, "0.0.0.0", 8080, {}};

config::Upstream upstream_at(config::Address address) {
  config::Upstream upstream;
  upstream.servers.push_back({.url = {}, .address = std::move(address), .where = {}});
  return upstream;
}

const config::Upstream kTcp = upstream_at({config::Address::Kind::Tcp, "10.0.0.1", 8000, {}});
const config::Upstream kUnix = upstream_at({config::Address::Kind::Unix, {}, 0, "/run/app.sock"});

struct Outgoing {
  policy::Decision decision{};
  const config::Upstream* upstream = &kTcp;
  bool traced = false;
};

/// The head that an origin gets of one that was read.
std::string forward(const std::string& bytes, const Outgoing& how = {}) {
  const base::Limits limits;
  http::RequestHead head;
  EXPECT_TRUE(http::RequestParser(limits).parse(bytes, head).value());
  auto facts = http::check_request(head).value();
  std::string storage;
  const auto target = http::read_target(head, facts, storage).value();
  const http::HeaderFilter filter;
  const ForwardingLines forwarding("192.0.2.1", kListener, false);
  std::string host_line = "left from before";
  std::string added = "left from before";
  http::GatherList list;
  const auto request = outgoing_head({.head = &head,
                                      .facts = &facts,
                                      .target = &target,
                                      .decision = &how.decision,
                                      .filter = &filter,
                                      .forwarding = &forwarding,
                                      .upstream = how.upstream,
                                      .request_id = "REQUEST",
                                      .traced = how.traced,
                                      .new_trace_id = "TRACE",
                                      .new_span_id = "SPAN"},
                                     host_line, added);
  EXPECT_TRUE(http::write_request_head(request, list));
  std::string text;
  for (const auto& slice : list.slices()) text.append(static_cast<const char*>(slice.iov_base), slice.iov_len);
  return text;
}

const std::string kForwarded =
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
    "X-Forwarded-Host: h.example\r\nForwarded: for=192.0.2.1;proto=http;host=\"h.example\"\r\n";
const std::string kIds = "X-Request-Id: REQUEST\r\ntraceparent: 00-TRACE-SPAN-01\r\n";

TEST(OutgoingHead, AddsWhatTheConnectionSaysThenWhatTheDecisionDoes) {
  policy::Decision decision;
  decision.lines = "X-User-Id: 42\r\n";
  EXPECT_EQ(forward("GET /x?y HTTP/1.1\r\nHost: h.example\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                    {.decision = decision}),
            "GET /x?y HTTP/1.1\r\nHost: h.example\r\nAccept: */*\r\n" + kForwarded + kIds + "X-User-Id: 42\r\n\r\n");
}

TEST(OutgoingHead, FollowsTheDecision) {
  policy::Decision decision;
  decision.path = "/api/x";
  decision.host = "app.internal";
  decision.forward_authorization = false;
  decision.forward_cookie = false;
  EXPECT_EQ(forward("GET /x HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer t\r\nCookie: c=1\r\n\r\n",
                    {.decision = decision}),
            "GET /api/x HTTP/1.1\r\nHost: app.internal\r\n" + kForwarded + kIds + "\r\n");
}

TEST(OutgoingHead, ATraceOfTheCallerGoesOn) {
  EXPECT_EQ(
      forward("GET /x HTTP/1.1\r\nHost: h.example\r\ntraceparent: its own\r\n\r\n", {.traced = true}),
      "GET /x HTTP/1.1\r\nHost: h.example\r\ntraceparent: its own\r\n" + kForwarded + "X-Request-Id: REQUEST\r\n\r\n");
  EXPECT_EQ(forward("GET /x HTTP/1.1\r\nHost: h.example\r\ntraceparent: its own\r\ntracestate: a=b\r\n\r\n"),
            "GET /x HTTP/1.1\r\nHost: h.example\r\n" + kForwarded + kIds + "\r\n");
}

TEST(OutgoingHead, AsksForAWebSocketAnew) {
  EXPECT_EQ(forward("GET /x HTTP/1.1\r\nHost: h.example\r\nUpgrade: websocket, x\r\nConnection: upgrade\r\n\r\n"),
            "GET /x HTTP/1.1\r\nHost: h.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + kForwarded + kIds +
                "\r\n");
}

TEST(OutgoingHead, ARequestWithoutHostGetsOne) {
  const std::string without =
      "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n"
      "Forwarded: for=192.0.2.1;proto=http\r\n";
  EXPECT_EQ(forward("GET /x HTTP/1.0\r\n\r\n"), "GET /x HTTP/1.1\r\nHost: 10.0.0.1:8000\r\n" + without + kIds + "\r\n");
  EXPECT_EQ(forward("GET /x HTTP/1.0\r\n\r\n", {.upstream = &kUnix}),
            "GET /x HTTP/1.1\r\nHost: localhost\r\n" + without + kIds + "\r\n");
  EXPECT_EQ(forward("GET http://h.example/x HTTP/1.0\r\n\r\n"),
            "GET /x HTTP/1.1\r\nHost: h.example\r\n" + kForwarded + kIds + "\r\n");
}

}  // namespace
}  // namespace sidegate::proxy
