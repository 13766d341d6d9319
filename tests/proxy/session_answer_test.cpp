#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "running_proxy.hpp"
#include "scripts.hpp"

namespace sidegate::proxy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// One GET on a new connection.
Message get(const RunningProxy& proxy, std::string_view request = kGet, bool bodiless = false) {
  Wire client(proxy.port());
  client.send(request);
  return client.read_answer(bodiless);
}

TEST(SessionAnswer, PassesBodiesOnHoweverTheyAreFramed) {
  const std::string large = numbered_bytes(1'000'000);
  struct Case {
    const char* name;
    std::string answer;
    std::string body;
    const char* coding;
  };
  const Case cases[]{
      {"a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", ""},
      {"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", ""},
      {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\n\r\n", "hello", "chunked"},
      {"many chunks",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + repeat(chunk("0123456789"), 5000) + "0\r\n\r\n",
       repeat("0123456789", 5000), "chunked"},
      {"until the end", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", "chunked"},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", "hello", "chunked"},
      {"large", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + large, large, ""},
      {"large chunks",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(large) + chunk(large) + "0\r\n\r\n",
       large + large, "chunked"},
      {"large until the end", "HTTP/1.1 200 OK\r\n\r\n" + large, large, "chunked"},
  };
  for (const Case& each : cases) {
    ScriptedOrigin origin(answering_once(each.answer));
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    for (int i = 0; i < 2; ++i) {
      client.send(kGet);
      const Message answer = client.read_answer();
      ASSERT_TRUE(answer.whole) << each.name;
      EXPECT_EQ(answer.status(), 200U) << each.name;
      EXPECT_TRUE(answer.body == each.body) << each.name;
      EXPECT_EQ(answer.field("Transfer-Encoding"), each.coding) << each.name;
      EXPECT_EQ(answer.field("Connection"), "") << each.name;
    }
  }
}

TEST(SessionAnswer, TakesAnAnswerByteByByte) {
  const std::string bytes =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      chunk("hello") + chunk(" you") + "0\r\nX-Sum: 1\r\n\r\n";
  ScriptedOrigin origin([&](Wire& wire) {
    while (wire.read_request().whole) {
      for (const char c : bytes) wire.send({&c, 1});
    }
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    EXPECT_EQ(client.read_answer(true).status(), 103U);
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.body, "hello you");
    EXPECT_EQ(answer.trailers, "X-Sum: 1\r\n");
  }
}

TEST(SessionAnswer, KnowsWhichAnswersHaveNoBody) {
  struct Case {
    const char* request;
    const char* answer;
    unsigned status;
  };
  const Case cases[]{
      {"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", 200},
      {"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200},
      {"HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 200},
      {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", 204},
      {"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304},
  };
  for (const Case& each : cases) {
    ScriptedOrigin origin(answering(each.answer));
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    for (int i = 0; i < 3; ++i) {
      client.send(each.request);
      EXPECT_EQ(client.read_answer(true).status(), each.status) << each.answer;
    }
    client.close();
    EXPECT_EQ(proxy.stop().size(), 3U);
    EXPECT_EQ(origin.connections(), 1U) << each.answer;
  }
}

TEST(SessionAnswer, PassesInterimAnswersOnButNotToHttp10) {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
  ScriptedOrigin origin(answering(interim + std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  const Message hints = client.read_answer(true);
  EXPECT_EQ(hints.status(), 103U);
  EXPECT_EQ(hints.field("Link"), "</a>");
  EXPECT_EQ(hints.field("Connection"), "");
  EXPECT_EQ(client.read_answer(true).status(), 102U);
  EXPECT_EQ(client.read_answer().body, "ok");
  EXPECT_EQ(get(proxy, "GET /x HTTP/1.0\r\nHost: h\r\n\r\n").body, "ok");
}

TEST(SessionAnswer, AnOriginThatBreaksTheProtocolIs502) {
  const std::string answers[]{
      "",
      "HTTP/1.1 200",
      "HTTP/1.1 200 OK\r\nContent-Le",
      "nonsense\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.1 099 What\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX y: 1\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + repeat("a", 60'000) + "\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n" + repeat("X: 1\r\n", 101) + "Content-Length: 0\r\n\r\n",
      "HTTP/1.1 103 Hints\r\n\r\nnonsense\r\n\r\n",
  };
  for (const auto& bytes : answers) {
    ScriptedOrigin origin(answering_once(bytes));
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(kGet);
    Message answer = client.read_answer(true);
    if (answer.status() == 103) answer = client.read_answer(true);
    EXPECT_EQ(answer.status(), 502U) << bytes.substr(0, 60);
    EXPECT_EQ(client.read(std::stoul("0" + answer.field("Content-Length"))), R"({"error":"Bad gateway"})");
    client.close();
    const auto records = proxy.stop();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(text_of(records[0], "reason"), "origin_broken");
    EXPECT_EQ(text_of(records[0], "status"), "502");
  }
}

TEST(SessionAnswer, AnAnswerThatBreaksOffEndsInAReset) {
  const std::string answers[]{
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
  };
  for (const auto& bytes : answers) {
    for (const bool http10 : {false, true}) {
      ScriptedOrigin origin(answering_once(bytes));
      RunningProxy proxy({origin.port()});
      Wire client(proxy.port());
      client.send(http10 ? "GET /x HTTP/1.0\r\nHost: h\r\n\r\n" : kGet);
      const Message answer = client.read_answer();
      EXPECT_FALSE(answer.whole) << bytes;
      EXPECT_EQ(answer.end, End::Reset) << bytes;
      client.close();
      const auto records = proxy.stop();
      ASSERT_EQ(records.size(), 1U);
      EXPECT_EQ(text_of(records[0], "status"), "200");
      EXPECT_EQ(text_of(records[0], "reason"), "origin_broken");
    }
  }
}

/// Serves `served` requests on the first connection, then closes it as the next request comes.
class StaleConnection : public testing::Test {
 protected:
  void serve(Wire& wire) {
    const bool first = connections_++ == 0;
    if (!first) {
      // Later ones stay, or die as well.
      while (wire.read_request().whole && !later_die_ && wire.send(kOk)) {
      }
      return;
    }
    wire.read_request();
    wire.send(kOk);
    wire.read_request();
    wire.reset();
  }

  std::atomic<int> connections_ = 0;
  bool later_die_ = false;
  ScriptedOrigin origin_{[this](Wire& wire) { serve(wire); }};
};

TEST_F(StaleConnection, AnIdempotentRequestIsSentOnceMore) {
  RunningProxy proxy({origin_.port()});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 2U);
  EXPECT_EQ(origin_.connections(), 2U);
}

TEST_F(StaleConnection, APutWithItsBodyIsSentOnceMore) {
  RunningProxy proxy({origin_.port()});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(client.read_answer().status(), 200U);
  EXPECT_EQ(origin_.connections(), 2U);
}

TEST_F(StaleConnection, AnotherRequestIsNot) {
  RunningProxy proxy({origin_.port()});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(post("hello"));
  EXPECT_EQ(client.read_answer().status(), 502U);
  EXPECT_EQ(origin_.connections(), 1U);
}

TEST_F(StaleConnection, NothingIsSentThreeTimes) {
  later_die_ = true;
  RunningProxy proxy({origin_.port()});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 502U);
  EXPECT_EQ(origin_.connections(), 2U);
}

TEST_F(StaleConnection, TheOldOneDoesNotStandInTheWayOfTheNew) {
  RunningProxy proxy({origin_.port()}, {.upstream = ", max_connections: 1"});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
}

TEST(SessionAnswer, AFirstConnectionThatBreaksIsNotTriedAgain) {
  ScriptedOrigin origin([](Wire& wire) {
    wire.read_request();
    wire.reset();
  });
  RunningProxy proxy({origin.port()});
  EXPECT_EQ(get(proxy).status(), 502U);
  EXPECT_EQ(origin.connections(), 1U);
}

TEST(SessionAnswer, AServerThatClosesAnIdleConnectionIsNoticedBeforeTheNextRequest) {
  ScriptedOrigin origin(answering_once(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  for (int i = 0; i < 3; ++i) {
    client.send(post("hello"));
    EXPECT_EQ(client.read_answer().status(), 200U);
    // Only then is a request that may not be repeated safe.
    ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].idle == 0; }));
  }
  EXPECT_EQ(origin.connections(), 3U);
}

TEST(SessionAnswer, AnUnaskedAnswerEndsTheConnectionItCameOn) {
  Event said;
  ScriptedOrigin origin([&](Wire& wire) {
    if (!wire.read_request().whole) return;
    // More than was asked for, in the same packet.
    wire.send(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  for (int i = 0; i < 2; ++i) {
    client.send(kGet);
    EXPECT_EQ(client.read_answer().body, "ok");
  }
  EXPECT_EQ(origin.connections(), 2U);
}

/// The unasked answer lies in the socket, right behind one that fills the buffer to its last byte, when the pipelined
/// request looks for a connection.
TEST(SessionAnswer, AnUnaskedAnswerIsNotTheNextRequests) {
  constexpr std::size_t kBufferBytes = std::size_t{48} * 1024;
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
  const std::size_t body_size = kBufferBytes - head.size() - std::string("49000\r\n\r\n").size();
  const std::string answer = head + std::to_string(body_size) + "\r\n\r\n" + std::string(body_size, 'a');
  ASSERT_EQ(answer.size(), kBufferBytes);
  ScriptedOrigin origin([&](Wire& wire) {
    while (true) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      const bool first = request.start.starts_with("GET /first");
      wire.send(first ? answer + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison" : std::string(kOk));
    }
  });
  RunningProxy proxy({origin.port()});
  for (int i = 0; i < 20; ++i) {
    Wire client(proxy.port());
    client.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(kGet));
    EXPECT_EQ(client.read_answer().body.size(), body_size);
    EXPECT_EQ(client.read_answer().body, "ok");
  }
}

TEST(SessionAnswer, AnEarlyAnswerEndsTheConnection) {
  ScriptedOrigin origin([](Wire& wire) {
    wire.read(100);
    wire.send("HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nstop");
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\nbegin");
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.status(), 413U);
  EXPECT_EQ(answer.body, "stop");
  EXPECT_EQ(answer.field("Connection"), "close");
  client.finish_sending();
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST(SessionAnswer, AnOriginThatAnswersEarlyAndReadsOnGetsAllOfTheBody) {
  const std::string body = numbered_bytes(3'000'000);
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read(100);
    wire.send(kOk);
    while (!wire.pending().ends_with(body) && wire.read_more()) {
    }
    EXPECT_TRUE(wire.pending().ends_with(body));
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  for (int i = 0; i < 2; ++i) {
    Wire client(proxy.port());
    const std::string request = post(body);
    client.send(std::string_view(request).substr(0, 300));
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), 200U);
    EXPECT_EQ(answer.field("Connection"), "close");
    client.send(std::string_view(request).substr(300));
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(client.end(), End::Closed);
  }
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "reason"), "");
  EXPECT_EQ(origin.connections(), 2U) << "a server that answered early may be out of step";
}

TEST(SessionAnswer, AnOriginThatAnsweredIsNotKeptWaitingForABodyThatStops) {
  Event gone;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read(100);
    wire.send(kOk);
    wire.read_to_end();
    gone.set();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\nbegin");
  EXPECT_EQ(client.read_answer().status(), 200U);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(gone.wait());
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "") << "the client has its answer";
}

TEST(SessionAnswer, AnEarlyAnswerIsSeenThoughTheUploadIsStuck) {
  Event stuck;
  Event finished;
  ScriptedOrigin origin([&](Wire& wire) {
    stuck.wait();
    wire.send("HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nstop");
    finished.wait();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
  client.send_until_stuck(200);  // all buffers on the way are full
  stuck.set();
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.status(), 413U);
  finished.set();
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST(SessionAnswer, BothSidesMayStreamAtTheSameTime) {
  ScriptedOrigin origin([](Wire& wire) {
    wire.read(100);
    wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("begin"));
    // The rest of the request ends with its mark.
    std::string body;
    while (!body.ends_with("end")) {
      const auto more = wire.read(1);
      if (more.empty()) return;
      body += more;
    }
    wire.send(chunk("end") + "0\r\n\r\n");
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h.example\r\nContent-Length: 100003\r\n\r\n");
  std::string early;
  while (early.find("begin") == std::string::npos) {
    const auto more = client.read(1);
    ASSERT_FALSE(more.empty());
    early += more;
  }
  client.send(std::string(100'000, 'x') + "end");
  EXPECT_THAT(client.read_to_end(), testing::EndsWith(chunk("end") + "0\r\n\r\n"));
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST(SessionAnswer, AnOriginThatSaysNothingIs504) {
  ScriptedOrigin origin([](Wire& wire) { wire.read_to_end(); });
  RunningProxy proxy({origin.port()}, {.upstream = ", response_timeout: 100ms"});
  Wire client(proxy.port());
  for (int i = 0; i < 2; ++i) {
    client.send(kGet);
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), 504U);
    EXPECT_EQ(answer.body, R"({"error":"Gateway timeout"})");
    EXPECT_EQ(answer.field("Connection"), "");
  }
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[1], "reason"), "origin_timeout");
}

TEST(SessionAnswer, ARoutesTimeoutTakesThePlaceOfTheUpstreams) {
  ScriptedOrigin origin([](Wire& wire) { wire.read_to_end(); });
  const ProxySettings settings{.routes = "routes: [{path: /**, authenticate: none, upstream: app, timeout: 100ms}]\n"};
  RunningProxy proxy({origin.port()}, settings);
  EXPECT_EQ(get(proxy).status(), 504U);
}

TEST(SessionAnswer, AnAnswerThatStopsComingIsCutOff) {
  ScriptedOrigin origin([](Wire& wire) {
    wire.read_request();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 100ms"});
  const Message answer = get(proxy);
  EXPECT_EQ(answer.status(), 200U);
  EXPECT_FALSE(answer.whole);
  EXPECT_EQ(answer.end, End::Reset);
}

TEST(SessionAnswer, WhatTheClientDoesNotReadTheOriginCannotSend) {
  constexpr std::size_t kSize = std::size_t{64} << 20U;
  std::atomic<std::size_t> sent = 0;
  Event stuck;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    sent = wire.send_until_stuck(300);
    stuck.set();
    wire.send_filler(kSize - sent);
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  ASSERT_TRUE(stuck.wait());
  EXPECT_LT(sent, kSize / 2) << "it is gathered somewhere";
  const Message answer = client.read_answer();
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body.size(), kSize);
}

TEST(SessionAnswer, WhatTheOriginDoesNotReadTheClientCannotSend) {
  constexpr std::size_t kSize = std::size_t{64} << 20U;
  Event go;
  ScriptedOrigin origin([&](Wire& wire) {
    go.wait();
    EXPECT_EQ(wire.read_request().body.size(), kSize);
    wire.send(kOk);
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
  const auto sent = client.send_until_stuck(300);
  EXPECT_LT(sent, kSize / 2) << "it is gathered somewhere";
  go.set();
  ASSERT_TRUE(client.send_filler(kSize - sent));
  EXPECT_EQ(client.read_answer().status(), 200U);
}

TEST(SessionAnswer, AClientThatStopsReadingIsCutOff) {
  Event over;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send("HTTP/1.1 200 OK\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (wire.send(block)) {
    }
    over.set();
  });
  RunningProxy proxy({origin.port()}, {.limits = "idle: 100ms"});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_TRUE(over.wait()) << "the origin's connection goes with the client's";
  client.read_to_end();
  EXPECT_EQ(client.end(), End::Reset);
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "client_timeout");
}

TEST(SessionAnswer, AClientThatLeavesWhileWaitingTakesTheRequestAlong) {
  Event arrived;
  Event gone;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    arrived.set();
    wire.read_to_end();
    gone.set();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  ASSERT_TRUE(arrived.wait());
  client.reset();
  EXPECT_TRUE(gone.wait()) << "the origin hears of it";
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "status"), "0");
  EXPECT_EQ(text_of(records[0], "reason"), "client_gone");
}

TEST(SessionAnswer, AClientThatOnlyFinishedSendingGetsItsAnswer) {
  Event half_closed;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    half_closed.wait();
    wire.send(kOk);
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  client.finish_sending();
  half_closed.set();
  EXPECT_EQ(client.read_answer().body, "ok");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
}

TEST(SessionAnswer, AClientThatLeavesInTheMiddleOfItsBodyIsNotWaitedFor) {
  Event gone;
  ScriptedOrigin origin([&](Wire& wire) {
    EXPECT_FALSE(wire.read_request().whole);
    gone.set();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 1; }));
  client.close();
  EXPECT_TRUE(gone.wait());
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "client_gone");
}

TEST(SessionAnswer, AnOriginThatNobodyServesIs502) {
  std::uint16_t port = 0;
  { port = ScriptedOrigin(answering("")).port(); }
  RunningProxy proxy({port});
  Wire client(proxy.port());
  for (int i = 0; i < 2; ++i) {
    client.send(post("hello"));
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), 502U);
    EXPECT_EQ(answer.field("Connection"), "");
  }
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "reason"), "origin_unreachable");
}

TEST(SessionAnswer, TheNextServerIsTriedWhereOneIsDown) {
  std::uint16_t dead = 0;
  { dead = ScriptedOrigin(answering("")).port(); }
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({dead, origin.port()});
  Wire client(proxy.port());
  for (int i = 0; i < 6; ++i) {
    client.send(post("hello"));
    EXPECT_EQ(client.read_answer().status(), 200U);
  }
}

TEST(SessionAnswer, TooManyConnectionsToTheOriginAre503) {
  Event go;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    go.wait();
    wire.send(kOk);
  });
  RunningProxy proxy({origin.port()}, {.upstream = ", max_connections: 1"});
  Wire first(proxy.port());
  first.send(kGet);
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 1; }));
  EXPECT_EQ(get(proxy).status(), 503U);
  go.set();
  EXPECT_EQ(first.read_answer().status(), 200U);
}

TEST(SessionAnswer, TheOriginsOwnConnectionFieldsStayOnItsSide) {
  ScriptedOrigin origin(answering_once(
      "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Request-Id: theirs\r\n"
      "X-End: 2\r\nContent-Length: 2\r\n\r\nok"));
  RunningProxy proxy({origin.port()});
  const Message answer = get(proxy);
  EXPECT_THAT(answer.head, Not(HasSubstr("X-Hop")));
  EXPECT_THAT(answer.head, Not(HasSubstr("Keep-Alive")));
  EXPECT_THAT(answer.head, Not(HasSubstr("theirs")));
  EXPECT_EQ(answer.field("X-End"), "2");
  EXPECT_EQ(answer.field("X-Request-Id").size(), 32U);
}

}  // namespace
}  // namespace sidegate::proxy
