#include <sidegate/token/issuer_keys.hpp>
#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "running_proxy.hpp"
#include "scripts.hpp"

/// A request whose token needs a key that is not known waits until its issuer was asked.
namespace sidegate::proxy {
namespace {

using std::chrono::hours;
using std::chrono::steady_clock;

// A pair for tests only.
constexpr std::string_view kKey =
    R"({"kty":"EC","crv":"P-256","kid":"new","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";

std::string request_with_token() {
  const auto key = token::read_signing_keys(kKey)->front();
  const boost::json::object claims{{"iss", "https://issuer"}, {"aud", "app"}, {"sub", "42"}, {"exp", 4'000'000'000}};
  return "GET /x HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer " +
         *token::sign_jwt(claims, token::Algorithm::ES256, key, "new") + "\r\n\r\n";
}

/// An issuer that answers when it is told to.
class Issuer {
 public:
  SharedState::AskIssuer ask() {
    return [this](const std::shared_ptr<token::IssuerKeys>& keys, std::function<void()> done) {
      const std::lock_guard lock(mutex_);
      keys->note_asked(steady_clock::now() + hours(1));
      waiting_.emplace_back(keys, std::move(done));
    };
  }

  bool is_asked(std::size_t times = 1) const {
    const auto deadline = steady_clock::now() + std::chrono::milliseconds(kPatienceMilliseconds);
    while (steady_clock::now() < deadline) {
      {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= times) return true;
      }
      std::this_thread::yield();
    }
    return false;
  }

  void publish() {
    const auto keys = token::read_key_file(kKey)->keys;
    answer([&](token::IssuerKeys& box) { box.publish(keys, steady_clock::now()); });
  }
  void fail() {
    answer([](token::IssuerKeys& box) { box.note_failure("it is down"); });
  }
  /// Of several that are asked only the one that was asked first answers.
  void publish_at_first() {
    std::function<void()> done;
    {
      const std::lock_guard lock(mutex_);
      waiting_.front().first->publish(token::read_key_file(kKey)->keys, steady_clock::now());
      done = std::move(waiting_.front().second);
      waiting_.erase(waiting_.begin());
    }
    done();
  }
  void answer(const std::function<void(token::IssuerKeys&)>& note) {
    Waiting waiting;
    {
      const std::lock_guard lock(mutex_);
      waiting.swap(waiting_);
      for (const auto& [keys, done] : waiting) note(*keys);
    }
    for (const auto& [keys, done] : waiting) done();
  }

  token::IssuerBoard board;

 private:
  using Waiting = std::vector<std::pair<std::shared_ptr<token::IssuerKeys>, std::function<void()>>>;

  mutable std::mutex mutex_;
  Waiting waiting_;
};

class SessionKeys : public testing::Test {
 protected:
  ProxySettings settings() {
    return {.authenticator =
                "keys: [{jwks_url: \"https://issuer/jwks\"}], algorithms: [ES256], "
                "issuer: \"https://issuer\", audience: app",
            .issuers = &issuer_.board,
            .ask_issuer = issuer_.ask(),
            .routes = "routes: [{path: /**, authenticate: [staff], upstream: app}]\n"};
  }

  Issuer issuer_;
  ScriptedOrigin origin_{answering(std::string(kOk))};
};

TEST_F(SessionKeys, ARequestWaitsForTheKeysAndIsServed) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(request_with_token()));
  ASSERT_TRUE(issuer_.is_asked());
  issuer_.publish();
  EXPECT_EQ(client.read_answer().status(), 200U);
  ASSERT_TRUE(client.send(request_with_token()));
  EXPECT_EQ(client.read_answer().status(), 200U) << "and nobody is asked again";
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "auth_outcome"), "accepted");
}

TEST_F(SessionKeys, OneThatNobodyCanTellAboutIsUnavailable) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(request_with_token()));
  ASSERT_TRUE(issuer_.is_asked());
  issuer_.fail();
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status(), 503U);
  EXPECT_EQ(answer.field("Retry-After"), "1");
  EXPECT_EQ(answer.body, R"({"error":"Auth service unavailable"})");
  ASSERT_TRUE(client.send(request_with_token()));
  EXPECT_EQ(client.read_answer().status(), 503U) << "at once: the issuer was asked a moment ago";
  client.close();
  EXPECT_EQ(proxy.stop().size(), 2U);
}

TEST_F(SessionKeys, AnAnswerComesForEveryoneWhoWaits) {
  auto many = settings();
  many.workers = 2;
  RunningProxy proxy({origin_.port()}, many);
  constexpr std::size_t kClients = 16;
  std::vector<std::unique_ptr<Wire>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Wire>(proxy.port()));
    ASSERT_TRUE(clients.back()->send(request_with_token()));
  }
  ASSERT_TRUE(issuer_.is_asked(kClients));
  issuer_.publish();
  for (const auto& client : clients) EXPECT_EQ(client->read_answer().status(), 200U);
  clients.clear();
  EXPECT_EQ(proxy.stop().size(), kClients);
}

TEST_F(SessionKeys, AClientThatLeavesIsForgottenAndTheAnswerFindsNobody) {
  RunningProxy proxy({origin_.port()}, settings());
  {
    Wire client(proxy.port());
    ASSERT_TRUE(client.send(request_with_token()));
    ASSERT_TRUE(issuer_.is_asked());
    client.reset();
  }
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 0; }))
      << "before the issuer has answered";
  issuer_.publish();
  Wire next(proxy.port());
  ASSERT_TRUE(next.send(request_with_token()));
  EXPECT_EQ(next.read_answer().status(), 200U);
  next.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "status"), "0");
  EXPECT_EQ(text_of(records[0], "reason"), "client_gone");
}

TEST_F(SessionKeys, AClientThatHasFinishedSendingStillGetsItsAnswer) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(request_with_token()));
  client.finish_sending();
  ASSERT_TRUE(issuer_.is_asked());
  issuer_.publish();
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST_F(SessionKeys, AnUrgentByteIsNoEnd) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(request_with_token()));
  ASSERT_TRUE(issuer_.is_asked());
  client.send_urgent();
  issuer_.publish();
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST_F(SessionKeys, TheFirstAnswerThatHelpsIsEnough) {
  auto two = settings();
  two.authenticator =
      "keys: [{jwks_url: \"https://issuer/jwks\"}, {jwks_url: \"https://other/jwks\"}], "
      "algorithms: [ES256], issuer: \"https://issuer\", audience: app";
  RunningProxy proxy({origin_.port()}, two);
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(request_with_token()));
  ASSERT_TRUE(issuer_.is_asked(2));
  issuer_.publish_at_first();
  EXPECT_EQ(client.read_answer().status(), 200U) << "while the other one is silent";
  issuer_.fail();
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST_F(SessionKeys, AWorkerThatIsCutDoesNotWaitForTheAnswer) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(request_with_token()));
  ASSERT_TRUE(issuer_.is_asked());
  proxy.stop_accepting();
  proxy.abort();
  EXPECT_TRUE(proxy.ends_within(std::chrono::milliseconds(kPatienceMilliseconds)));
  issuer_.publish();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "auth_reason"), "draining");
}

TEST_F(SessionKeys, AReloadMeanwhileChangesNothingForWhoWaits) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(request_with_token()));
  ASSERT_TRUE(issuer_.is_asked());
  proxy.apply({origin_.port()}, settings());
  issuer_.publish();
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

}  // namespace
}  // namespace sidegate::proxy
