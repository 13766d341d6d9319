#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "running_proxy.hpp"
#include "scripts.hpp"

namespace sidegate::proxy {
namespace {

TEST(Worker, TurnsAwayConnectionsBeyondTheLimit) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "connections: 2", .workers = 2});
  Wire first(proxy.port());
  first.send(kGet);
  EXPECT_EQ(first.read_answer().status(), 200U);
  {
    Wire second(proxy.port());
    second.send(kGet);
    EXPECT_EQ(second.read_answer().status(), 200U);
    Wire third(proxy.port());
    const Message refused = third.read_answer();
    EXPECT_EQ(refused.status(), 503U);
    EXPECT_EQ(refused.field("Connection"), "close");
    EXPECT_EQ(refused.body, R"({"error":"Service unavailable"})");
    EXPECT_EQ(third.read_to_end(), "");
  }
  // Once one has left there is room again.
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 1; }));
  Wire fourth(proxy.port());
  fourth.send(kGet);
  EXPECT_EQ(fourth.read_answer().status(), 200U);
}

// A buffer is a head and 16 KiB for bodies, here 256 KiB: four of them are the limit, and the last is left for an
// origin.
TEST(Worker, TurnsAwayConnectionsThatThereIsNoMemoryFor) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "memory: 1MiB, head: 240KiB", .workers = 2});
  const auto get = [](Wire& client) {
    client.send(kGet);
    return client.read_answer();
  };
  const auto connections_become = [&](std::uint64_t open) {
    return proxy.counters_become([open](const auto& counters) { return counters.connections_open[0] == open; });
  };
  // Each has begun a request, since a connection that rests for a second gives its buffer back.
  const auto begun = kGet.substr(0, 5);
  Wire first(proxy.port());
  first.send(std::string(kGet) + std::string(begun));
  EXPECT_EQ(first.read_answer().status(), 200U);  // with a connection to the origin
  {
    Wire second(proxy.port());
    second.send(begun);
    ASSERT_TRUE(connections_become(2));
    Wire third(proxy.port());
    const Message refused = third.read_answer();
    EXPECT_EQ(refused.status(), 503U);
    EXPECT_EQ(refused.field("Connection"), "close");
    EXPECT_EQ(refused.body, R"({"error":"Service unavailable"})");
    EXPECT_EQ(third.read_to_end(), "");
    first.send(kGet.substr(begun.size()));
    EXPECT_EQ(first.read_answer().status(), 200U) << "those that are in go on";
  }
  ASSERT_TRUE(connections_become(1));
  Wire fourth(proxy.port());
  ASSERT_TRUE(connections_become(2));
  EXPECT_EQ(get(fourth).status(), 200U);
}

TEST(Worker, AnOriginsConnectionNeedsMemoryToo) {
  Event asked;
  Event go;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    asked.set();
    go.wait();
    wire.send(kOk);
  });
  // Room for three buffers.
  RunningProxy proxy({origin.port()}, {.limits = "memory: 1MiB, head: 256KiB"});
  Wire first(proxy.port());
  Wire second(proxy.port());
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 2; }));
  first.send(kGet);
  ASSERT_TRUE(asked.wait());
  second.send(kGet);
  EXPECT_EQ(second.read_answer().status(), 503U);
  go.set();
  EXPECT_EQ(first.read_answer().status(), 200U);
  first.close();
  second.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "reason"), "out_of_memory");
}

TEST(Worker, CountsConnectionsAndRequests) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.workers = 2});
  for (int i = 0; i < 20; ++i) {
    Wire client(proxy.port());
    client.send(kGet);
    EXPECT_EQ(client.read_answer().status(), 200U);
    client.send("DELETE /x HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_answer().status(), 200U);
  }
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 0; }));
  const auto counters = proxy.counters();
  EXPECT_EQ(counters.connections_total[0], 20U);
  EXPECT_EQ(counters.request_durations[0].count, 40U);
  EXPECT_EQ(counters.origin_durations[0].count, 40U);
  EXPECT_EQ(counters.origin_connections[0].active, 0U);
  EXPECT_EQ(counters.origin_connections[0].idle, origin.connections());
}

TEST(Worker, ServesManyConnectionsAtTheSameTime) {
  ScriptedOrigin origin(echoing());
  RunningProxy proxy({origin.port()}, {.workers = 2});
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      Wire client(proxy.port());
      for (int j = 0; j < 100; ++j) {
        const auto body = numbered_bytes(static_cast<std::size_t>(i * 100 + j) * 97);
        ASSERT_TRUE(client.send(post(body)));
        ASSERT_TRUE(client.read_answer().body == body);
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(proxy.stop().size(), 800U);
}

TEST(Worker, CanBeDestroyedWithoutHavingRun) {
  const auto config = std::make_shared<const config::Config>();
  SharedState shared;
  config::Diagnostics diagnostics("test.yaml");
  const Worker worker({.config = config,
                       .labels = std::make_shared<const telemetry::LabelNames>(label_names(*config)),
                       .sockets = {},
                       .policy = policy::Policy::compile(*config, diagnostics),
                       .access_log = nullptr},
                      shared);
}

TEST(LabelNames, AreThoseOfTheConfiguration) {
  config::Config config;
  config.listeners.push_back({.name = "public", .address = {}, .mode = 0, .where = {}});
  config.upstreams.resize(2);
  config.upstreams[0].name = "one";
  config.upstreams[0].servers.push_back({"http://a:1", {}, {}});
  config.upstreams[0].servers.push_back({"http://b:1", {}, {}});
  config.upstreams[1].name = "two";
  config.upstreams[1].servers.push_back({"http://c:1", {}, {}});
  config.routes.resize(1);
  config.routes[0].name = "all";
  config.authenticators.resize(3);
  config.authenticators[0].name = "guests";
  config.authenticators[1].name = "forgetful";
  config.authenticators[1].jwt.verified_cache.max_bytes = 0;
  config.authenticators[2].name = "staff";
  const auto labels = label_names(config);
  EXPECT_THAT(labels.listeners, testing::ElementsAre("public"));
  EXPECT_THAT(labels.routes, testing::ElementsAre("all"));
  EXPECT_THAT(labels.upstreams, testing::ElementsAre("one", "two"));
  EXPECT_THAT(labels.authenticators, testing::ElementsAre("guests", "forgetful", "staff"));
  EXPECT_THAT(labels.caches, testing::ElementsAre("guests.verified", "staff.verified"));
  ASSERT_EQ(labels.servers.size(), 3U);
  EXPECT_EQ(labels.servers[1].server, "http://b:1");
  EXPECT_EQ(labels.servers[2].upstream, "two");
}

}  // namespace
}  // namespace sidegate::proxy
