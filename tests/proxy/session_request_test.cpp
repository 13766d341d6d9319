#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <utility>

#include "running_proxy.hpp"
#include "scripts.hpp"

namespace sidegate::proxy {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST(SessionRequest, KeepsTheConnectionsOfBothSides) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client.send(kGet));
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.body, "ok");
  }
  client.close();
  EXPECT_EQ(proxy.stop().size(), 5U);
  EXPECT_EQ(origin.connections(), 1U);
}

TEST(SessionRequest, SendsTheOriginTheHeadAndWhatIsAddedToIt) {
  std::promise<std::string> seen;
  ScriptedOrigin origin([&](Wire& wire) {
    seen.set_value(wire.read_request().head);
    wire.send(kOk);
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(
      "GET /a/../b//c?q=1 HTTP/1.1\r\nHost: H.example:81\r\nX-Mine: 1\r\nX-User-Id: forged\r\nConnection: x-mine\r\n"
      "X_User_Id: forged\r\nX-Forwarded-For: 9.9.9.9\r\nX-Request-Id: forged\r\nTE: trailers\r\n\r\n");
  EXPECT_EQ(client.read_answer().status(), 200U);
  const std::string head = seen.get_future().get();
  EXPECT_THAT(head, testing::StartsWith("GET /b/c?q=1 HTTP/1.1\r\nHost: H.example:81\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nX-Forwarded-Host: H.example:81\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nForwarded: for=127.0.0.1;proto=http;host=\"H.example:81\"\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\ntraceparent: 00-"));
  EXPECT_THAT(head, HasSubstr("\r\nX-Request-Id: "));
  for (const auto* gone : {"forged", "X-Mine", "9.9.9.9", "TE:", "Connection:"}) {
    EXPECT_THAT(head, Not(HasSubstr(gone)));
  }
}

TEST(SessionRequest, AnswersPipelinedRequestsInTheirOrder) {
  ScriptedOrigin origin(echoing());
  const std::string requests = post("one") + std::string(kGet) + post("three") + post("") + post("five");
  // Whole, byte by byte, and cut at random places.
  std::mt19937 random(7);
  for (int way = 0; way < 4; ++way) {
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    std::string_view rest = requests;
    while (!rest.empty()) {
      const std::size_t size = way == 0   ? rest.size()
                               : way == 1 ? 1
                                          : std::min<std::size_t>(rest.size(), random() % 40 + 1);
      ASSERT_TRUE(client.send(rest.substr(0, size)));
      rest.remove_prefix(size);
    }
    for (const auto* body : {"one", "", "three", "", "five"}) {
      const Message answer = client.read_answer();
      EXPECT_EQ(answer.status(), 200U);
      EXPECT_EQ(answer.body, body);
    }
    client.close();
    EXPECT_EQ(proxy.stop().size(), 5U);
  }
}

TEST(SessionRequest, ReadsManyPipelinedRequestsFromOneBuffer) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  constexpr std::size_t kCount = 3000;
  std::thread sender([&] { client.send(repeat(kGet, kCount)); });
  for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(client.read_answer().body, "ok") << i;
  sender.join();
  client.close();
  EXPECT_EQ(proxy.stop().size(), kCount);
}

TEST(SessionRequest, StreamsBodiesOfEverySize) {
  ScriptedOrigin origin(echoing());
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  // The buffer has 48 KiB: bodies that fit, that end at its end, and that do not fit.
  for (const std::size_t size :
       {1U, 4096U, 40'000U, 48'000U, 49'000U, 49'080U, 49'152U, 60'000U, 100'000U, 3'000'000U}) {
    const auto body = numbered_bytes(size);
    std::thread sender([&] { client.send(post(body)); });
    const Message answer = client.read_answer();
    sender.join();
    ASSERT_EQ(answer.status(), 200U) << size;
    ASSERT_TRUE(answer.body == body) << size;
    ASSERT_EQ(answer.field("X-Framing"), std::to_string(size));
  }
}

TEST(SessionRequest, StreamsABodyThatFillsTheBufferWithItsHead) {
  ScriptedOrigin origin(echoing());
  RunningProxy proxy({origin.port()});
  const auto body = numbered_bytes(200'000);
  // Each time on a new connection, so that the head stands at the buffer's beginning.
  for (int i = 0; i < 20; ++i) {
    Wire client(proxy.port());
    std::thread sender([&] { client.send(post(body)); });
    const Message answer = client.read_answer();
    sender.join();
    ASSERT_EQ(answer.status(), 200U);
    ASSERT_TRUE(answer.body == body);
  }
}

TEST(SessionRequest, MakesChunksOfItsOwnFromTheClients) {
  ScriptedOrigin origin(echoing());
  RunningProxy proxy({origin.port()});
  const std::string head = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  struct Case {
    const char* name;
    std::string coded;
    std::string body;
  };
  std::string small;
  for (int i = 0; i < 500; ++i) small += chunk(std::to_string(i % 10));
  std::string large;
  for (int i = 0; i < 20; ++i) large += chunk(numbered_bytes(30'011));
  const Case cases[]{
      {"empty", "0\r\n\r\n", ""},
      {"one", chunk("abc") + "0\r\n\r\n", "abc"},
      {"an extension", "3;x=y\r\nabc\r\n0;z\r\n\r\n", "abc"},
      {"trailers", chunk("abc") + "0\r\nX-Sum: 1\r\nX-User-Id: forged\r\n\r\n", "abc"},
      {"many small ones", small + "0\r\n\r\n", repeat("0123456789", 50)},
      {"large ones", large + "0\r\n\r\n", repeat(numbered_bytes(30'011), 20)},
  };
  for (const Case& each : cases) {
    for (const bool reuse : {false, true}) {
      Wire client(proxy.port());
      if (reuse) {
        client.send(kGet);
        ASSERT_EQ(client.read_answer().status(), 200U);
      }
      std::thread sender([&] { client.send(head + each.coded); });
      const Message answer = client.read_answer();
      sender.join();
      ASSERT_EQ(answer.status(), 200U) << each.name;
      EXPECT_TRUE(answer.body == each.body) << each.name;
      EXPECT_EQ(answer.field("X-Framing"), "chunked") << each.name;
      // And the connection is fit for the next request.
      client.send(kGet);
      EXPECT_EQ(client.read_answer().status(), 200U) << each.name;
    }
  }
}

TEST(SessionRequest, PassesTrailersOnButForThoseThatSpeakOfTheCaller) {
  std::promise<std::string> seen;
  ScriptedOrigin origin([&](Wire& wire) {
    seen.set_value(wire.read_request().trailers);
    wire.send(kOk);
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\nX-User-Id: 7\r\n"
      "x_auth_method: none\r\nContent-Length: 5\r\nAuthorization: Bearer x\r\nX-Last: 2\r\n\r\n");
  EXPECT_EQ(client.read_answer().status(), 200U);
  EXPECT_EQ(seen.get_future().get(), "X-Sum: 1\r\nX-Last: 2\r\n");
}

TEST(SessionRequest, RefusesWhatItCannotReadAndCloses) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "head: 2KiB, target: 100B"});
  struct Case {
    std::string request;
    unsigned status;
    const char* reason;
  };
  const Case cases[]{
      {"nonsense\r\n\r\n", 400, "bad_request_line"},
      {"GET / HTTP/1.1\r\n\r\n", 400, "missing_host"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "unsupported_version"},
      {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 405, "connect_method"},
      {"GET / HTTP/1.1\nHost: h\n\n", 400, "bare_line_feed"},
      {"GET /" + repeat("a", 200) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414, "target_too_long"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + repeat("a", 3000) + "\r\n\r\n", 431, "head_too_large"},
      {"GET /%2f HTTP/1.1\r\nHost: h\r\n\r\n", 400, "encoded_slash"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
       "conflicting_framing"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad_chunk"},
  };
  for (const Case& each : cases) {
    Wire client(proxy.port());
    // A first request, so that what is kept from one request to the next is there.
    client.send(kGet);
    ASSERT_EQ(client.read_answer().status(), 200U);
    client.send(each.request);
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), each.status) << each.reason;
    EXPECT_EQ(answer.field("Connection"), "close") << each.reason;
    EXPECT_THAT(answer.field("X-Request-Id"), MatchesRegex("[0-9a-f]{32}"));
    EXPECT_EQ(answer.body.size(), std::stoul(answer.field("Content-Length"))) << each.reason;
    client.finish_sending();
    EXPECT_EQ(client.read_to_end(), "") << each.reason;
    EXPECT_EQ(client.end(), End::Closed) << each.reason;
  }
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2 * std::size(cases));
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(text_of(records[2 * i + 1], "reason"), cases[i].reason);
    EXPECT_EQ(text_of(records[2 * i + 1], "status"), std::to_string(cases[i].status));
  }
}

TEST(SessionRequest, RefusesABrokenChunkInTheMiddleOfABody) {
  ScriptedOrigin origin([](Wire& wire) { EXPECT_FALSE(wire.read_request().whole); });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc"));
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 1; }));
  client.send("nonsense\r\n");
  EXPECT_EQ(client.read_answer().status(), 400U);
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "bad_chunk");
}

TEST(SessionRequest, AMalformedRequestAfterAHeadHasABodyInItsAnswer) {
  ScriptedOrigin origin(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(client.read_answer(true).status(), 200U);
  client.send("no request line\r\n\r\n");
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.status(), 400U);
  EXPECT_EQ(answer.body, R"({"error":"Bad request"})");
}

TEST(SessionRequest, HoldsBodiesToTheRoutesLimit) {
  ScriptedOrigin origin(echoing());
  const ProxySettings settings{.routes =
                                   "routes: [{path: /**, authenticate: none, upstream: app, max_body: 100KiB}]\n"};
  constexpr std::size_t kMax = 100 * 1024;
  RunningProxy proxy({origin.port()}, settings);
  const std::string chunked = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  struct Case {
    std::string request;
    unsigned status;
  };
  const Case cases[]{
      {post(numbered_bytes(kMax)), 200},
      {post(numbered_bytes(kMax + 1)), 413},
      {chunked + chunk(numbered_bytes(kMax)) + "0\r\n\r\n", 200},
      {chunked + chunk(numbered_bytes(kMax)) + chunk("x") + "0\r\n\r\n", 413},
      {chunked + chunk(numbered_bytes(kMax + 1)) + "0\r\n\r\n", 413},
      {chunked + repeat(chunk(numbered_bytes(1024)), 101) + "0\r\n\r\n", 413},
  };
  for (const Case& each : cases) {
    Wire client(proxy.port());
    std::thread sender([&] { client.send(each.request); });
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), each.status) << each.request.size();
    EXPECT_EQ(answer.field("Connection"), each.status == 413 ? "close" : "");
    sender.join();
  }
}

TEST(SessionRequest, GivesUpAHeadThatDoesNotCome) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "head_timeout: 500ms, keep_alive: 10s"});
  Wire silent(proxy.port());
  EXPECT_EQ(silent.read_to_end(), "");  // a connection without a request is just closed
  EXPECT_EQ(silent.end(), End::Closed);
  Wire slow(proxy.port());
  slow.send("GET / HTTP/1.1\r\nHost:");
  const Message answer = slow.read_answer();
  EXPECT_EQ(answer.status(), 408U);
  EXPECT_EQ(answer.field("Connection"), "close");
  slow.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "client_timeout");
}

TEST(SessionRequest, GivesUpAHeadThatComesForEver) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "head: 1MiB, head_timeout: 300ms"});
  // The deadline passes while bytes keep coming, and now and then just as a read has them already.
  for (int i = 0; i < 10; ++i) {
    Wire client(proxy.port());
    client.send("GET /x HTTP/1.1\r\nHost: h\r\nX: ");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    bool taken = true;
    while (taken && std::chrono::steady_clock::now() < end && !client.readable_within(0)) taken = client.send("aaaa");
    // Whoever got through against the rules must at least not harm anybody by leaving then.
    client.send("\r\n\r\n");
    EXPECT_EQ(client.read_answer().status(), 408U);
    client.close();
  }
  proxy.stop();
}

TEST(SessionRequest, GivesUpABodyThatDoesNotCome) {
  ScriptedOrigin origin([](Wire& wire) { EXPECT_FALSE(wire.read_request().whole); });
  RunningProxy proxy({origin.port()}, {.limits = "idle: 100ms"});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345");
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.status(), 408U);
  EXPECT_EQ(answer.field("Connection"), "close");
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST(SessionRequest, ClosesAConnectionThatIsNotUsed) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "keep_alive: 100ms"});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
}

TEST(SessionRequest, SpeaksHttp10) {
  ScriptedOrigin origin(
      answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("abc") + "0\r\n\r\n"));
  ScriptedOrigin with_length(answering(std::string(kOk)));
  {
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.field("Transfer-Encoding"), "");
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_EQ(answer.body, "abc");
    EXPECT_EQ(client.end(), End::Closed);
  }
  RunningProxy proxy({with_length.port()});
  Wire client(proxy.port());
  client.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  Message answer = client.read_answer();
  EXPECT_EQ(answer.field("Connection"), "keep-alive");
  EXPECT_EQ(answer.body, "ok");
  client.send("GET /x HTTP/1.0\r\n\r\n");
  answer = client.read_answer();
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
}

TEST(SessionRequest, PassesAnExpectationOnAndTheOriginsConsent) {
  ScriptedOrigin origin([](Wire& wire) {
    Message request;
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      const auto more = wire.read(1);
      if (more.empty()) return;
      head += more;
    }
    EXPECT_THAT(head, HasSubstr("\r\nExpect: 100-continue\r\n"));
    wire.send("HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(wire.read(5), "hello");
    wire.send(kOk);
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_answer(true).status(), 100U);
  client.send("hello");
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.status(), 200U);
  EXPECT_EQ(answer.field("Connection"), "");
}

TEST(SessionRequest, ATokenDecidesAndItsSubjectIsRecorded) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  const ProxySettings settings{.routes = "routes: [{path: /**, authenticate: [staff], upstream: app}]\n"};
  RunningProxy proxy({origin.port()}, settings);
  Wire client(proxy.port());
  client.send(kGet);
  const Message refused = client.read_answer();
  EXPECT_EQ(refused.status(), 401U);
  EXPECT_EQ(refused.body, R"({"error":"Authentication required"})");
  EXPECT_THAT(refused.field("WWW-Authenticate"), HasSubstr("Bearer"));
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer a.b.c\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(client.read_answer().body, R"({"error":"Invalid token"})");
  // The body of a refused request that is there already is skipped, and the connection stays.
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 401U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 3U);
  EXPECT_EQ(origin.connections(), 0U);
}

TEST(SessionRequest, ATrustedProxysWordStandsInTheLogOfEveryRequest) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.listener = ", trusted_proxies: [127.0.0.1]"});
  const std::string told = "X-Forwarded-For: 203.0.113.7\r\nX-Request-Id: theirs\r\n\r\n";
  for (const std::string start : {"GET /fine HTTP/1.1\r\nHost: h\r\n", "GET /a%2fb HTTP/1.1\r\nHost: h\r\n",
                                  "GET /a#b HTTP/1.1\r\nHost: h\r\n", "GET /nobody HTTP/1.1\r\n"}) {
    Wire client(proxy.port());
    client.send(start + told);
    EXPECT_EQ(client.read_answer().field("X-Request-Id"), "theirs") << start;
  }
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 4U);
  for (const auto& record : records) {
    EXPECT_EQ(text_of(record, "client_ip"), "203.0.113.7") << record;
    EXPECT_EQ(text_of(record, "request_id"), "theirs") << record;
  }
}

TEST(SessionRequest, WhatOfARefusedTargetIsNoSecretStandsInTheLog) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  const std::array<std::pair<const char*, const char*>, 4> cases{
      {{"/a#b", "/a"}, {"/../x?token=secret", "/../x"}, {"/a|b", "/a|b"}, {"http://user:secret@h/", ""}}};
  for (const auto& [target, expected] : cases) {
    Wire client(proxy.port());
    client.send("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_answer().status(), 400U) << target;
  }
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(text_of(records[i], "method"), "GET");
    EXPECT_EQ(text_of(records[i], "path"), cases[i].second);
    EXPECT_EQ(text_of(records[i], "query"), "");
  }
}

}  // namespace
}  // namespace sidegate::proxy
