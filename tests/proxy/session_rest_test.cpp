#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

#include "running_proxy.hpp"
#include "scripts.hpp"

/// What becomes of a connection that nobody uses for a while: it waits without its buffer. How many buffers there are
/// is seen by a limit on memory: with these limits there is room for four, and whoever connects must find room for two.
namespace sidegate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kFourBuffers = "memory: 1MiB, head: 240KiB";

unsigned get(Wire& client) {
  client.send(kGet);
  return client.read_answer().status();
}

/// Connects again and again until somebody is let in, as is to be expected once another one rests; and the answer.
std::optional<Wire> connect_at_last(std::uint16_t port) {
  const auto deadline = steady_clock::now() + milliseconds(kPatienceMilliseconds);
  while (steady_clock::now() < deadline) {
    Wire client(port);
    if (get(client) == 200) return client;
    std::this_thread::sleep_for(milliseconds(50));
  }
  return std::nullopt;
}

/// Ends its own requests only when told, so that their buffers stay in use.
class HoldingOrigin {
 public:
  std::uint16_t port() const { return origin_.port(); }
  void release() { go_.set(); }

 private:
  Event go_;
  ScriptedOrigin origin_{[this](Wire& wire) {
    while (true) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      if (request.start.starts_with("GET /held")) go_.wait();
      wire.send(kOk);
    }
  }};
};

constexpr std::string_view kHeld = "GET /held HTTP/1.1\r\nHost: h.example\r\n\r\n";

TEST(SessionRest, AnIdleConnectionGivesItsBufferToOthersAndIsServedStill) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = std::string(kFourBuffers)});
  Wire fresh(proxy.port());  // never says anything until it rests
  Wire used(proxy.port());
  ASSERT_EQ(get(used), 200U);
  // Two buffers of these and one of the origin's connection leave too little for a third, until they rest.
  auto third = connect_at_last(proxy.port());
  ASSERT_TRUE(third);
  EXPECT_EQ(get(used), 200U);
  EXPECT_EQ(get(fresh), 200U);
  EXPECT_EQ(get(*third), 200U);
}

TEST(SessionRest, TheFirstBytesMayBeAnyPartOfARequest) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  for (const std::size_t cut : {std::size_t{1}, kGet.size() / 2, kGet.size()}) {
    std::this_thread::sleep_for(milliseconds(1200));
    client.send(kGet.substr(0, cut));
    std::this_thread::sleep_for(milliseconds(20));
    client.send(std::string(kGet.substr(cut)) + std::string(kGet));
    EXPECT_EQ(client.read_answer().status(), 200U) << cut;
    EXPECT_EQ(client.read_answer().status(), 200U) << "the one behind it, " << cut;
  }
}

TEST(SessionRest, EndsWithTheClientOrItsTime) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.limits = "keep_alive: 2s"});
  Wire leaving(proxy.port());
  Wire staying(proxy.port());
  Wire resetting(proxy.port());
  ASSERT_EQ(get(leaving), 200U);
  const auto begin = steady_clock::now();
  ASSERT_EQ(get(staying), 200U);
  ASSERT_EQ(get(resetting), 200U);
  std::this_thread::sleep_for(milliseconds(1200));
  leaving.close();
  resetting.reset();
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] <= 1; }));
  EXPECT_EQ(staying.read_to_end(), "");
  EXPECT_GE(steady_clock::now() - begin, milliseconds(1990));
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 0; }));
}

TEST(SessionRest, WhoWakesWhileOthersHaveTheMemoryIsClosed) {
  HoldingOrigin origin;
  RunningProxy proxy({origin.port()}, {.limits = std::string(kFourBuffers)});
  Wire resting(proxy.port());
  ASSERT_EQ(get(resting), 200U);
  Wire second(proxy.port());
  ASSERT_EQ(get(second), 200U);
  auto third = connect_at_last(proxy.port());
  ASSERT_TRUE(third);
  // Each with a buffer of its own and one for the origin: all four.
  second.send(kHeld);
  third->send(kHeld);
  ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 2; }));
  resting.send(kGet);
  EXPECT_EQ(resting.read_to_end(), "");
  EXPECT_NE(resting.end(), End::Open);
  origin.release();
  EXPECT_EQ(second.read_answer().status(), 200U);
  EXPECT_EQ(third->read_answer().status(), 200U);
}

TEST(SessionRest, GoesOnByTheNextConfiguration) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  ScriptedOrigin next(answering("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  ASSERT_EQ(get(client), 200U);
  std::this_thread::sleep_for(milliseconds(1200));
  proxy.apply({next.port()}, {.limits = "head: 32KiB"});
  EXPECT_EQ(get(client), 201U);
}

TEST(SessionRest, IsEndedByADrain) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  ASSERT_EQ(get(client), 200U);
  std::this_thread::sleep_for(milliseconds(1200));
  proxy.stop_accepting();
  EXPECT_TRUE(proxy.ends_within(milliseconds(5000)));
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.end(), End::Closed);
}

TEST(SessionRest, NobodyRestsBeforeItsProxyHeader) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, {.listener = ", proxy_protocol: true, trusted_proxies: [127.0.0.1]"});
  Wire client(proxy.port());
  std::this_thread::sleep_for(milliseconds(1200));
  client.send("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + std::string(kGet));
  EXPECT_EQ(client.read_answer().status(), 200U);
}

}  // namespace
}  // namespace sidegate::proxy
