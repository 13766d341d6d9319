#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <atomic>
#include <random>

#include "full_listener.hpp"
#include "running_proxy.hpp"
#include "scripts.hpp"

namespace sidegate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool one_in_use(const telemetry::WorkerCounters& counters) {
  return counters.origin_connections[0].active == 1;
}
bool none_connected(const telemetry::WorkerCounters& counters) {
  return counters.connections_open[0] == 0;
}

TEST(SessionDrain, AnswersCloseTheirConnectionsFromThenOn) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().field("Connection"), "");
  proxy.begin_drain();
  client.send(kGet);
  EXPECT_EQ(client.read_answer().field("Connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
  // New connections are still served: whoever balances the load may not know yet.
  Wire late(proxy.port());
  late.send(kGet);
  EXPECT_EQ(late.read_answer().status(), 200U);
  late.close();
  EXPECT_EQ(proxy.stop().size(), 3U);
}

TEST(SessionDrain, IdleConnectionsAreClosedAndTheWorkerEnds) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire fresh(proxy.port());
  Wire used(proxy.port());
  used.send(kGet);
  EXPECT_EQ(used.read_answer().status(), 200U);
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 2; }));
  proxy.stop_accepting();
  EXPECT_TRUE(proxy.ends_within(seconds(5)));
  EXPECT_EQ(used.read_to_end(), "");
  EXPECT_EQ(used.end(), End::Closed);
  EXPECT_EQ(fresh.read_to_end(), "");
  EXPECT_THROW(Wire(proxy.port()), std::runtime_error);
}

/// An answer of which the first half was sent before the drain began.
TEST(SessionDrain, AnAnswerUnderWayIsFinishedAndEndsItsConnection) {
  Event go;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    go.wait();
    wire.send("world");
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  while (client.pending().find("hello") == std::string::npos) ASSERT_TRUE(client.read_more());
  proxy.begin_drain();
  proxy.stop_accepting();
  EXPECT_FALSE(proxy.ends_within(milliseconds(100)));
  go.set();
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.body, "helloworld");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST(SessionDrain, ARequestThatBeganIsServed) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(kGet.substr(0, 20));
  // The worker has read what came before it answers another one.
  Wire other(proxy.port());
  other.send(kGet);
  EXPECT_EQ(other.read_answer().status(), 200U);
  proxy.stop_accepting();
  EXPECT_EQ(other.read_to_end(), "");
  client.send(kGet.substr(20));
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.status(), 200U);
  EXPECT_EQ(answer.field("Connection"), "close");
  client.close();
  EXPECT_EQ(proxy.stop().size(), 3U);
}

TEST(SessionAbort, CutsWhateverIsUnderWay) {
  struct Case {
    const char* name;
    std::string request;
    std::string answer;
  };
  const Case cases[]{
      {"waiting for an answer", std::string(kGet), ""},
      {"in the middle of the answer", std::string(kGet), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
      {"in the middle of the body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello", ""},
  };
  for (const Case& each : cases) {
    Event gone;
    ScriptedOrigin origin([&](Wire& wire) {
      wire.send(each.answer);
      wire.read_to_end();
      gone.set();
    });
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(each.request);
    ASSERT_TRUE(proxy.counters_become(one_in_use));
    proxy.stop_accepting();
    proxy.abort();
    EXPECT_TRUE(proxy.ends_within(seconds(5))) << each.name;
    client.read_to_end();
    EXPECT_EQ(client.end(), End::Reset) << each.name;
    EXPECT_TRUE(gone.wait()) << each.name;
    EXPECT_EQ(proxy.stop().size(), 1U) << each.name;
  }
}

TEST(SessionAbort, AtAnyMoment) {
  ScriptedOrigin origin([](Wire& wire) {
    std::mt19937 random(3);
    while (true) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      const std::string body = numbered_bytes(random() % 100'000);
      if (!wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n")) return;
      if (!wire.send(body)) return;
    }
  });
  for (unsigned round = 0; round < 20; ++round) {
    RunningProxy proxy({origin.port()}, {.workers = 2});
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < 4; ++i) {
      clients.emplace_back([wire = Wire(proxy.port()), seed = round * 10 + i]() mutable {
        std::mt19937 random(seed);
        bool open = true;
        while (open) {
          open = wire.send(random() % 2 == 0 ? std::string(kGet) : post(std::string(random() % 100'000, 'x')));
          open = open && wire.read_answer().whole;
        }
      });
    }
    const unsigned least = round * 3;
    EXPECT_TRUE(proxy.counters_become([&](const telemetry::WorkerCounters& counters) {
      std::uint64_t requests = 0;
      for (const auto& [key, count] : counters.requests) requests += count;
      return requests >= least;
    }));
    proxy.stop_accepting();
    proxy.abort();
    EXPECT_TRUE(proxy.ends_within(seconds(10)));
    for (auto& client : clients) client.join();
    EXPECT_GE(proxy.stop().size(), least);
  }
}

TEST(SessionConnect, AServerThatDoesNotTakeTheConnectionIs504) {
  FullListener full;
  full.fill();
  RunningProxy proxy({full.port()}, {.upstream = ", connect_timeout: 200ms"});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().status(), 504U);
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "reason"), "origin_timeout");
}

TEST(SessionConnect, AnAbortDoesNotWaitForTheConnectTimeout) {
  FullListener full;
  full.fill();
  RunningProxy proxy({full.port()}, {.upstream = ", connect_timeout: 30s"});
  Wire client(proxy.port());
  client.send(kGet);
  ASSERT_TRUE(proxy.counters_become(one_in_use));
  proxy.stop_accepting();
  proxy.abort();
  EXPECT_TRUE(proxy.ends_within(seconds(10)));
}

TEST(SessionConnect, TheAnswersTimeoutBeginsOnceTheRequestIsSent) {
  FullListener full;
  full.fill();
  RunningProxy proxy({full.port()}, {.upstream = ", connect_timeout: 20s, response_timeout: 2s"});
  Wire client(proxy.port());
  client.send(kGet);
  ASSERT_TRUE(proxy.counters_become(one_in_use));
  // The system tries a connection that was dropped again one second after, and three.
  std::this_thread::sleep_for(std::chrono::milliseconds(1'200));
  std::thread serving([&] {
    Wire wire(full.accept());
    wire.read_request();
    wire.send(kOk);
    wire.read_to_end();
  });
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
  serving.join();
}

TEST(SessionConnect, AClientThatLeavesMeanwhileIsRecordedOnce) {
  FullListener full;
  full.fill();
  RunningProxy proxy({full.port()}, {.upstream = ", connect_timeout: 1s"});
  Wire client(proxy.port());
  client.send(kGet);
  ASSERT_TRUE(proxy.counters_become(one_in_use));
  client.reset();
  EXPECT_TRUE(proxy.counters_become(none_connected));
  EXPECT_EQ(proxy.stop().size(), 1U);
}

}  // namespace
}  // namespace sidegate::proxy
