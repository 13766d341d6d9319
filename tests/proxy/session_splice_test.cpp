#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "no_descriptors.hpp"
#include "running_proxy.hpp"
#include "scripts.hpp"

/// Bodies that go through a pipe, both ways: they must look as any other to both sides.
namespace sidegate::proxy {
namespace {

/// What is still to come of a body when it goes through a pipe.
constexpr std::size_t kBulkBytesMin = std::size_t{8} * 1024;
constexpr std::size_t kLongBytes = std::size_t{5} * 1024 * 1024;
constexpr int kStuckMilliseconds = 100;

std::string answer_head(std::size_t length) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string put_head(std::size_t length) {
  return "PUT /x HTTP/1.1\r\nHost: h.example\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

/// The ends of pipes that this process has open.
std::size_t pipe_ends() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with("pipe:")) ++count;
  }
  return count;
}

/// The only request that was served.
boost::json::object only_record(RunningProxy& proxy) {
  const auto records = proxy.stop();
  EXPECT_EQ(records.size(), 1U);
  return records.empty() ? boost::json::object() : records.front();
}

/// Sends the answer's head once a request has come, and its body once the head has passed the proxy.
ScriptedOrigin::Script sending_body_later(const std::string& body, Event& head_passed) {
  return [&](Wire& wire) {
    wire.read_request();
    wire.send(answer_head(body.size()));
    head_passed.wait();
    wire.send(body);
    while (wire.read_request().whole && wire.send(kOk)) {
    }
  };
}

/// Waits for an answer's head and keeps the rest.
void read_head(Wire& wire) {
  while (wire.pending().find("\r\n\r\n") == std::string::npos && wire.read_more()) {
  }
}

class LongBodies : public testing::Test {
 protected:
  const std::size_t pipe_ends_before_ = pipe_ends();
};

using LongAnswer = LongBodies;
using LongRequest = LongBodies;

TEST_F(LongAnswer, ComesWholeAndTheConnectionGoesOn) {
  for (const auto size :
       {kBulkBytesMin - 1, kBulkBytesMin, kBulkBytesMin + 1, std::size_t{64} * 1024, kLongBytes, kLongBytes + 1}) {
    const auto body = numbered_bytes(size);
    Event head_passed;
    ScriptedOrigin origin(sending_body_later(body, head_passed));
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(kGet);
    read_head(client);
    head_passed.set();
    client.send(kGet);
    const Message answer = client.read_answer();
    EXPECT_TRUE(answer.body == body) << size;
    EXPECT_EQ(client.read_answer().body, "ok") << size;
    EXPECT_EQ(pipe_ends() - pipe_ends_before_, size < kBulkBytesMin ? 0U : 2U) << size;
    client.close();
    const auto records = proxy.stop();
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(text_of(records[0], "bytes_out"), std::to_string(answer.head.size() + size));
    EXPECT_EQ(text_of(records[0], "reason"), "");
    EXPECT_EQ(origin.connections(), 1U);
    EXPECT_EQ(pipe_ends(), pipe_ends_before_);
  }
}

TEST_F(LongAnswer, ComesWholeInAnyPieces) {
  const auto body = numbered_bytes(200'000);
  for (const std::size_t piece : {1'000U, 20'000U, 70'000U, 200'000U}) {
    ScriptedOrigin origin([&](Wire& wire) {
      wire.read_request();
      const auto answer = answer_head(body.size()) + body;
      for (std::size_t at = 0; at < answer.size(); at += piece) wire.send(std::string_view(answer).substr(at, piece));
      wire.read_to_end();
    });
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(kGet);
    EXPECT_TRUE(client.read_answer().body == body) << piece;
  }
}

TEST_F(LongAnswer, WaitsForAClientThatReadsLate) {
  const auto body = numbered_bytes(4 * kLongBytes);
  Event stuck;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send(answer_head(body.size()));
    std::string_view rest = body;
    while (rest.size() > kBulkBytesMin && wire.writable_within(kStuckMilliseconds)) {
      wire.send(rest.substr(0, kBulkBytesMin));
      rest.remove_prefix(kBulkBytesMin);
    }
    stuck.set();
    wire.send(rest);
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port(), 16 * 1024);
  client.send(kGet);
  ASSERT_TRUE(stuck.wait());
  EXPECT_TRUE(client.read_answer().body == body);
}

TEST_F(LongAnswer, BehindItsEndNothingIsPassedOn) {
  const auto body = numbered_bytes(kLongBytes);
  ScriptedOrigin origin([&](Wire& wire) {
    if (!wire.read_request().whole) return;
    wire.send(answer_head(body.size()) + body + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    EXPECT_TRUE(client.read_answer().body == body);
    EXPECT_EQ(client.pending(), "");
  }
  EXPECT_EQ(origin.connections(), 3U);
}

TEST_F(LongAnswer, ThatBreaksOffEndsInAReset) {
  for (const bool reset : {false, true}) {
    ScriptedOrigin origin([&](Wire& wire) {
      wire.read_request();
      wire.send(answer_head(kLongBytes));
      wire.send_filler(kLongBytes - 1);
      if (reset) wire.reset();
    });
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(kGet);
    const Message answer = client.read_answer();
    EXPECT_FALSE(answer.whole);
    EXPECT_EQ(answer.end, End::Reset);
    const auto record = only_record(proxy);
    EXPECT_EQ(text_of(record, "status"), "200");
    EXPECT_EQ(text_of(record, "reason"), "origin_broken");
  }
}

TEST_F(LongAnswer, EndsWithAClientThatLeaves) {
  for (const bool reset : {false, true}) {
    Event ended;
    ScriptedOrigin origin([&](Wire& wire) {
      wire.read_request();
      wire.send(answer_head(std::size_t{1} << 40U));
      while (wire.send_filler(kBulkBytesMin)) {
      }
      ended.set();
    });
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(kGet);
    EXPECT_EQ(client.read(kLongBytes).size(), kLongBytes);
    reset ? client.reset() : client.close();
    EXPECT_TRUE(ended.wait());
    EXPECT_EQ(text_of(only_record(proxy), "reason"), "client_gone");
    EXPECT_EQ(pipe_ends(), pipe_ends_before_) << "what was left in the pipe goes with it";
  }
}

TEST_F(LongAnswer, EndsWhereTheOriginPausesTooLong) {
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send(answer_head(kLongBytes));
    wire.send_filler(kLongBytes / 2);
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 200ms"});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_EQ(client.read_answer().end, End::Reset);
  EXPECT_EQ(text_of(only_record(proxy), "reason"), "origin_timeout");
}

// A pipe does not step over it, though the socket says that there is something.
TEST_F(LongAnswer, GoesOnBehindAnUrgentByteOrEndsInTime) {
  const auto body = numbered_bytes(kLongBytes);
  Event head_passed;
  std::atomic<bool> goes_on = true;
  ScriptedOrigin origin([&](Wire& wire) {
    while (wire.read_request().whole) {
      wire.send(answer_head(body.size()));
      head_passed.wait();
      wire.send(std::string_view(body).substr(0, kLongBytes / 2));
      wire.send_urgent();
      wire.send(std::string_view(body).substr(kLongBytes / 2, 1000));
      if (goes_on) wire.send(std::string_view(body).substr(kLongBytes / 2 + 1000));
    }
  });
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 2s"});
  Wire client(proxy.port());
  client.send(kGet);
  read_head(client);
  head_passed.set();
  EXPECT_TRUE(client.read_answer().body == body);
  goes_on = false;
  client.send(kGet);
  EXPECT_EQ(client.read_answer().end, End::Reset);
}

TEST_F(LongAnswer, EndsWhereTheClientPausesTooLong) {
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send(answer_head(std::size_t{1} << 30U));
    while (wire.send_filler(kBulkBytesMin)) {
    }
  });
  RunningProxy proxy({origin.port()}, {.limits = "idle: 200ms"});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_TRUE(client.wait_for_end());
  EXPECT_EQ(text_of(only_record(proxy), "reason"), "client_timeout");
}

TEST_F(LongAnswer, MayTakeAsLongAsItLikesWhileItComes) {
  constexpr int kPieces = 12;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    wire.send(answer_head(kPieces * kBulkBytesMin));
    for (int i = 0; i < kPieces; ++i) {
      wire.send_filler(kBulkBytesMin);
      wire.readable_within(200);
    }
  });
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 2s", .limits = "idle: 2s"});
  Wire client(proxy.port());
  client.send(kGet);
  EXPECT_TRUE(client.read_answer().whole);
}

TEST_F(LongAnswer, ComesWholeWhileTheProxyDrains) {
  const auto body = numbered_bytes(kLongBytes);
  Event draining;
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read_request();
    const std::string_view all = body;
    wire.send(answer_head(body.size()));
    wire.send(all.substr(0, kLongBytes / 2));
    draining.wait();
    wire.send(all.substr(kLongBytes / 2));
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(kGet);
  read_head(client);
  proxy.begin_drain();
  proxy.stop_accepting();
  draining.set();
  EXPECT_TRUE(client.read_answer().body == body);
  client.close();
  EXPECT_TRUE(proxy.ends_within(std::chrono::milliseconds(kPatienceMilliseconds)));
}

TEST_F(LongAnswer, GoesTheOrdinaryWayWhereThereIsNoPipe) {
  const auto body = numbered_bytes(kLongBytes);
  ScriptedOrigin origin([&](Wire& wire) {
    for (Message request = wire.read_request(); request.whole; request = wire.read_request()) {
      wire.send(request.start.starts_with("GET /long") ? answer_head(body.size()) + body : std::string(kOk));
    }
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  // The connection to the origin stays open for the next.
  client.send(kGet);
  EXPECT_EQ(client.read_answer().body, "ok");
  Message answer;
  {
    const support::NoDescriptors none;
    client.send("GET /long HTTP/1.1\r\nHost: h\r\n\r\n");
    answer = client.read_answer();
  }
  EXPECT_TRUE(answer.body == body);
  EXPECT_EQ(pipe_ends(), pipe_ends_before_);
  client.send(kGet);
  EXPECT_EQ(client.read_answer().body, "ok");
}

/// Answers every request, and tells whether one of them had the body.
ScriptedOrigin::Script expecting(const std::string& body, std::atomic<bool>& intact) {
  return [&](Wire& wire) {
    while (true) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      if (request.body == body) intact = true;
      if (!wire.send(kOk)) return;
    }
  };
}

TEST_F(LongRequest, GoesWholeAndTheConnectionGoesOn) {
  for (const auto size :
       {kBulkBytesMin - 1, kBulkBytesMin, kBulkBytesMin + 1, std::size_t{64} * 1024, kLongBytes, kLongBytes + 1}) {
    const auto body = numbered_bytes(size);
    std::atomic<bool> intact = false;
    ScriptedOrigin origin(expecting(body, intact));
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(put_head(size));
    // The head alone is on its way.
    ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 1; }));
    client.send(body + std::string(kGet));
    EXPECT_EQ(client.read_answer().body, "ok") << size;
    EXPECT_EQ(client.read_answer().body, "ok") << size;
    EXPECT_TRUE(intact) << size;
    EXPECT_EQ(pipe_ends() - pipe_ends_before_, size < kBulkBytesMin ? 0U : 2U) << size;
    client.close();
    const auto records = proxy.stop();
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(text_of(records[0], "bytes_in"), std::to_string(put_head(size).size() + size));
    EXPECT_EQ(text_of(records[1], "bytes_in"), std::to_string(kGet.size()));
    EXPECT_EQ(origin.connections(), 1U);
  }
}

TEST_F(LongRequest, GoesWholeInAnyPieces) {
  const auto body = numbered_bytes(200'000);
  for (const std::size_t piece : {1'000U, 20'000U, 70'000U, 200'000U}) {
    std::atomic<bool> intact = false;
    ScriptedOrigin origin(expecting(body, intact));
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    const auto request = put_head(body.size()) + body;
    for (std::size_t at = 0; at < request.size(); at += piece) client.send(std::string_view(request).substr(at, piece));
    EXPECT_EQ(client.read_answer().body, "ok");
    EXPECT_TRUE(intact) << piece;
  }
}

TEST_F(LongRequest, WaitsForAnOriginThatReadsLate) {
  const auto body = numbered_bytes(4 * kLongBytes);
  Event stuck;
  std::atomic<bool> intact = false;
  ScriptedOrigin origin(
      [&](Wire& wire) {
        stuck.wait();
        intact = wire.read_request().body == body;
        wire.send(kOk);
      },
      ScriptedOrigin::Takes::Little);
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(put_head(body.size()));
  std::string_view rest = body;
  while (rest.size() > kBulkBytesMin && client.writable_within(kStuckMilliseconds)) {
    client.send(rest.substr(0, kBulkBytesMin));
    rest.remove_prefix(kBulkBytesMin);
  }
  stuck.set();
  client.send(rest);
  EXPECT_EQ(client.read_answer().body, "ok");
  EXPECT_TRUE(intact);
}

TEST_F(LongRequest, GoesTheOrdinaryWayWhereThereIsNoPipe) {
  const auto body = numbered_bytes(kLongBytes);
  std::atomic<bool> intact = false;
  ScriptedOrigin origin(expecting(body, intact));
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  // The connection to the origin stays open for the next.
  client.send(put_head(0));
  EXPECT_EQ(client.read_answer().body, "ok");
  Message answer;
  {
    const support::NoDescriptors none;
    client.send(put_head(body.size()) + body);
    answer = client.read_answer();
  }
  EXPECT_EQ(answer.body, "ok");
  EXPECT_TRUE(intact);
  EXPECT_EQ(pipe_ends(), pipe_ends_before_);
}

TEST_F(LongRequest, GoesOnThoughItsAnswerIsThere) {
  const auto body = numbered_bytes(kLongBytes);
  Event intact;
  ScriptedOrigin origin([&](Wire& wire) {
    read_head(wire);
    wire.send(kOk);
    if (wire.read_request().body == body) intact.set();
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(put_head(body.size()));
  const Message answer = client.read_answer();
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(answer.field("Connection"), "close");
  client.send(body);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(intact.wait());
  client.close();
  EXPECT_EQ(text_of(only_record(proxy), "reason"), "");
}

TEST_F(LongRequest, ThatBreaksOffIsNoWholeOneForTheOrigin) {
  for (const bool reset : {false, true}) {
    Event ended;
    ScriptedOrigin origin([&](Wire& wire) {
      EXPECT_FALSE(wire.read_request().whole);
      ended.set();
    });
    RunningProxy proxy({origin.port()});
    Wire client(proxy.port());
    client.send(put_head(kLongBytes));
    client.send_filler(kLongBytes - 1);
    reset ? client.reset() : client.close();
    EXPECT_TRUE(ended.wait());
    EXPECT_EQ(text_of(only_record(proxy), "reason"), "client_gone");
    EXPECT_EQ(pipe_ends(), pipe_ends_before_);
  }
}

TEST_F(LongRequest, ToAnOriginThatClosesIs502) {
  ScriptedOrigin origin([&](Wire& wire) {
    wire.read(kLongBytes / 2);
    wire.reset();
  });
  RunningProxy proxy({origin.port()});
  Wire client(proxy.port());
  client.send(put_head(kLongBytes));
  client.send_filler(kLongBytes / 2 + kBulkBytesMin);
  EXPECT_EQ(client.read_answer().status(), 502U);
  client.close();
  EXPECT_EQ(text_of(only_record(proxy), "reason"), "origin_broken");
}

TEST_F(LongRequest, ThatPausesTooLongIs408) {
  ScriptedOrigin origin([](Wire& wire) { wire.read_request(); });
  RunningProxy proxy({origin.port()}, {.limits = "idle: 200ms"});
  Wire client(proxy.port());
  client.send(put_head(kLongBytes));
  client.send_filler(kLongBytes / 2);
  EXPECT_EQ(client.read_answer().status(), 408U);
  client.close();
  EXPECT_EQ(text_of(only_record(proxy), "reason"), "client_timeout");
}

TEST_F(LongRequest, GoesOnBehindAnUrgentByteOrEndsInTime) {
  const auto body = numbered_bytes(kLongBytes);
  std::atomic<bool> intact = false;
  ScriptedOrigin origin(expecting(body, intact));
  RunningProxy proxy({origin.port()}, {.limits = "idle: 2s"});
  Wire client(proxy.port());
  const auto send_half = [&] {
    client.send(put_head(body.size()) + body.substr(0, kLongBytes / 2));
    client.send_urgent();
    client.send(std::string_view(body).substr(kLongBytes / 2, 1000));
  };
  send_half();
  client.send(std::string_view(body).substr(kLongBytes / 2 + 1000));
  EXPECT_EQ(client.read_answer().status(), 200U);
  EXPECT_TRUE(intact);
  send_half();
  EXPECT_EQ(client.read_answer().status(), 408U);
}

TEST_F(LongRequest, ThatTheOriginDoesNotTakeIs504) {
  Event answered;
  ScriptedOrigin origin([&](Wire&) { answered.wait(); }, ScriptedOrigin::Takes::Little);
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 300ms"});
  Wire client(proxy.port());
  client.send(put_head(std::size_t{1} << 30U));
  client.send_until_stuck(kStuckMilliseconds);
  EXPECT_EQ(client.read_answer().status(), 504U);
  answered.set();
  client.close();
  EXPECT_EQ(text_of(only_record(proxy), "reason"), "origin_timeout");
}

TEST_F(LongRequest, MayTakeAsLongAsItLikesWhileItComes) {
  constexpr std::size_t kPieces = 12;
  const auto body = numbered_bytes(kPieces * kBulkBytesMin);
  std::atomic<bool> intact = false;
  ScriptedOrigin origin(expecting(body, intact));
  RunningProxy proxy({origin.port()}, {.upstream = ", idle_timeout: 2s", .limits = "idle: 2s"});
  Wire client(proxy.port());
  client.send(put_head(body.size()));
  for (std::size_t i = 0; i < kPieces; ++i) {
    client.send(std::string_view(body).substr(i * kBulkBytesMin, kBulkBytesMin));
    client.readable_within(200);
  }
  EXPECT_EQ(client.read_answer().body, "ok");
  EXPECT_TRUE(intact);
}

}  // namespace
}  // namespace sidegate::proxy
