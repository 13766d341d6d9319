#include <sidegate/authority/authority.hpp>

#include "options.hpp"
#include "scripted_issuer.hpp"
#include "scripted_service.hpp"

#include <sidegate/token/token_digest.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

namespace sidegate::authority {
namespace {

using base::CacheResult;
using inquiry::Service;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Verdict = inquiry::Answer::Verdict;
using ServicePtr = std::shared_ptr<Service>;

/// An answer as it was told.
struct Told {
  inquiry::AnswerPtr answer;
  CacheResult from = CacheResult::Miss;

  Verdict verdict() const { return answer->verdict; }
};

config::TokenService settings_for(const std::string& url) {
  config::TokenService settings;
  settings.endpoint.url = url;
  settings.send_as = {.kind = config::SendAs::Kind::Bearer, .name = "Authorization"};
  return settings;
}

/// A service that says whether tokens hold, and an authority that asks it.
class AskingAService : public testing::Test {
 protected:
  AskingAService() { make_authority(); }

  void make_authority(const Authority::Options& options = {}) {
    authority_.reset();
    authority_ = std::make_unique<Authority>(options);
  }

  /// The service of the fixture, followed from now on.
  ServicePtr follow(const std::function<void(config::TokenService&)>& change = {}) {
    auto settings = settings_for(scripted_.url());
    if (change) change(settings);
    auto service = std::make_shared<Service>(Service::Kind::Remote, "session", settings);
    authority_->follow({}, {service});
    return service;
  }

  static inquiry::Question question(const ServicePtr& service, const std::string& token) {
    return {service, *token::TokenDigest().of(token), base::Secret(token)};
  }

  std::future<Told> begin(const ServicePtr& service, const std::string& token) {
    auto promise = std::make_shared<std::promise<Told>>();
    authority_->ask(question(service, token), [promise](inquiry::AnswerPtr answer, CacheResult from) {
      promise->set_value({answer, from});
    });
    return promise->get_future();
  }
  Told ask(const ServicePtr& service, const std::string& token) { return begin(service, token).get(); }

  /// Asks until the answer is of that kind; the last one.
  Told ask_until(const ServicePtr& service, const std::string& token, Verdict verdict) {
    Told told;
    eventually([&] { return (told = ask(service, token)).verdict() == verdict; });
    return told;
  }

  static ScriptedService::Script says(const std::string& body, const std::string& fields = {}) {
    return [body, fields](const Received&) { return respond_json(body, fields); };
  }
  static ScriptedService::Script yes() { return says(R"({"sub":"ann"})"); }
  static ScriptedService::Script status(unsigned code) {
    return [code](const Received&) { return respond(code); };
  }

  ScriptedService scripted_{yes()};
  std::unique_ptr<Authority> authority_;
};

TEST_F(AskingAService, TellsWhatItSays) {
  const auto service = follow();
  const auto told = ask(service, "abc");
  EXPECT_EQ(told.verdict(), Verdict::Yes);
  EXPECT_EQ(told.from, CacheResult::Miss);
  EXPECT_EQ(told.answer->subject, "ann");
  EXPECT_EQ(told.answer->claims->at("sub"), "ann");
  scripted_.script(status(401));
  const auto refused = ask(service, "def");
  EXPECT_EQ(refused.verdict(), Verdict::No);
  EXPECT_EQ(refused.answer->reason, base::Reason::Rejected);
}

TEST_F(AskingAService, AnAnswerIsKept) {
  const auto service = follow();
  const auto first = ask(service, "abc");
  const auto second = ask(service, "abc");
  EXPECT_EQ(second.answer, first.answer);
  EXPECT_EQ(second.from, CacheResult::Hit);
  scripted_.script(status(401));
  ask(service, "def");
  EXPECT_EQ(ask(service, "def").from, CacheResult::NegativeHit);
  EXPECT_EQ(scripted_.asked(), 2U);
}

TEST_F(AskingAService, ManyAskersAreOneCall) {
  std::promise<void> gate;
  scripted_.script([opened = gate.get_future().share()](const Received&) {
    opened.wait();
    return respond_json(R"({"sub":"ann"})");
  });
  const auto service = follow();
  std::vector<std::future<Told>> askers;
  for (int i = 0; i < 1000; ++i) askers.push_back(begin(service, "abc"));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 1; }));
  gate.set_value();
  std::size_t coalesced = 0;
  for (auto& asker : askers) {
    const auto told = asker.get();
    EXPECT_EQ(told.verdict(), Verdict::Yes);
    if (told.from == CacheResult::Coalesced) ++coalesced;
  }
  EXPECT_EQ(coalesced, 999U);
  EXPECT_EQ(scripted_.asked(), 1U);
}

TEST_F(AskingAService, AServiceThatHangsIsWaitedForAsLongAsItsTimeout) {
  scripted_.script([](const Received&) { return say_nothing(); });
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = milliseconds(150); });
  const auto start = steady_clock::now();
  EXPECT_EQ(ask(service, "abc").verdict(), Verdict::CannotTell);
  const auto took = steady_clock::now() - start;
  EXPECT_GE(took, milliseconds(140));
  EXPECT_LT(took, milliseconds(250));
  EXPECT_EQ(service->status().last_error, "timed out after 150 ms");
}

TEST_F(AskingAService, ACircuitThatIsOpenAnswersAtOnce) {
  scripted_.script(status(503));
  const auto service = follow();
  for (const char* const token : {"a", "b", "c", "d", "e"})
    EXPECT_EQ(ask(service, token).verdict(), Verdict::CannotTell);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Open);
  const auto refused = ask(service, "f");
  EXPECT_EQ(refused.verdict(), Verdict::CannotTell);
  EXPECT_GE(refused.answer->retry_after, seconds(4));
  EXPECT_EQ(scripted_.asked(), 5U);
}

TEST_F(AskingAService, OneProbeClosesTheCircuit) {
  scripted_.script(status(503));
  const auto service = follow([](auto& settings) {
    settings.endpoint.circuit_breaker.consecutive = 2;
    settings.endpoint.circuit_breaker.open_for = milliseconds(100);
  });
  ask(service, "a");
  ask(service, "b");
  scripted_.script(yes());
  EXPECT_EQ(ask_until(service, "a", Verdict::Yes).verdict(), Verdict::Yes);
  EXPECT_EQ(scripted_.asked(), 3U);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
}

}  // namespace
}  // namespace sidegate::authority
