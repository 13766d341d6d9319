#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "full_listener.hpp"
#include "running_proxy.hpp"
#include "scripts.hpp"

/// A session waits in a few places only. It is brought to each of them in turn, and cut there in every way there is.
/// Whatever happens, nothing crashes or stays behind, the request is recorded once, and the next one is served.
namespace sidegate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Cut { ClientCloses, ClientResets, OriginCloses, OriginResets, DeadlinePasses, WorkerAborts };

std::string name_of(Cut cut) {
  switch (cut) {
    case Cut::ClientCloses:
      return "ClientCloses";
    case Cut::ClientResets:
      return "ClientResets";
    case Cut::OriginCloses:
      return "OriginCloses";
    case Cut::OriginResets:
      return "OriginResets";
    case Cut::DeadlinePasses:
      return "DeadlinePasses";
    case Cut::WorkerAborts:
      return "WorkerAborts";
  }
  return {};
}

bool is_of_origin(Cut cut) {
  return cut == Cut::OriginCloses || cut == Cut::OriginResets;
}

/// What the origin does with the connection that is to be cut; it stays open until told otherwise.
class Puppet {
 public:
  explicit Puppet(Cut cut) : cut_(cut) {}

  void hold(Wire& wire) {
    reached.set();
    go.wait();
    if (cut_ == Cut::OriginResets) return wire.reset();
    if (is_of_origin(cut_)) return wire.close();
    // A client that closes may only have finished sending, and one whose next request is here is not read any further:
    // what cannot be sent to them tells the truth.
    if (cut_ == Cut::ClientCloses || cut_ == Cut::ClientResets) wire.send_filler(std::size_t{1} << 24U);
    wire.read_to_end();
  }

  Event reached;
  Event go;

 private:
  Cut cut_;
};

using Bring = std::function<void(Wire& client)>;
using Act = std::function<void(Wire& wire, Puppet& puppet)>;

/// One place where a session waits.
struct Place {
  std::string name;
  Bring client;  ///< what the client does to get there
  Act origin{};  ///< what the origin does; null where the request does not come to it
  std::string keys_of_listener{};
};

const std::string kGetCut = "GET /cut HTTP/1.1\r\nHost: h.example\r\n\r\n";
const std::string kUpgradeCut =
    "GET /cut HTTP/1.1\r\nHost: h.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const std::string kSwitching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
constexpr std::string_view kEndless = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
constexpr std::string_view kEndlessPut = "PUT /cut HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n";
constexpr int kStuckMilliseconds = 100;

Bring sending(std::string bytes) {
  return [bytes = std::move(bytes)](Wire& client) { client.send(bytes); };
}

Act answering_with(std::string bytes) {
  return [bytes = std::move(bytes)](Wire& wire, Puppet& puppet) {
    wire.read_request();
    wire.send(bytes);
    puppet.hold(wire);
  };
}

void PrintTo(const Place& place, std::ostream* out) {
  *out << place.name;
}

void PrintTo(Cut cut, std::ostream* out) {
  *out << name_of(cut);
}

std::vector<Place> places() {
  return {
      {"ForTheProxyHeader",
       sending("PROXY TCP4 192.0.2.1 "),
       {},
       ", trusted_proxies: [127.0.0.1], proxy_protocol: true"},
      {"ForTheFirstHead", [](Wire&) {}},
      {"ForTheRestOfTheHead", sending("GET /cut HTTP/1.1\r\nHos")},
      {"ForTheClientToTakeRefusals",
       [](Wire& client) {
         // Until neither side of the connection takes any more.
         const auto refused = repeat("GET /refused HTTP/1.1\r\nHost: h\r\n\r\n", 1000);
         while (client.writable_within(kStuckMilliseconds) && client.send_now(refused)) {
         }
       }},
      {"ForTheClientToLeaveAfterARefusal",
       [](Wire& client) {
         client.send("GET /cut HTTP/1.1\r\nHost: h\r\nbroken\r\n\r\n");
         EXPECT_EQ(client.read_answer().status(), 400U);
       }},
      {"ForTheBody", sending("PUT /cut HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello"),
       [](Wire& wire, Puppet& puppet) {
         while (wire.pending().find("hello") == std::string::npos && wire.read_more()) {
         }
         puppet.hold(wire);
       }},
      {"ForTheRestOfALongBody", sending(std::string(kEndlessPut) + "hello"),
       [](Wire& wire, Puppet& puppet) {
         while (wire.pending().find("hello") == std::string::npos && wire.read_more()) {
         }
         puppet.hold(wire);
       }},
      {"ForTheOriginToTakeTheBody",
       [](Wire& client) {
         client.send("PUT /cut HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3b9aca00\r\n");
         client.send_until_stuck(kStuckMilliseconds);
       },
       [](Wire& wire, Puppet& puppet) { puppet.hold(wire); }},
      {"ForTheOriginToTakeALongBody",
       [](Wire& client) {
         client.send(kEndlessPut);
         client.send_until_stuck(kStuckMilliseconds);
       },
       [](Wire& wire, Puppet& puppet) { puppet.hold(wire); }},
      {"ForTheAnswer", sending(kGetCut), answering_with("")},
      {"ForTheAnswerWithTheNextRequestHere", sending(kGetCut + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"),
       answering_with("")},
      {"ForTheRestOfTheAnswersHead", sending(kGetCut), answering_with("HTTP/1.1 200 OK\r\nContent-")},
      {"ForTheRestOfTheAnswersBody", sending(kGetCut),
       answering_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell")},
      {"ForTheRestOfALongAnswersBody", sending(kGetCut), answering_with(std::string(kEndless) + "hello")},
      {"ForTheClientToTakeTheAnswer", sending(kGetCut),
       [](Wire& wire, Puppet& puppet) {
         wire.read_request();
         wire.send("HTTP/1.1 200 OK\r\n\r\n");
         wire.send_until_stuck(kStuckMilliseconds);
         puppet.hold(wire);
       }},
      {"ForTheClientToTakeALongAnswer", sending(kGetCut),
       [](Wire& wire, Puppet& puppet) {
         wire.read_request();
         wire.send(kEndless);
         wire.send_until_stuck(kStuckMilliseconds);
         puppet.hold(wire);
       }},
      {"ForEitherEndOfATunnel", sending(kUpgradeCut), answering_with(kSwitching + "hello")},
      {"ForTheOriginToTakeWhatCameOverATunnel",
       [](Wire& client) {
         client.send(kUpgradeCut);
         EXPECT_EQ(client.read_answer(true).status(), 101U);
         client.send_until_stuck(kStuckMilliseconds);
       },
       answering_with(kSwitching)},
      {"ForTheClientToTakeWhatCameOverATunnel", sending(kUpgradeCut),
       [](Wire& wire, Puppet& puppet) {
         wire.read_request();
         wire.send(kSwitching);
         wire.send_until_stuck(kStuckMilliseconds);
         puppet.hold(wire);
       }},
      {"ForTheClientOfATunnelOnceTheOriginEnded",
       [](Wire& client) {
         client.send(kUpgradeCut);
         EXPECT_EQ(client.read_answer(true).status(), 101U);
         EXPECT_EQ(client.read_to_end(), "");
       },
       [](Wire& wire, Puppet& puppet) {
         wire.read_request();
         wire.send(kSwitching);
         wire.finish_sending();
         puppet.hold(wire);
       }},
      {"ForTheOriginOfATunnelOnceTheClientEnded",
       [](Wire& client) {
         client.send(kUpgradeCut);
         client.finish_sending();
       },
       [](Wire& wire, Puppet& puppet) {
         wire.read_request();
         wire.send(kSwitching);
         wire.read_to_end();
         puppet.hold(wire);
       }},
  };
}

ProxySettings settings_for(const Place& place, Cut cut) {
  const std::string time = cut == Cut::DeadlinePasses ? "600ms" : "20s";
  ProxySettings settings;
  settings.limits = "head_timeout: " + time + ", keep_alive: " + time + ", idle: " + time;
  settings.upstream = ", connect_timeout: " + time + ", response_timeout: " + time + ", idle_timeout: " + time;
  settings.routes = "routes: [{path: [/cut, /next], authenticate: none, upstream: app}]\n";
  settings.listener = place.keys_of_listener;
  return settings;
}

/// How many lines the access log has of the request that was cut. One that never was whole is only spoken of when it
/// was answered.
std::size_t records_expected(const Place& place, Cut cut) {
  if (place.origin) return 1;
  if (place.name == "ForTheRestOfTheHead") return cut == Cut::DeadlinePasses ? 1 : 0;
  return place.name == "ForTheClientToLeaveAfterARefusal" ? 1 : 0;
}

bool nothing_connected(const telemetry::WorkerCounters& counters) {
  return counters.connections_open[0] == 0 && counters.origin_connections[0].active == 0;
}

class SessionSuspended : public testing::TestWithParam<std::tuple<Place, Cut>> {
 protected:
  static void cut(Wire& client, Puppet& puppet, RunningProxy& proxy) {
    switch (std::get<Cut>(GetParam())) {
      case Cut::ClientCloses:
        client.close();
        break;
      case Cut::ClientResets:
        client.reset();
        break;
      case Cut::DeadlinePasses:
        EXPECT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 0; }));
        break;
      case Cut::WorkerAborts:
        proxy.stop_accepting();
        proxy.abort();
        EXPECT_TRUE(proxy.ends_within(seconds(10)));
        break;
      case Cut::OriginCloses:
      case Cut::OriginResets:
        break;
    }
    puppet.go.set();
    // An answer, or the end; one that is stuck has bytes before it anyway.
    if (is_of_origin(std::get<Cut>(GetParam()))) {
      EXPECT_TRUE(client.readable_within(kPatienceMilliseconds));
    }
  }

  static bool is_served(const RunningProxy& proxy, bool behind_a_balancer) {
    Wire next(proxy.port());
    next.send(std::string(behind_a_balancer ? "PROXY UNKNOWN\r\n" : "") + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    return next.read_answer().status() == 200U;
  }
};

TEST_P(SessionSuspended, IsCut) {
  const auto& [place, how] = GetParam();
  Puppet puppet(how);
  std::atomic<bool> first = true;
  ScriptedOrigin origin([&, &act = place.origin](Wire& wire) {
    if (act && first.exchange(false)) return act(wire, puppet);
    while (wire.read_request().whole && wire.send(kOk)) {
    }
  });
  RunningProxy proxy({origin.port()}, settings_for(place, how));
  Wire client(proxy.port());
  place.client(client);
  if (place.origin) {
    ASSERT_TRUE(puppet.reached.wait());
  } else {
    ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_total[0] == 1; }));
  }
  cut(client, puppet, proxy);
  client.close();
  if (how != Cut::WorkerAborts) {
    ASSERT_TRUE(proxy.counters_become(nothing_connected)) << "something stayed behind";
    const int attempts = how == Cut::DeadlinePasses ? 5 : 1;  // which are so short that this one may miss one too
    bool served = false;
    for (int i = 0; i < attempts && !served; ++i) served = is_served(proxy, !place.keys_of_listener.empty());
    EXPECT_TRUE(served);
  }
  // Refusals come faster than they can be written down.
  const auto records = proxy.stop(place.name == "ForTheClientToTakeRefusals" ? std::uint64_t{1} << 20U : 0);
  const auto others = [](const auto& record) {
    return text_of(record, "path") == "/next" || text_of(record, "path") == "/refused";
  };
  const auto of_cut = records.size() - static_cast<std::size_t>(std::count_if(records.begin(), records.end(), others));
  EXPECT_EQ(of_cut, records_expected(place, how));
}

/// Every way to cut at every place; but where the request never came to the origin there is none to be cut.
std::vector<std::tuple<Place, Cut>> cases() {
  std::vector<std::tuple<Place, Cut>> all;
  for (const Place& place : places()) {
    for (const Cut how : {Cut::ClientCloses, Cut::ClientResets, Cut::OriginCloses, Cut::OriginResets,
                          Cut::DeadlinePasses, Cut::WorkerAborts}) {
      if (place.origin || !is_of_origin(how)) all.emplace_back(place, how);
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Waiting, SessionSuspended, testing::ValuesIn(cases()), [](const auto& instance) {
  return std::get<Place>(instance.param).name + "_" + name_of(std::get<Cut>(instance.param));
});

/// While a connection to the origin is being made nobody reads from the client, and there is no origin yet.
class SessionConnecting : public testing::TestWithParam<Cut> {
 protected:
  static std::string time() {
    if (GetParam() == Cut::DeadlinePasses) return "600ms";
    return GetParam() == Cut::WorkerAborts ? "20s" : "2s";
  }
  static ProxySettings settings() { return {.upstream = ", connect_timeout: " + time()}; }

  static void cut(Wire& client, RunningProxy& proxy) {
    if (GetParam() == Cut::ClientCloses) client.close();
    if (GetParam() == Cut::ClientResets) client.reset();
    if (GetParam() == Cut::WorkerAborts) {
      proxy.stop_accepting();
      proxy.abort();
      ASSERT_TRUE(proxy.ends_within(seconds(5)));
    }
    if (GetParam() == Cut::DeadlinePasses) {
      EXPECT_EQ(client.read_answer().status(), 504U);
      client.close();
    }
    EXPECT_TRUE(proxy.ends_within(milliseconds(0)) || proxy.counters_become(nothing_connected));
  }
};

TEST_P(SessionConnecting, IsCutAtTheFirstConnection) {
  FullListener full;
  full.fill();
  RunningProxy proxy({full.port()}, settings());
  Wire client(proxy.port());
  client.send(kGetCut);
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 1; }));
  cut(client, proxy);
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST_P(SessionConnecting, IsCutWhenARequestIsSentOnceMore) {
  FullListener full;
  RunningProxy proxy({full.port()}, settings());
  Event gone;
  std::thread serving([&] {
    Wire wire(full.accept());
    wire.read_request();
    wire.send(kOk);
    wire.read_request();
    full.fill();
    wire.reset();
    gone.set();
  });
  Wire client(proxy.port());
  client.send(kGetCut);
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.send(kGetCut);
  ASSERT_TRUE(gone.wait());
  // The old connection is gone and the new one being made.
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) {
    return counters.origin_connections[0].active == 1 && counters.origin_connections[0].idle == 0;
  }));
  cut(client, proxy);
  serving.join();
  EXPECT_EQ(proxy.stop().size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Cut, SessionConnecting,
                         testing::Values(Cut::ClientCloses, Cut::ClientResets, Cut::DeadlinePasses, Cut::WorkerAborts),
                         [](const auto& instance) { return name_of(instance.param); });

}  // namespace
}  // namespace sidegate::proxy
