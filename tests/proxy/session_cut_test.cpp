#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "running_proxy.hpp"
#include "scripts.hpp"

/// The twin of every script: the same exchange again and again, cut after each of its bytes in turn. Nothing may crash
/// or stay behind, the next connection works, and every request whose head came whole is recorded exactly once.
namespace sidegate::proxy {
namespace {

const std::string kHead =
    "PUT /path?query=1 HTTP/1.1\r\nHost: h.example\r\nX-Own: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kRequest = kHead + chunk("hello") + chunk(" you") + "0\r\nX-Sum: 1\r\n\r\n";

const std::string kAnswerHead = "HTTP/1.1 200 OK\r\nX-Own: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kInterim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
const std::string kAnswer = kInterim + kAnswerHead + chunk("hello") + chunk(" you") + "0\r\nX-Sum: 1\r\n\r\n";

enum class How { Close, Reset };

class CutAtEachStep : public testing::TestWithParam<How> {
 protected:
  static void cut(Wire& wire) { GetParam() == How::Close ? wire.close() : wire.reset(); }

  /// The next connection is served as ever.
  static void expect_service(const RunningProxy& proxy, std::size_t step) {
    Wire client(proxy.port());
    client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), 200U) << step;
    EXPECT_TRUE(answer.whole) << step;
  }

  static std::size_t count(const std::vector<boost::json::object>& records, std::string_view path) {
    const auto is_it = [&](const auto& record) { return text_of(record, "path") == path; };
    return static_cast<std::size_t>(std::count_if(records.begin(), records.end(), is_it));
  }
};

TEST_P(CutAtEachStep, TheClientOfItsRequest) {
  ScriptedOrigin origin(echoing());
  RunningProxy proxy({origin.port()}, {.workers = 2});
  for (std::size_t step = 0; step <= kRequest.size(); ++step) {
    Wire client(proxy.port());
    client.send(std::string_view(kRequest).substr(0, step));
    cut(client);
    expect_service(proxy, step);
  }
  // What was reset may never have been read.
  const auto records = proxy.stop();
  const auto whole_heads = kRequest.size() - kHead.size() + 1;
  if (GetParam() == How::Close) {
    EXPECT_EQ(count(records, "/path"), whole_heads);
  } else {
    EXPECT_LE(count(records, "/path"), whole_heads);
  }
  EXPECT_EQ(count(records, "/next"), kRequest.size() + 1);
}

TEST_P(CutAtEachStep, TheClientOfItsRequestOnceTheOriginHasIt) {
  ScriptedOrigin origin(echoing());
  RunningProxy proxy({origin.port()});
  for (std::size_t step = kHead.size(); step < kRequest.size(); ++step) {
    Wire client(proxy.port());
    client.send(std::string_view(kRequest).substr(0, step));
    ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 1; }));
    cut(client);
    ASSERT_TRUE(proxy.counters_become([](const auto& counters) { return counters.origin_connections[0].active == 0; }));
  }
  const auto records = proxy.stop();
  EXPECT_EQ(count(records, "/path"), kRequest.size() - kHead.size());
  for (const auto& record : records) EXPECT_EQ(text_of(record, "reason"), "client_gone");
}

TEST_P(CutAtEachStep, TheClientOfTheAnswer) {
  ScriptedOrigin origin(answering(kAnswer));
  RunningProxy proxy({origin.port()}, {.workers = 2});
  for (std::size_t step = 0; step <= kAnswer.size(); ++step) {
    Wire client(proxy.port());
    client.send(kRequest);
    client.read(step);
    cut(client);
    Wire next(proxy.port());
    next.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(next.read_answer(true).status(), 103U) << step;
    EXPECT_EQ(next.read_answer().body, "hello you") << step;
  }
  const auto records = proxy.stop();
  EXPECT_LE(count(records, "/path"), kAnswer.size() + 1);
  EXPECT_GE(count(records, "/path"), kAnswer.size());  // the first one may have been reset unread
  EXPECT_EQ(count(records, "/next"), kAnswer.size() + 1);
}

/// Cuts the answer after so many bytes; `/next` is always answered.
class CuttingOrigin {
 public:
  explicit CuttingOrigin(How how, bool first_is_whole) : how_(how), first_is_whole_(first_is_whole) {}

  std::atomic<std::size_t> step = 0;
  ScriptedOrigin origin{[this](Wire& wire) { serve(wire); }};

 private:
  void serve(Wire& wire) {
    for (bool first = true;; first = false) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      const bool is_whole = request.start.starts_with("GET /next") || (first && first_is_whole_);
      if (is_whole) {
        if (!wire.send(kOk)) return;
        continue;
      }
      wire.send(std::string_view(kAnswer).substr(0, step));
      return how_ == How::Close ? wire.close() : wire.reset();
    }
  }

  How how_;
  bool first_is_whole_;
};

/// Reads past the interim answer, if it comes.
Message read_final(Wire& wire) {
  Message answer = wire.read_answer(true);
  if (answer.status() == 103) answer = wire.read_answer(true);
  return answer;
}

TEST_P(CutAtEachStep, TheOriginOfItsAnswer) {
  CuttingOrigin cutting(GetParam(), false);
  RunningProxy proxy({cutting.origin.port()}, {.workers = 2});
  const auto head_end = kInterim.size() + kAnswerHead.size();
  for (std::size_t step = 0; step <= kAnswer.size(); ++step) {
    cutting.step = step;
    Wire client(proxy.port());
    client.send(kRequest);
    client.finish_sending();
    const Message answer = read_final(client);
    const auto rest = client.read_to_end();
    // What came just before a reset may be lost on its way.
    const bool is_exact = GetParam() == How::Close;
    if (is_exact) {
      EXPECT_EQ(answer.status(), step < head_end ? 502U : 200U) << step;
    }
    if (answer.status() == 200) {
      const bool whole = rest.ends_with("\r\n\r\n");
      if (is_exact) {
        EXPECT_EQ(whole, step == kAnswer.size()) << step;
      }
      EXPECT_EQ(client.end(), whole ? End::Closed : End::Reset) << step;
    } else {
      EXPECT_EQ(rest, R"({"error":"Bad gateway"})") << step;
    }
    expect_service(proxy, step);
  }
  const auto records = proxy.stop();
  EXPECT_EQ(count(records, "/path"), kAnswer.size() + 1);
  EXPECT_EQ(count(records, "/next"), kAnswer.size() + 1);
}

TEST_P(CutAtEachStep, TheOriginOfItsAnswerOnAConnectionUsedBefore) {
  CuttingOrigin cutting(GetParam(), true);
  RunningProxy proxy({cutting.origin.port()});
  for (std::size_t step = 0; step <= kAnswer.size(); ++step) {
    cutting.step = step;
    Wire client(proxy.port());
    client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_answer().status(), 200U);
    client.send("GET /path HTTP/1.1\r\nHost: h\r\n\r\n");
    const Message answer = read_final(client);
    // Nothing of an answer: it is sent once more, on a new connection.
    if (step == 0) {
      EXPECT_EQ(answer.status(), 200U);
    }
    if (GetParam() == How::Close && step > 0) {
      EXPECT_EQ(answer.status(), step < kInterim.size() + kAnswerHead.size() ? 502U : 200U) << step;
    }
    client.close();
    expect_service(proxy, step);
  }
  const auto records = proxy.stop();
  EXPECT_EQ(count(records, "/path"), kAnswer.size() + 1);
  EXPECT_EQ(count(records, "/next"), 2 * (kAnswer.size() + 1));
}

TEST_P(CutAtEachStep, TheOriginOfTheRequest) {
  std::atomic<std::size_t> step = 0;
  ScriptedOrigin origin([&](Wire& wire) {
    const auto begin = wire.read(5);
    if (begin.starts_with("GET")) {
      wire.read_request();
      wire.send(kOk);
      return;
    }
    if (step > begin.size()) wire.read(step - begin.size());
    cut(wire);
  });
  RunningProxy proxy({origin.port()}, {.workers = 2});
  for (; step <= kRequest.size(); ++step) {
    Wire client(proxy.port());
    client.send(kRequest);
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), 502U) << step;
    EXPECT_TRUE(answer.whole) << step;
    client.close();
    expect_service(proxy, step);
  }
  const auto records = proxy.stop();
  EXPECT_EQ(count(records, "/path"), kRequest.size() + 1);
  EXPECT_EQ(count(records, "/next"), kRequest.size() + 1);
}

INSTANTIATE_TEST_SUITE_P(Cut, CutAtEachStep, testing::Values(How::Close, How::Reset),
                         [](const auto& instance) { return instance.param == How::Close ? "Close" : "Reset"; });

TEST(SplitAtEachStep, TheRequestIsTheSame) {
  ScriptedOrigin origin(echoing());
  RunningProxy proxy({origin.port()});
  for (std::size_t step = 1; step < kRequest.size(); ++step) {
    Wire client(proxy.port());
    client.send(std::string_view(kRequest).substr(0, step));
    // The worker has seen the first piece once it answers another connection.
    Wire other(proxy.port());
    other.send(kGet);
    ASSERT_EQ(other.read_answer().status(), 200U);
    client.send(std::string_view(kRequest).substr(step));
    const Message answer = client.read_answer();
    EXPECT_EQ(answer.status(), 200U) << step;
    EXPECT_EQ(answer.body, "hello you") << step;
    EXPECT_EQ(answer.field("Connection"), "") << step;
  }
  EXPECT_EQ(proxy.stop().size(), 2 * (kRequest.size() - 1));
}

}  // namespace
}  // namespace sidegate::proxy
