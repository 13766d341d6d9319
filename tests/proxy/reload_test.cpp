#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "full_listener.hpp"
#include "running_proxy.hpp"
#include "scripts.hpp"

namespace sidegate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Something that an origin is asked for, and answers not before it is told to.
struct Held {
  Event asked;
  Event go;
};

/// A configuration that leaves its number in each request.
std::string routes_of(int version) {
  return "routes: [{name: all, path: /**, authenticate: none, upstream: app, inject: {X-Version: \"" +
         std::to_string(version) + "\"}}]\n";
}
ProxySettings version(int number) {
  ProxySettings settings;
  settings.routes = routes_of(number);
  return settings;
}

/// Answers every request with the number of the configuration that it came by. One for /held waits.
ScriptedOrigin::Script telling_version(Held* held = nullptr) {
  return [held](Wire& wire) {
    while (true) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      if (held != nullptr && request.start.starts_with("GET /held ")) {
        held->asked.set();
        held->go.wait();
      }
      const std::string told = request.field("X-Version");
      if (!wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(told.size()) + "\r\n\r\n" + told)) return;
    }
  };
}

std::string get_line(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h.example\r\n" + more + "\r\n";
}

Message get(Wire& client, const std::string& target = "/x", const std::string& more = "") {
  client.send(get_line(target, more));
  return client.read_answer();
}

std::string token(std::string_view secret) {
  const boost::json::object claims{{"sub", "someone"}, {"exp", 4'000'000'000}};
  return *token::sign_jwt(claims, token::Algorithm::HS256, secret);
}

std::uint64_t requests(const telemetry::WorkerCounters& counters, std::size_t route) {
  return counters.request_durations[route].count;
}

// -- what a reload changes

TEST(Reload, AKeptConnectionFollowsTheRoutes) {
  ScriptedOrigin origin(telling_version());
  RunningProxy proxy({origin.port()}, version(1));
  Wire client(proxy.port());
  EXPECT_EQ(get(client).body, "1");
  proxy.apply({origin.port()}, version(2));
  EXPECT_EQ(get(client).body, "2");
  proxy.apply({origin.port()}, {.routes = "routes: [{path: /other/**, authenticate: none, upstream: app}]\n"});
  EXPECT_EQ(get(client).status(), 404U);
  EXPECT_EQ(get(client, "/other/x").status(), 200U);
  EXPECT_EQ(proxy.counters().connections_total[0], 1U);
}

TEST(Reload, OtherOriginsAreAsked) {
  ScriptedOrigin first(answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"));
  ScriptedOrigin second(answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"));
  RunningProxy proxy({first.port()});
  Wire client(proxy.port());
  EXPECT_EQ(get(client).body, "first");
  proxy.apply({second.port()});
  EXPECT_EQ(get(client).body, "second");
  const std::string server = "\"http://127.0.0.1:" + std::to_string(first.port()) + "\"";
  proxy.apply({second.port()}, {.upstreams = ", other: {servers: [" + server + "]}",
                                .routes = "routes: [{path: /a, authenticate: none, upstream: other}, "
                                          "{path: /**, authenticate: none, upstream: app}]\n"});
  EXPECT_EQ(get(client, "/a").body, "first");
  EXPECT_EQ(get(client, "/b").body, "second");
}

TEST(Reload, TokensNeedTheKeyOfNow) {
  const std::string guarded = "routes: [{path: /**, authenticate: [staff], upstream: app}]\n";
  const std::string next(32, 'n');
  const auto status_with = [](Wire& client, std::string_view secret) {
    return get(client, "/x", "Authorization: Bearer " + token(secret) + "\r\n").status();
  };
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.routes = guarded});
  Wire client(proxy.port());
  EXPECT_EQ(status_with(client, RunningProxy::kSecret), 200U);
  EXPECT_EQ(status_with(client, next), 401U);
  proxy.apply({origin.port()}, {.secret = next, .routes = guarded});
  EXPECT_EQ(status_with(client, RunningProxy::kSecret), 401U);
  EXPECT_EQ(status_with(client, next), 200U);
}

TEST(Reload, TheNumberOfConnectionsIsLimitedAnew) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "connections: 1"});
  Wire first(proxy.port());
  EXPECT_EQ(get(first).status(), 200U);
  Wire refused(proxy.port());
  EXPECT_EQ(refused.read_answer().status(), 503U);
  proxy.apply({origin.port()}, {.limits = "connections: 2"});
  Wire second(proxy.port());
  EXPECT_EQ(get(second).status(), 200U);
  proxy.apply({origin.port()}, {.limits = "connections: 1"});
  Wire third(proxy.port());
  EXPECT_EQ(third.read_answer().status(), 503U);
  EXPECT_EQ(get(second).status(), 200U) << "those that are in stay";
}

TEST(Reload, AKeptConnectionEndsByTheKeepAliveOfNow) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "keep_alive: 1h"});
  Wire client(proxy.port());
  EXPECT_EQ(get(client).status(), 200U);
  proxy.apply({origin.port()}, {.limits = "keep_alive: 1ms"});
  EXPECT_EQ(get(client).status(), 200U);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
}

TEST(Reload, AKeptConnectionIsMetAnew) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  const std::string told = "X-Forwarded-For: 203.0.113.9\r\n";
  get(client, "/x", told);
  proxy.apply({origin.port()}, {.listener = ", trusted_proxies: [127.0.0.1]"});
  get(client, "/x", told);
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "client_ip"), "127.0.0.1");
  EXPECT_EQ(text_of(records[1], "client_ip"), "203.0.113.9");
}

// -- what is under way

TEST(Reload, ARequestUnderWayEndsByTheTimeoutThatItBeganWith) {
  Held held;
  ScriptedOrigin origin(telling_version(&held));
  RunningProxy proxy({origin.port()}, {.upstream = ", response_timeout: 300ms"});
  Wire client(proxy.port());
  client.send(get_line("/held"));
  ASSERT_TRUE(held.asked.wait());
  proxy.apply({origin.port()}, {.upstream = ", response_timeout: 1h"});
  EXPECT_EQ(client.read_answer().status(), 504U);
  held.go.set();
}

TEST(Reload, ARequestUnderWayIsNotCutByAShorterTimeout) {
  Held held;
  ScriptedOrigin origin(telling_version(&held));
  RunningProxy proxy({origin.port()}, version(1));
  Wire client(proxy.port());
  client.send(get_line("/held"));
  ASSERT_TRUE(held.asked.wait());
  auto next = version(2);
  next.upstream = ", response_timeout: 1ms";
  proxy.apply({origin.port()}, next);
  EXPECT_FALSE(client.readable_within(300));
  held.go.set();
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status(), 200U);
  EXPECT_EQ(answer.body, "1");
  EXPECT_EQ(answer.field("Connection"), "");
}

TEST(Reload, ABodyUnderWayIsHeldToTheLimitThatItBeganWith) {
  const auto settings_with = [](const std::string& max_body) {
    ProxySettings settings;
    settings.routes = "routes: [{path: /**, authenticate: none, upstream: app" + max_body + "}]\n";
    return settings;
  };
  const std::string beginning =
      "POST /x HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("first");
  for (const bool is_limited_first : {true, false}) {
    SCOPED_TRACE(is_limited_first);
    Event begun;
    ScriptedOrigin origin([&](Wire& wire) {
      wire.read_more();
      begun.set();
      if (wire.read_request().whole) wire.send(kOk);
    });
    RunningProxy proxy({origin.port()}, settings_with(is_limited_first ? ", max_body: 8B" : ""));
    Wire client(proxy.port());
    client.send(beginning);
    ASSERT_TRUE(begun.wait());
    proxy.apply({origin.port()}, settings_with(is_limited_first ? "" : ", max_body: 8B"));
    client.send(chunk("second") + "0\r\n\r\n");
    EXPECT_EQ(client.read_answer().status(), is_limited_first ? 413U : 200U);
  }
}

TEST(Reload, ARequestUnderWayIsRecordedByWhatItBeganWith) {
  const auto route = [](const std::string& name) {
    return "routes: [{name: " + name + ", path: /**, authenticate: none, upstream: app}]\n";
  };
  Held held;
  ScriptedOrigin origin(telling_version(&held));
  RunningProxy proxy({origin.port()}, {.routes = route("before")});
  Wire client(proxy.port());
  client.send(get_line("/held"));
  ASSERT_TRUE(held.asked.wait());
  proxy.apply({origin.port()}, {.routes = route("after")});
  held.go.set();
  EXPECT_EQ(client.read_answer().status(), 200U);
  EXPECT_EQ(get(client).status(), 200U);
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "route"), "before");
  EXPECT_EQ(text_of(records[1], "route"), "after");
}

TEST(Reload, ATunnelGoesOnThoughItsPoolAndItsListenerAreGone) {
  ScriptedOrigin origin([](Wire& wire) {
    if (!wire.read_request().whole) return;
    wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    for (auto bytes = wire.read(4); !bytes.empty(); bytes = wire.read(4)) wire.send(bytes);
  });
  RunningProxy proxy({origin.port()}, {.listeners = {"public", "other"}});
  Wire client(proxy.port("other"));
  client.send(get_line("/x", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_EQ(client.read_answer(true).status(), 101U);
  client.send("ping");
  EXPECT_EQ(client.read(4), "ping");
  proxy.apply({origin.port()}, {.upstream = ", response_timeout: 21s", .shutdown = "grace: 0s"});
  client.send("pong");
  EXPECT_EQ(client.read(4), "pong");
}

TEST(Reload, ARequestThatWaitsForItsConnectionIsServed) {
  FullListener origin;
  origin.fill();
  RunningProxy proxy({origin.port()}, {.upstream = ", connect_timeout: 20s", .routes = routes_of(1)});
  Wire client(proxy.port());
  client.send(kGet);
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 1; }));
  proxy.apply({origin.port()}, {.upstream = ", connect_timeout: 1ms", .routes = routes_of(2)});
  Wire asked(origin.accept());
  EXPECT_EQ(asked.read_request().field("X-Version"), "1");
  asked.send(kOk);
  EXPECT_EQ(client.read_answer().status(), 200U);
}

// -- a listener that is gone

TEST(Reload, AKeptConnectionOfAListenerThatIsGoneCarriesOneRequestMore) {
  ScriptedOrigin origin(telling_version());
  RunningProxy proxy({origin.port()}, {.listeners = {"public", "other"}, .routes = routes_of(1)});
  const auto port = proxy.port("other");
  Wire client(port);
  EXPECT_EQ(get(client).field("Connection"), "");
  proxy.apply({origin.port()}, {.shutdown = "grace: 20s", .routes = routes_of(2)});
  EXPECT_THROW(Wire{port}, std::runtime_error);
  const auto last = get(client);
  EXPECT_EQ(last.status(), 200U);
  EXPECT_EQ(last.field("Connection"), "close");
  EXPECT_EQ(last.body, "1") << "it stands on the listener of the configuration that had it";
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
}

TEST(Reload, AnIdleConnectionOfAListenerThatIsGoneEndsAfterTheGrace) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.listeners = {"public", "other"}});
  Wire stays(proxy.port());
  Wire leaves(proxy.port("other"));
  EXPECT_EQ(get(stays).status(), 200U);
  EXPECT_EQ(get(leaves).status(), 200U);
  const auto begun = steady_clock::now();
  proxy.apply({origin.port()}, {.shutdown = "grace: 400ms"});
  proxy.apply({origin.port()}, {.shutdown = "grace: 1h, timeout: 1h"});  // which does not put it off
  EXPECT_EQ(leaves.read_to_end(), "");
  EXPECT_EQ(leaves.end(), End::Closed);
  EXPECT_GE(steady_clock::now() - begun, milliseconds(400));
  EXPECT_EQ(get(stays).status(), 200U);
}

TEST(Reload, ARequestUnderWayOnAListenerThatIsGoneIsItsConnectionsLast) {
  Held held;
  ScriptedOrigin origin(telling_version(&held));
  RunningProxy proxy({origin.port()}, {.listeners = {"public", "other"}, .routes = routes_of(1)});
  Wire client(proxy.port("other"));
  client.send(get_line("/held"));
  ASSERT_TRUE(held.asked.wait());
  proxy.apply({origin.port()}, {.shutdown = "grace: 0s", .routes = routes_of(2)});
  proxy.apply({origin.port()}, {.listeners = {"public", "other"}});  // another socket, though of the same name
  held.go.set();
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.body, "1");
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(Reload, AListenerThatIsNewIsServed) {
  ScriptedOrigin origin(telling_version());
  RunningProxy proxy({origin.port()}, version(1));
  Wire before(proxy.port());
  EXPECT_EQ(get(before).body, "1");
  // Its place among the listeners changes with the one that is put before it.
  proxy.apply({origin.port()}, {.listeners = {"new", "public"},
                                .routes = "routes: [{listener: new, path: /**, authenticate: none, upstream: app, "
                                          "inject: {X-Version: new}}, {listener: public, path: /**, authenticate: "
                                          "none, upstream: app, inject: {X-Version: public}}]\n"});
  Wire client(proxy.port("new"));
  EXPECT_EQ(get(client).body, "new");
  EXPECT_EQ(get(before).body, "public");
  const auto counters = proxy.counters();
  EXPECT_EQ(counters.connections_open[proxy.listener("new")], 1U);
  EXPECT_EQ(counters.connections_open[proxy.listener("public")], 1U);
}

TEST(Reload, WhoHasConnectedToAListenerThatIsGoneIsServed) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  for (int i = 0; i < 20; ++i) {
    RunningProxy proxy({origin.port()}, {.listeners = {"public", "other"}, .workers = 2});
    std::vector<Wire> clients;
    clients.reserve(8);
    for (int j = 0; j < 8; ++j) clients.emplace_back(proxy.port("other"));
    proxy.apply({origin.port()}, {.shutdown = "grace: 20s"});
    for (auto& client : clients) EXPECT_EQ(get(client).status(), 200U);
  }
}

// -- connections to origins

TEST(Reload, ConnectionsAreKeptWhereTheUpstreamSaysTheSame) {
  ScriptedOrigin origin(telling_version());
  RunningProxy proxy({origin.port()}, version(1));
  Wire client(proxy.port());
  for (int i = 2; i < 6; ++i) {
    EXPECT_EQ(get(client).status(), 200U);
    proxy.apply({origin.port()}, version(i));
    EXPECT_EQ(get(client).body, std::to_string(i));
  }
  EXPECT_EQ(origin.connections(), 1U);
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) {
    return counters.origin_connections[0].idle == 1 && counters.origin_connections[0].active == 0;
  }));
}

TEST(Reload, IdleConnectionsEndWhereItSaysSomethingElse) {
  std::atomic<int> ended = 0;
  ScriptedOrigin origin([&ended](Wire& wire) {
    telling_version()(wire);
    ++ended;
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  int applied = 0;
  for (const std::string settings : {", response_timeout: 21s", ", idle_timeout: 21s", ", max_connections: 7"}) {
    EXPECT_EQ(get(client).status(), 200U);
    proxy.apply({origin.port()}, {.upstream = settings});
    ++applied;
    EXPECT_TRUE(proxy.counters_become([&](const auto&) { return ended == applied; })) << settings;
  }
  EXPECT_EQ(get(client).status(), 200U);
  EXPECT_EQ(origin.connections(), 4U);
}

TEST(Reload, AConnectionInUseOutlivesItsPoolAndIsNotKept) {
  Held held;
  std::atomic<int> ended = 0;
  ScriptedOrigin origin([&](Wire& wire) {
    telling_version (&held)(wire);
    ++ended;
  });
  RunningProxy proxy({origin.port()}, version(1));
  Wire one(proxy.port());
  Wire other(proxy.port());
  EXPECT_EQ(get(one).body, "1");
  other.send(get_line("/held"));  // over the connection that the first one's request has made
  ASSERT_TRUE(held.asked.wait());
  EXPECT_EQ(origin.connections(), 1U);

  auto next = version(2);
  next.upstream = ", response_timeout: 21s";
  proxy.apply({origin.port()}, next);
  EXPECT_EQ(get(one).body, "2");
  held.go.set();
  EXPECT_EQ(other.read_answer().body, "1");
  EXPECT_TRUE(proxy.counters_become([&](const auto&) { return ended == 1; }));
  EXPECT_EQ(get(one).body, "2");
  EXPECT_EQ(get(other).body, "2");
  EXPECT_EQ(origin.connections(), 2U);
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) {
    return counters.origin_connections[0].idle == 1 && counters.origin_connections[0].active == 0;
  }));
}

TEST(Reload, ABorrowedConnectionMayBeIdleWhenItsPoolIsDropped) {
  ScriptedOrigin origin(telling_version());
  RunningProxy proxy({origin.port()}, version(1));
  Wire one(proxy.port());
  Wire other(proxy.port());
  EXPECT_EQ(get(one).body, "1");
  EXPECT_EQ(get(other).body, "1");
  EXPECT_EQ(origin.connections(), 1U);
  auto next = version(2);
  next.upstream = ", response_timeout: 21s";
  proxy.apply({origin.port()}, next);
  EXPECT_EQ(get(one).body, "2");
  EXPECT_EQ(get(other).body, "2");
  EXPECT_EQ(origin.connections(), 2U);
}

TEST(Reload, ARequestWhoseConnectionIsClosedIsSentOnceMoreThoughItsPoolIsDropped) {
  Held held;
  std::atomic<int> connections = 0;
  ScriptedOrigin origin([&](Wire& wire) {
    if (++connections > 1) return telling_version()(wire);
    wire.read_request();
    wire.send(kOk);
    wire.read_request();
    held.asked.set();
    held.go.wait();  // and closes
  });
  RunningProxy proxy({origin.port()}, version(1));
  Wire client(proxy.port());
  EXPECT_EQ(get(client).status(), 200U);
  client.send(kGet);
  ASSERT_TRUE(held.asked.wait());
  auto next = version(2);
  next.upstream = ", response_timeout: 21s";
  proxy.apply({origin.port()}, next);
  held.go.set();
  EXPECT_EQ(client.read_answer().body, "1");
  EXPECT_EQ(get(client).body, "2");
}

// -- the size of heads, and of the buffers that hold them

std::string filler(std::size_t bytes) {
  return "X-Filler: " + std::string(bytes, 'f') + "\r\n";
}

TEST(Reload, TheLimitOfHeadsGrowsAndShrinksOnALivingConnection) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "head: 2KiB"});
  Wire client(proxy.port());
  EXPECT_EQ(get(client, "/x", filler(1'000)).status(), 200U);
  proxy.apply({origin.port()}, {.limits = "head: 256KiB"});
  EXPECT_EQ(get(client, "/x", filler(100'000)).status(), 200U);
  EXPECT_EQ(get(client, "/x", filler(200'000)).status(), 200U);
  proxy.apply({origin.port()}, {.limits = "head: 2KiB"});
  EXPECT_EQ(get(client, "/x", filler(1'000)).status(), 200U);
  proxy.apply({origin.port()}, {.limits = "head: 64KiB"});
  EXPECT_EQ(get(client, "/x", filler(60'000)).status(), 200U);
  proxy.apply({origin.port()}, {.limits = "head: 2KiB"});
  EXPECT_EQ(get(client, "/x", filler(3'000)).status(), 431U);
}

TEST(Reload, AnAnswersHeadIsHeldToTheLimitOfNowToo) {
  ScriptedOrigin origin(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + filler(40'000) + "\r\n"));
  RunningProxy proxy({origin.port()}, {.limits = "head: 2KiB"});
  Wire client(proxy.port());
  EXPECT_EQ(get(client).status(), 502U);
  proxy.apply({origin.port()}, {.limits = "head: 64KiB"});
  EXPECT_EQ(get(client).status(), 200U);
  proxy.apply({origin.port()}, {.limits = "head: 2KiB"});
  EXPECT_EQ(get(client).status(), 502U);
}

TEST(Reload, WhatWasReadAheadIsHeldToTheLimitOfNow) {
  struct Case {
    const char* before;
    const char* after;
    std::size_t bytes;  ///< of the request that is read ahead
    unsigned expected;
  };
  for (const auto& [before, after, bytes, expected] :
       {Case{"head: 1KiB", "head: 256KiB", 200'000, 200}, Case{"head: 1KiB", "head: 256KiB", 10'000, 200},
        Case{"head: 256KiB", "head: 1KiB", 200'000, 431}, Case{"head: 256KiB", "head: 1KiB", 10'000, 431},
        Case{"head: 256KiB", "head: 1KiB", 500, 200}}) {
    SCOPED_TRACE(std::string(before) + " " + after + " " + std::to_string(bytes));
    Held held;
    ScriptedOrigin origin(telling_version(&held));
    RunningProxy proxy({origin.port()}, {.limits = before, .routes = routes_of(1)});
    Wire client(proxy.port());
    const std::string both = get_line("/held") + get_line("/x", filler(bytes));
    std::thread sending([&] { client.send(both); });
    EXPECT_TRUE(held.asked.wait());
    proxy.apply({origin.port()}, {.limits = after, .routes = routes_of(2)});
    held.go.set();
    EXPECT_EQ(client.read_answer().body, "1");
    EXPECT_EQ(client.read_answer().status(), expected);
    sending.join();
  }
}

TEST(Reload, BuffersOfAnySizeAreCountedAsWhatTheyAre) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  // A buffer is a head and 16 KiB for bodies: there is room for four large ones, and soon for none if they are
  // miscounted.
  RunningProxy proxy({origin.port()}, {.limits = "memory: 1MiB, head: 240KiB"});
  for (int i = 0; i < 5; ++i) {
    for (const char* limits : {"memory: 1MiB, head: 1KiB", "memory: 1MiB, head: 240KiB"}) {
      Wire client(proxy.port());
      EXPECT_EQ(get(client).status(), 200U);
      proxy.apply({origin.port()}, {.limits = limits});
      EXPECT_EQ(get(client).status(), 200U) << limits;
    }
  }
}

// -- counters

TEST(Reload, CountersGoOnUnderTheirNamesAndEndWithThem) {
  const auto route = [](const std::string& name, const std::string& path) {
    return "{name: " + name + ", path: " + path + ", authenticate: none, upstream: app}";
  };
  const std::string a = route("a", "/a");
  const std::string b = route("b", "/b");
  const std::string c = route("c", "/c");
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.routes = "routes: [" + a + ", " + b + "]\n", .workers = 2});
  const auto ask = [&](const std::vector<std::string>& targets) {
    Wire client(proxy.port());
    for (const auto& target : targets) get(client, target);
  };
  const auto become = [&](const std::vector<std::pair<std::string, std::uint64_t>>& expected) {
    return proxy.counters_become([&](const auto& counters) {
      return std::all_of(expected.begin(), expected.end(),
                         [&](const auto& each) { return requests(counters, proxy.route(each.first)) == each.second; });
    });
  };
  ask({"/a", "/a", "/b", "/none"});
  ASSERT_TRUE(become({{"a", 2}, {"b", 1}}));

  proxy.apply({origin.port()}, {.routes = "routes: [" + c + ", " + b + ", " + a + "]\n"});
  EXPECT_TRUE(become({{"a", 2}, {"b", 1}, {"c", 0}}));
  ask({"/a", "/c"});
  EXPECT_TRUE(become({{"a", 3}, {"b", 1}, {"c", 1}}));
  EXPECT_EQ(requests(proxy.counters(), 3), 1U) << "that no route matched";

  proxy.apply({origin.port()}, {.routes = "routes: [" + b + "]\n"});
  EXPECT_TRUE(become({{"b", 1}}));
  proxy.apply({origin.port()}, {.routes = "routes: [" + a + ", " + b + "]\n"});
  EXPECT_TRUE(become({{"a", 0}, {"b", 1}})) << "a name that returns begins anew";
  EXPECT_TRUE(proxy.counters_become(
      [](const auto& counters) { return counters.connections_open[0] == 0 && counters.connections_total[0] == 2; }));
}

TEST(Reload, WhatEndsAfterwardsIsCountedOnce) {
  Held held;
  ScriptedOrigin origin(telling_version(&held));
  RunningProxy proxy({origin.port()}, version(1));
  Wire client(proxy.port());
  client.send(get_line("/held"));
  ASSERT_TRUE(held.asked.wait());
  for (int i = 2; i < 5; ++i) proxy.apply({origin.port()}, version(i));
  EXPECT_EQ(requests(proxy.counters(), 0), 0U);
  EXPECT_EQ(proxy.counters().connections_open[0], 1U);
  held.go.set();
  EXPECT_EQ(client.read_answer().body, "1");
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return requests(counters, 0) == 1; }));
  client.close();
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 0; }));
  EXPECT_EQ(requests(proxy.counters(), 0), 1U);
  EXPECT_EQ(proxy.counters().connections_total[0], 1U);
}

// -- under load, and at the end

/// The settings of the `number`th of many reloads: each differs from the one before in something else.
ProxySettings one_of_many(int number) {
  auto settings = version(number);
  settings.limits = number % 3 == 0 ? "head: 64KiB" : "head: 8KiB";
  if (number % 2 == 0) settings.upstream = ", response_timeout: 20s";
  if (number % 5 == 0) settings.listeners = {"first", "public"};
  settings.workers = 2;
  return settings;
}

TEST(Reload, ManyReloadsUnderLoadLoseNothing) {
  constexpr int kReloads = 100;
  constexpr std::uint64_t kAnswersBetween = 8;
  ScriptedOrigin origin(telling_version());
  RunningProxy proxy({origin.port()}, one_of_many(0));
  const auto port = proxy.port();
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> answered = 0;
  const auto ask = [&](Wire& client, int& version) {
    const auto answer = get(client);
    ++answered;
    ASSERT_EQ(answer.status(), 200U);
    ASSERT_TRUE(answer.whole);
    const int told = std::stoi(answer.body);
    ASSERT_GE(told, version) << "a connection never goes back";
    version = told;
  };
  constexpr int kClients = 4;
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, is_kept = i % 2 == 0] {
      while (!done && !testing::Test::HasFatalFailure()) {
        Wire client(port);
        int version = 0;
        do ask(client, version);
        while (is_kept && !done && !testing::Test::HasFatalFailure());
      }
    });
  }
  for (int i = 1; i <= kReloads && !testing::Test::HasFatalFailure(); ++i) {
    const std::uint64_t before = answered;
    proxy.apply({origin.port()}, one_of_many(i));
    while (answered < before + kAnswersBetween && !testing::Test::HasFatalFailure()) std::this_thread::yield();
  }
  done = true;
  for (auto& client : clients) client.join();
  EXPECT_TRUE(
      proxy.counters_become([&](const auto& counters) { return requests(counters, proxy.route("all")) == answered; }));
  EXPECT_TRUE(proxy.counters_become(
      [&](const auto& counters) { return counters.connections_open[proxy.listener("public")] == 0; }));
  Wire last(port);
  EXPECT_EQ(get(last).body, std::to_string(kReloads));
}

TEST(Reload, ADrainGoesOnThroughIt) {
  Held held;
  ScriptedOrigin origin(telling_version(&held));
  RunningProxy proxy({origin.port()}, version(1));
  Wire idle(proxy.port());
  Wire busy(proxy.port());
  EXPECT_EQ(get(idle).field("Connection"), "");
  busy.send(get_line("/held"));
  ASSERT_TRUE(held.asked.wait());
  proxy.begin_drain();
  auto next = version(2);
  next.upstream = ", response_timeout: 20s";
  proxy.apply({origin.port()}, next);
  const auto answer = get(idle);
  EXPECT_EQ(answer.body, "2");
  EXPECT_EQ(answer.field("Connection"), "close");
  idle.close();
  proxy.stop_accepting();
  next = version(3);
  next.upstream = ", response_timeout: 10s";
  proxy.apply({origin.port()}, next);
  held.go.set();
  EXPECT_EQ(busy.read_answer().body, "1");
  busy.close();
  EXPECT_TRUE(proxy.ends_within(milliseconds(kPatienceMilliseconds)));
}

TEST(Reload, AWorkerThatEndsBeginsToListenNowhere) {
  Held held;
  ScriptedOrigin origin(telling_version(&held));
  RunningProxy proxy({origin.port()}, version(1));
  Wire client(proxy.port());
  client.send(get_line("/held"));
  ASSERT_TRUE(held.asked.wait());
  proxy.stop_accepting();
  proxy.apply({origin.port()}, {.listeners = {"public", "new"}});
  held.go.set();
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_TRUE(proxy.ends_within(milliseconds(kPatienceMilliseconds)));
}

TEST(Reload, AProxyMayBeDestroyedInTheMiddleOfIt) {
  for (int i = 0; i < 20; ++i) {
    Held held;
    ScriptedOrigin origin(telling_version(&held));
    RunningProxy proxy({origin.port()}, one_of_many(0));
    Wire idle(proxy.port());
    EXPECT_EQ(get(idle).status(), 200U);
    Wire busy(proxy.port());
    busy.send(get_line("/held"));
    ASSERT_TRUE(held.asked.wait());
    for (int number = 1; number < 4; ++number) proxy.begin_apply({origin.port()}, one_of_many(number));
    held.go.set();
  }
}

TEST(Reload, AWorkerThatNeverRanLetsGoOfTheConfigurationThatWaitsForIt) {
  const config::Address address{config::Address::Kind::Tcp, "127.0.0.1", 0, {}};
  const auto socket =
      std::make_shared<const net::ListeningSocket>(std::move(net::ListeningSocket::open(address, 0)).value());
  const auto configuration_of = [](const config::Config& config, ListeningSockets sockets) {
    config::Diagnostics diagnostics("test.yaml");
    return WorkerConfiguration{.config = std::make_shared<const config::Config>(config),
                               .labels = std::make_shared<const telemetry::LabelNames>(label_names(config)),
                               .sockets = std::move(sockets),
                               .policy = policy::Policy::compile(config, diagnostics),
                               .access_log = nullptr};
  };
  config::Config next;
  next.listeners.push_back({.name = "public", .address = address, .where = {}});
  SharedState shared;
  const Wire waiting(socket->address().port);
  {
    Worker worker(configuration_of({}, {}), shared);
    worker.apply(configuration_of(next, {socket}), [] {});
  }
  EXPECT_EQ(socket.use_count(), 1);
  EXPECT_EQ(shared.connections, 0U);
  EXPECT_EQ(shared.buffers.bytes, 0U);
}

}  // namespace
}  // namespace sidegate::proxy
