#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sidegate/token/signer.hpp>

#include <atomic>
#include <chrono>

#include "running_proxy.hpp"
#include "scripts.hpp"

namespace sidegate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kUpgrade =
    "GET /cut HTTP/1.1\r\nHost: h.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const std::string kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Says yes, and then everything back, until the client ends; then a last word.
ScriptedOrigin::Script echoing_tunnel() {
  return [](Wire& wire) {
    if (!wire.read_request().whole || !wire.send(kSwitching)) return;
    while (!wire.pending().empty() || wire.read_more()) {
      if (!wire.send(wire.read(wire.pending().size()))) return;
    }
    wire.send("bye");
  };
}

TEST(SessionTunnel, BytesGoBothWaysAndEachEndIsPassedOn) {
  ScriptedOrigin origin(echoing_tunnel());
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kUpgrade);
  const Message answer = client.read_answer(true);
  EXPECT_EQ(answer.start, "HTTP/1.1 101 Switching Protocols");
  EXPECT_EQ(answer.field("Upgrade"), "websocket");
  EXPECT_EQ(answer.field("Connection"), "Upgrade");
  EXPECT_EQ(answer.field("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_NE(answer.field("X-Request-Id"), "");
  const std::string binary("\x81\x05hel\0lo\r\n\r\n", 11);
  client.send(binary);
  EXPECT_EQ(client.read(binary.size()), binary);
  const auto much = numbered_bytes(3'000'000);
  std::thread sending([&] { client.send(much); });
  EXPECT_EQ(client.read(much.size()), much);
  sending.join();
  client.finish_sending();
  EXPECT_EQ(client.read_to_end(), "bye");
  EXPECT_EQ(client.end(), End::Closed);
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "status"), "101");
  EXPECT_EQ(text_of(records[0], "reason"), "");
  EXPECT_EQ(text_of(records[0], "path"), "/cut");
  EXPECT_EQ(text_of(records[0], "bytes_in"), std::to_string(kUpgrade.size() + binary.size() + much.size()));
}

TEST(SessionTunnel, TheOriginMayEndFirstAndStillHearsTheClient) {
  Event heard;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send(kSwitching + "hello");
    wire.finish_sending();
    EXPECT_EQ(wire.read_to_end(), "late");
    EXPECT_EQ(wire.end(), End::Closed);
    heard.set();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kUpgrade);
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  EXPECT_EQ(client.read_to_end(), "hello");
  EXPECT_EQ(client.end(), End::Closed);
  client.send("late");
  client.close();
  EXPECT_TRUE(heard.wait());
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST(SessionTunnel, WhatComesBehindTheRequestWaitsForTheConsent) {
  Event asked;
  Event go;
  std::atomic<bool> early = false;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    asked.set();
    go.wait();
    early = !wire.pending().empty() || wire.readable_within(50);
    wire.send(kSwitching);
    EXPECT_EQ(wire.read(5), "early");
    wire.send("first");
    EXPECT_EQ(wire.read(4), "more");
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kUpgrade + "early");
  ASSERT_TRUE(asked.wait());
  go.set();
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  EXPECT_EQ(client.read(5), "first");
  EXPECT_FALSE(early) << "bytes behind an upgrade were forwarded before the origin agreed";
  client.send("more");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(SessionTunnel, WithoutConsentTheConnectionGoesOnAsHttp) {
  ScriptedOrigin origin(answering("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno"));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kUpgrade + std::string(kGet));
  EXPECT_EQ(client.read_answer().status(), 426U);
  EXPECT_EQ(client.read_answer().status(), 426U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 2U);
  EXPECT_EQ(origin.connections(), 1U);
}

TEST(SessionTunnel, AnUpgradeOnAStaleConnectionIsSentOnceMore) {
  std::atomic<int> connections = 0;
  ScriptedOrigin origin([&](Wire& wire) {
    const bool first = connections++ == 0;
    wire.read_request();
    if (!first) {
      wire.send(kSwitching + "hello");
      return;
    }
    wire.send(kOk);
    wire.read_request();
    wire.reset();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(kUpgrade);
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  EXPECT_EQ(client.read(5), "hello");
}

TEST(SessionTunnel, AConsentThatIsNoneIs502) {
  const std::string begin = "HTTP/1.1 101 Switching Protocols\r\n";
  struct Case {
    const char* name;
    std::string request;
    std::string answer;
  };
  const Case cases[]{
      {"not asked for", std::string(kGet), kSwitching},
      {"asked for something else", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
       kSwitching},
      {"to something else", kUpgrade, begin + "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"},
      {"to two things", kUpgrade, begin + "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n"},
      {"to nothing", kUpgrade, begin + "Connection: Upgrade\r\n\r\n"},
      {"without the option", kUpgrade, begin + "Upgrade: websocket\r\n\r\n"},
      {"with a length", kUpgrade, begin + "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok"},
      {"with chunks", kUpgrade,
       begin + "Upgrade: websocket\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
  };
  for (const Case& each : cases) {
    ScriptedOrigin origin(answering_once(each.answer));
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(each.request);
    EXPECT_EQ(client.read_answer().status(), 502U) << each.name;
    client.close();
    const auto records = proxy.stop();
    ASSERT_EQ(records.size(), 1U) << each.name;
    EXPECT_EQ(text_of(records[0], "reason"), "origin_broken") << each.name;
  }
}

TEST(SessionTunnel, ABodyAndAnUpgradeTogetherAreRefused) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  for (const std::string& rest :
       {std::string("Content-Length: 2\r\n\r\nok"), std::string("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")}) {
    Wire client(proxy.port());
    client.send(head + rest);
    EXPECT_EQ(client.read_answer().status(), 400U);
    EXPECT_EQ(client.read_to_end(), "");
  }
  EXPECT_EQ(origin.connections(), 0U);
}

TEST(SessionTunnel, ASlowReaderHoldsUpTheOtherSide) {
  std::atomic<std::size_t> sent = 0;
  Event stuck;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send(kSwitching);
    sent = wire.send_until_stuck(300);
    stuck.set();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kUpgrade);
  ASSERT_TRUE(stuck.wait());
  EXPECT_LT(sent, std::size_t{32} << 20U) << "it is gathered somewhere";
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  EXPECT_EQ(client.read_to_end().size(), sent);
}

TEST(SessionTunnel, IsHeldToTheUpstreamsPatienceAndNotToTheClients) {
  Event stuck;
  std::atomic<std::size_t> sent = 0;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send(kSwitching);
    sent = wire.send_until_stuck(300);
    stuck.set();
  });
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 20s", .limits = "idle: 50ms"});
  Wire client(proxy.port());
  client.send(kUpgrade);
  ASSERT_TRUE(stuck.wait());
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  EXPECT_EQ(client.read_to_end().size(), sent);
}

TEST(SessionTunnel, EndsWhenNothingComesOverIt) {
  ScriptedOrigin origin([](Wire& wire) {
    wire.read_request();
    wire.send(kSwitching);
    for (int i = 0; i < 12; ++i) {
      std::this_thread::sleep_for(milliseconds(200));  // what is measured is the time between two bytes
      wire.send(".");
    }
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 2s"});
  Wire client(proxy.port());
  client.send(kUpgrade);
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  EXPECT_EQ(client.read_to_end(), std::string(12, '.')) << "bytes in one direction keep it";
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "tunnel_idle");
}

TEST(SessionTunnel, ItsConnectionsAreNotKept) {
  ScriptedOrigin origin([](Wire& wire) {
    wire.read_request();
    wire.send(kSwitching);
    wire.finish_sending();
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kUpgrade);
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  client.close();
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) {
    return counters.connections_open[0] == 0 && counters.origin_connections[0].active == 0;
  }));
  EXPECT_EQ(proxy.counters().origin_connections[0].idle, 0U);
}

/// The first connection breaks while a request is being sent that is more than the system takes at once.
class BrokenWhileSending : public testing::Test {
 protected:
  void serve(Wire& wire) {
    if (connections_++ > 0) return serve_again(wire);
    wire.read_request();
    wire.send(kOk);
    wire.read(100);
    wire.reset();
  }
  virtual void serve_again(Wire& wire) = 0;

  static std::string padded(const std::string& request) {
    std::string padding;
    for (int i = 0; i < 4; ++i) padding += "X-Padding: " + std::string(200'000, 'p') + "\r\n";
    return request.substr(0, request.size() - 2) + padding + "\r\n";
  }

  std::atomic<int> connections_ = 0;
  ScriptedOrigin origin_{[this](Wire& wire) { serve(wire); }, ScriptedOrigin::Takes::Little};
  RunningProxy proxy_{{origin_.port()}, {.limits = "head: 1MiB"}};
};

class ATunnelOfARequestSentOnceMore : public BrokenWhileSending {
 protected:
  void serve_again(Wire& wire) override {
    wire.read_request();
    wire.send(kSwitching);
    heard_ = wire.read(4);
    wire.send("pong");
  }
  std::string heard_;
};

TEST_F(ATunnelOfARequestSentOnceMore, IsOpenBothWays) {
  Wire client(proxy_.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(padded(kUpgrade));
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  client.send("ping");
  EXPECT_EQ(client.read(4), "pong");
  EXPECT_EQ(heard_, "ping");
}

class AnEarlyAnswerToARequestSentOnceMore : public BrokenWhileSending {
 protected:
  void serve_again(Wire& wire) override {
    wire.read(100);
    wire.send(kOk);
    go_.wait();
    got_all_ = wire.read_request().whole;
    wire.read_to_end();
    over_.set();
  }
  std::atomic<bool> got_all_ = false;
  Event go_;
  Event over_;
};

TEST_F(AnEarlyAnswerToARequestSentOnceMore, IsOverWhenTheRequestIs) {
  Wire client(proxy_.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(padded(std::string(kGet)));
  EXPECT_EQ(client.read_answer().status(), 200U);
  go_.set();
  EXPECT_TRUE(over_.wait(1'900)) << "it waits for the end of a pause";
  EXPECT_TRUE(got_all_);
}

/// A route that wants a token; what outlives its head ends with it, or not.
std::string staff_route(bool close_at_expiry) {
  return std::string("routes: [{path: /**, authenticate: [staff], upstream: app, close_at_expiry: ") +
         (close_at_expiry ? "true" : "false") + "}]\n";
}

/// The request's head with a token that expires in so many seconds.
std::string with_token(std::string head, std::int64_t seconds_left) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const boost::json::object claims{{"sub", "7"}, {"exp", now + seconds_left}};
  const auto token = token::sign_jwt(claims, token::Algorithm::HS256, RunningProxy::kSecret).value();
  head.insert(head.size() - 2, "Cookie: access_token=" + token + "\r\n");
  return head;
}

class EndsWithItsToken : public testing::TestWithParam<const char*> {
 protected:
  static bool is_tunnel() { return GetParam() == std::string("tunnel"); }
  static std::string request() { return is_tunnel() ? kUpgrade : std::string(kGet); }
  static ScriptedOrigin::Script script() {
    const std::string events = "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\r\n";
    return [head = is_tunnel() ? kSwitching : events](Wire& wire) {
      wire.read_request();
      wire.send(head);
      // Busy all the time, so that it is no idleness that ends it.
      while (wire.send("data: x\n\n") && !wire.readable_within(20)) {
      }
      wire.read_to_end();
    };
  }
};

TEST_P(EndsWithItsToken, WhereTheRouteSaysSo) {
  ScriptedOrigin origin(script());
  RunningProxy proxy({origin.port()}, {.routes = staff_route(true)});
  Wire client(proxy.port());
  client.send(with_token(request(), 3));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(client.read_to_end(), testing::HasSubstr("data: x"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "expired");
  EXPECT_EQ(text_of(records[0], "status"), is_tunnel() ? "101" : "200");
}

TEST_P(EndsWithItsToken, AndElseNot) {
  ScriptedOrigin origin(script());
  RunningProxy proxy({origin.port()}, {.routes = staff_route(false)});
  Wire client(proxy.port());
  client.send(with_token(request(), 2));
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < seconds(3)) ASSERT_TRUE(client.read_more());
}

TEST_P(EndsWithItsToken, ThoughTheClientReadsNothing) {
  ScriptedOrigin origin(
      [head = is_tunnel() ? kSwitching : "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"](Wire& wire) {
        wire.read_request();
        wire.send(head);
        wire.send_until_stuck(10'000);
      });
  RunningProxy proxy({origin.port()}, {.routes = staff_route(true)});
  Wire client(proxy.port());
  client.send(with_token(request(), 3));
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) { return !counters.requests.empty(); }));
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "expired");
}

TEST_P(EndsWithItsToken, WhichMayBeFurtherAwayThanTheClockCounts) {
  ScriptedOrigin origin(script());
  RunningProxy proxy({origin.port()}, {.routes = staff_route(true)});
  Wire client(proxy.port());
  client.send(with_token(request(), 250'000'000'000));
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < milliseconds(500)) ASSERT_TRUE(client.read_more());
}

/// Nobody's token of before now, nor one that does not say when it was issued, of this subject.
revocation::Rule rule_for(std::string subject) {
  const auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  return {.authenticator = "staff",
          .kind = revocation::Rule::Kind::Subject,
          .name = std::move(subject),
          .issued_before = now,
          .expires = now + std::chrono::hours(1)};
}

TEST_P(EndsWithItsToken, OnceThatIsRevoked) {
  ScriptedOrigin origin(script());
  const auto revocations = std::make_shared<revocation::Revocations>();
  RunningProxy proxy({origin.port()}, {.revocations = revocations, .routes = staff_route(true)});
  Wire client(proxy.port());
  client.send(with_token(request(), 3'600));
  ASSERT_TRUE(client.read_more());
  revocations->add({rule_for("8")}, {});
  proxy.end_revoked();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.read_more()) << "somebody else was meant";
  revocations->add({rule_for("7")}, {});
  proxy.end_revoked();
  EXPECT_THAT(client.read_to_end(), testing::HasSubstr("data: x"));
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "revoked");
  EXPECT_EQ(text_of(records[0], "status"), is_tunnel() ? "101" : "200");
}

TEST_P(EndsWithItsToken, OnceThatIsRevokedOnlyWhereTheRouteSaysSo) {
  ScriptedOrigin origin(script());
  const auto revocations = std::make_shared<revocation::Revocations>();
  RunningProxy proxy({origin.port()}, {.revocations = revocations, .routes = staff_route(false)});
  Wire client(proxy.port());
  client.send(with_token(request(), 3'600));
  ASSERT_TRUE(client.read_more());
  revocations->add({rule_for("7")}, {});
  proxy.end_revoked();
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < milliseconds(500)) ASSERT_TRUE(client.read_more());
}

TEST_P(EndsWithItsToken, ThatWasRevokedBeforeTheOriginAnswered) {
  Event asked;
  Event go;
  ScriptedOrigin origin([&, answer = script()](Wire& wire) {
    ASSERT_TRUE(wire.readable_within(10'000));
    asked.set();
    go.wait();
    answer(wire);
  });
  const auto revocations = std::make_shared<revocation::Revocations>();
  RunningProxy proxy({origin.port()}, {.revocations = revocations, .routes = staff_route(true)});
  Wire client(proxy.port());
  client.send(with_token(request(), 3'600));
  ASSERT_TRUE(asked.wait());
  revocations->add({rule_for("7")}, {});
  proxy.end_revoked();
  go.set();
  client.read_to_end();
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "revoked");
}

INSTANTIATE_TEST_SUITE_P(Streams, EndsWithItsToken, testing::Values("tunnel", "events"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(SessionTunnel, AnOrdinaryAnswerMayOutliveItsToken) {
  Event go;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nda");
    go.wait();
    wire.send("ta");
  });
  RunningProxy proxy({origin.port()}, {.routes = staff_route(true)});
  Wire client(proxy.port());
  client.send(with_token(std::string(kGet), 2));
  std::this_thread::sleep_for(seconds(3));  // the token's time
  go.set();
  EXPECT_EQ(client.read_answer().body, "data");
}

}  // namespace
}  // namespace sidegate::proxy
