#include <sidegate/authority/authority.hpp>
#include <sidegate/telemetry/log.hpp>
#include <sidegate/token/token_digest.hpp>

#include "options.hpp"
#include "scripted_issuer.hpp"
#include "scripted_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>

namespace sidegate::authority {
namespace {

using base::CacheResult;
using base::OrMessage;
using inquiry::Service;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Verdict = inquiry::Answer::Verdict;
using ServicePtr = std::shared_ptr<Service>;

/// An answer as it was told.
struct Told {
  inquiry::AnswerPtr answer{};
  CacheResult from = CacheResult::Miss;

  Verdict verdict() const { return answer->verdict; }
};

using Futures = std::vector<std::future<Told>>;

/// How often answers came from there.
std::size_t count_from(std::vector<Told>& all, CacheResult from) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [from](const Told& told) { return told.from == from; }));
}

std::vector<Told> all_of(Futures& futures) {
  std::vector<Told> all;
  for (auto& each : futures) all.push_back(each.get());
  return all;
}

/// Opens once, for all who wait.
class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    if (!std::exchange(is_open_, true)) promise_.set_value();
  }
  std::shared_future<void> opened() const { return future_; }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
  bool is_open_ = false;
};

/// A scripted service, and an authority that asks it.
class AskingAService : public testing::Test {
 protected:
  AskingAService() {
    config::Log log;
    log.path = log_file_;
    telemetry::open_log(log);
    make_authority();
  }
  ~AskingAService() override {
    authority_.reset();
    telemetry::open_log({});
    std::filesystem::remove(log_file_);
  }

  void make_authority(LookUp look_up = &authority::look_up) {
    authority_.reset();
    Authority::Options options;
    options.look_up = std::move(look_up);
    authority_ = std::make_unique<Authority>(std::move(options));
  }

  static config::TokenService settings_for(const std::string& url) {
    config::TokenService settings;
    settings.endpoint.url = url;
    settings.endpoint.timeout = seconds(8);
    settings.send_as = {.kind = config::SendAs::Kind::Bearer, .name = "Authorization"};
    return settings;
  }

  ServicePtr make_remote(const std::function<void(config::TokenService&)>& change = {}) {
    auto settings = settings_for(scripted_.url("/validate?key=hidden"));
    if (change) change(settings);
    return std::make_shared<Service>(Service::Kind::Remote, "session", settings);
  }

  /// The scripted service as one for tokens, followed from now on.
  ServicePtr follow(const std::function<void(config::TokenService&)>& change = {}) {
    auto service = make_remote(change);
    authority_->follow({}, {service});
    return service;
  }

  /// One that has failed twice, so that it is left alone for so long.
  ServicePtr follow_failed(milliseconds open_for) {
    scripted_.script(status(503));
    auto service = follow([open_for](auto& settings) {
      settings.endpoint.circuit_breaker.consecutive = 2;
      settings.endpoint.circuit_breaker.open_for = open_for;
    });
    ask(service, "a");
    ask(service, "b");
    return service;
  }

  static inquiry::Question question(const ServicePtr& service, const std::string& token) {
    return {service, *token::TokenDigest().of(token), base::Secret(token)};
  }

  std::future<Told> begin(inquiry::Question question) {
    auto promise = std::make_shared<std::promise<Told>>();
    authority_->ask(std::move(question), [promise](inquiry::AnswerPtr answer, CacheResult from) {
      promise->set_value({std::move(answer), from});
    });
    return promise->get_future();
  }
  std::future<Told> begin(const ServicePtr& service, const std::string& token) {
    return begin(question(service, token));
  }
  Told ask(const ServicePtr& service, const std::string& token) { return begin(service, token).get(); }

  /// Asks until the answer is of that kind; the last one.
  Told ask_until(const ServicePtr& service, const std::string& token, Verdict verdict) {
    Told told;
    EXPECT_TRUE(eventually([&] { return (told = ask(service, token)).verdict() == verdict; }));
    return told;
  }

  std::size_t purge(Authority::Purge what) {
    std::promise<std::size_t> count;
    authority_->purge(std::move(what), [&](std::size_t purged) { count.set_value(purged); });
    return count.get_future().get();
  }

  std::vector<std::string> log_lines(const std::string& about) const {
    std::ifstream file(log_file_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      if (line.find(about) != line.npos) lines.push_back(line);
    }
    return lines;
  }

  static ScriptedService::Script says(const std::string& body, const std::string& fields = {}) {
    return [body, fields](const Received&) { return respond_json(body, fields); };
  }
  static ScriptedService::Script yes(const std::string& fields = {}) { return says(R"({"sub":"ann"})", fields); }
  static ScriptedService::Script status(unsigned code) {
    return [code](const Received&) { return respond(code); };
  }
  static Reaction hang(const Received&) { return say_nothing(); }
  /// Yes once the gate is open.
  static ScriptedService::Script yes_after(const Gate& gate) {
    return [opened = gate.opened()](const Received&) {
      opened.wait();
      return respond_json(R"({"sub":"ann"})");
    };
  }

  /// Keeps every call until its round may go on, of 32 calls each; they are noted in the order of the rounds.
  struct Rounds {
    Gate first{};
    Gate second{};
    std::mutex mutex{};
    std::vector<std::string> tokens{};

    Rounds() = default;
    ~Rounds() { const std::lock_guard lock(mutex); }  // after whoever noted the last

    ScriptedService::Script script() {
      return [this, first = first.opened(), second = second.opened()](const Received& received) {
        std::size_t place = 0;
        {
          const std::lock_guard lock(mutex);
          place = tokens.size();
          tokens.push_back(received.field("Authorization").substr(7));
        }
        if (place < 32) first.wait();
        if (place >= 32 && place < 64) second.wait();
        return respond_json(R"({"sub":"ann"})");
      };
    }
    bool have_come(std::size_t count) {
      return eventually([&] {
        const std::lock_guard lock(mutex);
        return tokens.size() >= count;
      });
    }
    /// Those of the second round, once they are all there.
    std::set<std::string> in_second() {
      EXPECT_TRUE(have_come(64));
      const std::lock_guard lock(mutex);
      return {tokens.begin() + 32, tokens.begin() + 64};
    }
  };

  std::string log_file_ = testing::TempDir() + "service-" + std::to_string(::getpid()) + ".log";
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
  EXPECT_EQ(service->status().said_yes, 1U);
  scripted_.script(status(401));
  const auto refused = ask(service, "def");
  EXPECT_EQ(refused.verdict(), Verdict::No);
  EXPECT_EQ(refused.answer->reason, base::Reason::Rejected);
  EXPECT_EQ(service->status().said_no, 1U);
  EXPECT_EQ(service->status().durations.count, 2U);
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
  EXPECT_EQ(service->status().answers_kept, 2U);
}

TEST_F(AskingAService, AnAnswerIsKeptForAsLongAsItMay) {
  const auto service = follow([](auto& settings) {
    settings.cache.ttl = milliseconds(40);
    settings.cache.negative_ttl = milliseconds(40);
  });
  const auto first = ask(service, "abc");
  EXPECT_TRUE(eventually([&] { return ask(service, "abc").from == CacheResult::Miss; }));
  EXPECT_TRUE(first.answer->is_withdrawn()) << "another has taken its place";
  scripted_.script(yes("Cache-Control: no-store\r\n"));
  const auto unkept = ask(service, "def");
  EXPECT_EQ(unkept.verdict(), Verdict::Yes);
  EXPECT_FALSE(unkept.answer->is_fresh(steady_clock::now()));
  EXPECT_EQ(ask(service, "def").from, CacheResult::Miss);
}

TEST_F(AskingAService, ManyAskersAreOneCall) {
  Gate gate;
  scripted_.script(yes_after(gate));
  const auto service = follow();
  Futures askers;
  std::vector<std::thread> threads;
  std::mutex mutex;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 250; ++k) {
        auto asker = begin(service, "abc");
        const std::lock_guard lock(mutex);
        askers.push_back(std::move(asker));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 1; }));
  gate.open();
  auto all = all_of(askers);
  EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](const Told& told) { return told.verdict() == Verdict::Yes; }));
  EXPECT_EQ(count_from(all, CacheResult::Miss), 1U);
  EXPECT_EQ(count_from(all, CacheResult::Coalesced) + count_from(all, CacheResult::Hit), 999U);
  EXPECT_EQ(scripted_.asked(), 1U);
}

TEST_F(AskingAService, WhatIsNotKeptIsGivenToAllWhoWait) {
  Gate gate;
  scripted_.script([opened = gate.opened()](const Received&) {
    opened.wait();
    return respond_json(R"({"sub":"ann"})", "Cache-Control: no-store\r\n");
  });
  const auto service = follow();
  Futures askers;
  for (int i = 0; i < 10; ++i) askers.push_back(begin(service, "abc"));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 1; }));
  gate.open();
  auto all = all_of(askers);
  EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](const Told& told) { return told.verdict() == Verdict::Yes; }));
  EXPECT_EQ(scripted_.asked(), 1U);
}

TEST_F(AskingAService, AFloodNeitherEvictsAYesNorTakesMoreThanItsConnections) {
  const auto service = follow([](auto& settings) {
    settings.cache.max_entries = 500;
    settings.cache.ttl = std::chrono::hours(1);
    settings.endpoint.timeout = std::chrono::minutes(2);  // the newest goes first, and the oldest has half of it
  });
  for (int i = 0; i < 500; ++i) ask(service, "good" + std::to_string(i));
  scripted_.script(status(401));
  constexpr int kFlood = 30'000;
  std::atomic<int> told{0};
  std::atomic<int> refused{0};
  int sent = 0;
  while (sent < kFlood) {
    while (sent < kFlood && sent - told < 1'000) {
      authority_->ask(question(service, "bad" + std::to_string(sent++)),
                      [&](const inquiry::AnswerPtr& answer, CacheResult) {
                        if (answer->verdict == Verdict::No) ++refused;
                        ++told;
                      });
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  ASSERT_TRUE(eventually([&] { return told == kFlood; }));
  EXPECT_EQ(refused, kFlood);
  EXPECT_LE(scripted_.connections_max(), 64U);  // of 32 some may have been closed and made anew
  EXPECT_LE(service->status().answers_kept, 1'000U);
  const auto asked = scripted_.asked();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(ask(service, "good" + std::to_string(i)).from, CacheResult::Hit) << i;
  EXPECT_EQ(scripted_.asked(), asked);
}

TEST_F(AskingAService, MoreThanMayWaitAreToldAtOnce) {
  Gate gate;
  scripted_.script(yes_after(gate));
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = seconds(8); });
  Futures askers;
  for (int i = 0; i < 32 + 1'024; ++i) askers.push_back(begin(service, std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 32; }));
  EXPECT_EQ(ask(service, "another").verdict(), Verdict::CannotTell);
  EXPECT_EQ(scripted_.asked(), 32U);
  gate.open();
  for (const auto& told : all_of(askers)) ASSERT_EQ(told.verdict(), Verdict::Yes);
  EXPECT_EQ(scripted_.connections_max(), 32U);
}

TEST_F(AskingAService, AQuestionThatWaitsHasItsDeadlineToo) {
  scripted_.script(&hang);
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = milliseconds(200); });
  const auto start = steady_clock::now();
  Futures askers;
  for (int i = 0; i < 200; ++i) askers.push_back(begin(service, std::to_string(i)));
  for (const auto& told : all_of(askers)) ASSERT_EQ(told.verdict(), Verdict::CannotTell);
  EXPECT_LT(steady_clock::now() - start, milliseconds(1'900));
}

TEST_F(AskingAService, AQuestionWhoseTurnComesLateIsNotAsked) {
  Gate gate;
  scripted_.script(yes_after(gate));
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = seconds(4); });
  const auto start = steady_clock::now();
  Futures askers;
  for (int i = 0; i < 40; ++i) askers.push_back(begin(service, std::to_string(i)));
  for (std::size_t i = 32; i < 40; ++i) EXPECT_EQ(askers[i].get().verdict(), Verdict::CannotTell);
  const auto took = steady_clock::now() - start;
  EXPECT_GE(took, milliseconds(1'990));
  EXPECT_LT(took, milliseconds(3'900));
  gate.open();
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(askers[i].get().verdict(), Verdict::Yes);
  EXPECT_EQ(scripted_.asked(), 32U);
  EXPECT_EQ(service->status().failed, 0U) << "the service has no part in it";
}

TEST_F(AskingAService, TheNewestQuestionGoesFirst) {
  Rounds rounds;
  scripted_.script(rounds.script());
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = seconds(8); });
  Futures askers;
  for (int i = 0; i < 132; ++i) askers.push_back(begin(service, std::to_string(i)));
  ASSERT_TRUE(rounds.have_come(32));
  // Whoever comes next has been put behind all of them by the time that the answer is there.
  EXPECT_EQ(ask(service, "two words").verdict(), Verdict::No);
  rounds.first.open();
  std::set<std::string> newest;
  for (int i = 100; i < 132; ++i) newest.insert(std::to_string(i));
  EXPECT_EQ(rounds.in_second(), newest);
  rounds.second.open();
  for (const auto& told : all_of(askers)) ASSERT_EQ(told.verdict(), Verdict::Yes);
}

TEST_F(AskingAService, AFloodDoesNotOpenTheCircuitOfAServiceThatWorks) {
  // It can answer half of what is asked.
  scripted_.script([](const Received&) {
    std::this_thread::sleep_for(milliseconds(50));
    return respond(401);
  });
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = seconds(2); });
  std::atomic<int> told{0};
  int sent = 0;
  const auto end = steady_clock::now() + seconds(4);
  while (steady_clock::now() < end) {
    for (int i = 0; i < 12; ++i) {
      authority_->ask(question(service, std::to_string(sent++)),
                      [&](const inquiry::AnswerPtr&, CacheResult) { ++told; });
    }
    std::this_thread::sleep_for(milliseconds(10));
    ASSERT_NE(service->status().circuit, Service::Circuit::Open) << service->status().last_error;
  }
  EXPECT_GT(service->status().said_no, 100U);
  EXPECT_TRUE(eventually([&] { return told == sent; }));
}

TEST_F(AskingAService, ACallThatBeganLateAndIsCutShortIsNoFailureOfTheService) {
  // Each answer takes less than the timeout, and more than what is left to those whose turn comes second.
  Gate gate;
  scripted_.script([opened = gate.opened()](const Received& received) {
    if (std::stoi(received.field("Authorization").substr(7)) >= 32) return say_nothing();  // behind "Bearer "
    opened.wait();
    return respond_json(R"({"sub":"ann"})");
  });
  const auto service = follow([](auto& settings) {
    settings.endpoint.timeout = seconds(4);
    settings.endpoint.circuit_breaker.consecutive = 1;
  });
  Futures askers;
  for (int i = 0; i < 40; ++i) askers.push_back(begin(service, std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 32; }));
  std::this_thread::sleep_for(milliseconds(600));  // so that the others come late
  gate.open();
  for (std::size_t i = 0; i < 40; ++i)
    EXPECT_EQ(askers[i].get().verdict(), i < 32 ? Verdict::Yes : Verdict::CannotTell);
  EXPECT_EQ(scripted_.asked(), 40U);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
  EXPECT_EQ(service->status().failed, 0U);
}

TEST_F(AskingAService, OneThatHangsOpensTheCircuitThoughManyWait) {
  const auto service = follow([](auto& settings) {
    settings.endpoint.timeout = milliseconds(200);
    settings.endpoint.circuit_breaker.open_for = seconds(60);
  });
  ask(service, "a");
  scripted_.script(&hang);
  std::atomic<int> told{0};
  int sent = 0;
  // There are always more than can be asked.
  EXPECT_TRUE(eventually([&] {
    while (sent - told < 100) {
      authority_->ask(question(service, std::to_string(sent++)),
                      [&](const inquiry::AnswerPtr&, CacheResult) { ++told; });
    }
    return service->status().circuit == Service::Circuit::Open;
  }));
  EXPECT_GT(service->status().failed, 0U);
  EXPECT_TRUE(eventually([&] { return told == sent; }));
}

TEST_F(AskingAService, AServiceThatHangsIsWaitedForAsLongAsItsTimeout) {
  const ScriptedService::Script half = [](const Received&) {
    return Reaction{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", Reaction::Then::Hang};
  };
  for (const auto& script : {ScriptedService::Script(&hang), half}) {
    scripted_.script(script);
    const auto service = follow([](auto& settings) { settings.endpoint.timeout = milliseconds(150); });
    const auto start = steady_clock::now();
    EXPECT_EQ(ask(service, "abc").verdict(), Verdict::CannotTell);
    const auto took = steady_clock::now() - start;
    EXPECT_GE(took, milliseconds(145));
    EXPECT_LT(took, milliseconds(1'900));
    EXPECT_EQ(service->status().last_error, "timed out after 150 ms");
  }
}

TEST_F(AskingAService, ANameThatIsLookedUpForEverIsWaitedForNoLonger) {
  Gate gate;
  make_authority([opened = gate.opened()](const std::string&) -> OrMessage<Addresses> {
    opened.wait();
    return Addresses{};
  });
  const auto service = follow([](auto& settings) {
    settings.endpoint.url = "https://auth.test/";
    settings.endpoint.timeout = milliseconds(100);
  });
  const auto start = steady_clock::now();
  EXPECT_EQ(ask(service, "abc").verdict(), Verdict::CannotTell);
  EXPECT_LT(steady_clock::now() - start, milliseconds(1'900));
}

TEST_F(AskingAService, WhateverIsNoAnswerIsNoYesAndNoNo) {
  const Reaction reactions[] = {
      hang_up(),
      {{}, Reaction::Then::Reset},
      {"SSH-2.0-x\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Reaction::Then::Close},
      respond(500),
      respond(302, "", "Location: /login\r\n"),
      respond(200, "<html>Sign in</html>", "Content-Type: text/html\r\n"),
      respond_json("{"),
      respond_json(R"({"sub":"ann"})", "Content-Encoding: gzip\r\n"),
      respond_json(R"({"sub":"ann","x":")" + std::string(300'000, 'x') + "\"}"),
  };
  const auto service = follow([](auto& settings) { settings.endpoint.circuit_breaker.consecutive = 100; });
  int nth = 0;
  for (const auto& reaction : reactions) {
    scripted_.script([reaction](const Received&) { return reaction; });
    const auto told = ask(service, std::to_string(nth++));
    EXPECT_EQ(told.verdict(), Verdict::CannotTell) << reaction.bytes.substr(0, 80);
    EXPECT_EQ(told.answer->reason, base::Reason::Unavailable);
    EXPECT_EQ(told.answer->retry_after, seconds(1));
  }
  EXPECT_EQ(scripted_.asked(), std::size(reactions)) << "redirects are not followed, nothing is asked twice";
  EXPECT_EQ(service->status().failed, std::size(reactions));
}

TEST_F(AskingAService, ATokenThatCannotBeSentIsNone) {
  const auto service = follow();
  const auto told = ask(service, "two words");
  EXPECT_EQ(told.verdict(), Verdict::No);
  EXPECT_EQ(told.answer->reason, base::Reason::Malformed);
  EXPECT_EQ(scripted_.asked(), 0U);
}

TEST_F(AskingAService, AServiceThatGoesAwayAndComesBackIsAskedAgain) {
  const auto service = follow([](auto& settings) { settings.endpoint.circuit_breaker.consecutive = 100; });
  EXPECT_EQ(ask(service, "a").verdict(), Verdict::Yes);
  scripted_.stop();
  EXPECT_EQ(ask(service, "b").verdict(), Verdict::CannotTell);
  EXPECT_THAT(service->status().last_error, HasSubstr("nobody answers at 127.0.0.1"));
  EXPECT_EQ(ask(service, "a").from, CacheResult::Hit);
  scripted_.restart();
  EXPECT_EQ(ask(service, "b").verdict(), Verdict::Yes);
  EXPECT_EQ(service->status().last_error, "");
}

TEST_F(AskingAService, ACircuitThatIsOpenAnswersAtOnce) {
  scripted_.script(status(503));
  const auto service = follow();
  for (const char* const token : {"a", "b", "c", "d", "e"}) {
    EXPECT_EQ(ask(service, token).verdict(), Verdict::CannotTell);
  }
  EXPECT_EQ(service->status().circuit, Service::Circuit::Open);
  const auto refused = ask(service, "f");
  EXPECT_EQ(refused.verdict(), Verdict::CannotTell);
  EXPECT_GE(refused.answer->retry_after, seconds(4));
  EXPECT_LE(refused.answer->retry_after, seconds(5));
  EXPECT_EQ(scripted_.asked(), 5U);
}

TEST_F(AskingAService, OneTokenOpensNoCircuit) {
  scripted_.script(status(503));
  const auto service = follow();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ask(service, "a").verdict(), Verdict::CannotTell);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
  EXPECT_EQ(scripted_.asked(), 50U);
}

TEST_F(AskingAService, NobodyWhoAnswersOrNotInTimeOpensTheCircuit) {
  const ScriptedService::Script half = [](const Received&) {
    return Reaction{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", Reaction::Then::Hang};
  };
  const ScriptedService::Script scripts[] = {status(502),
                                             status(503),
                                             status(504),
                                             &hang,
                                             half,
                                             [](const Received&) { return hang_up(); },
                                             [](const Received&) {
                                               return Reaction{{}, Reaction::Then::Reset};
                                             }};
  int nth = 0;
  for (const auto& script : scripts) {
    scripted_.script(script);
    const auto service = follow([](auto& settings) { settings.endpoint.timeout = milliseconds(60); });
    for (const char* const token : {"a", "b", "c", "d"}) ask(service, token);
    EXPECT_EQ(service->status().circuit, Service::Circuit::Closed) << nth;
    ask(service, "e");
    EXPECT_EQ(service->status().circuit, Service::Circuit::Open) << nth++;
  }
  scripted_.stop();
  const auto service = follow();
  for (const char* const token : {"a", "b", "c", "d", "e"}) ask(service, token);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Open);
}

TEST_F(AskingAService, WhatIsAnsweredToOneQuestionOpensNoCircuit) {
  const Reaction reactions[] = {
      respond(404),
      respond(413),
      respond(429),
      respond(431),
      respond(500),
      respond(302, "", "Location: /login\r\n"),
      respond(200, "<html>Sign in</html>", "Content-Type: text/html\r\n"),
      respond_json("{"),
      respond_json(R"({"sub":"ann","x":")" + std::string(300'000, 'x') + "\"}"),
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Reaction::Then::Close},
  };
  for (const auto& reaction : reactions) {
    scripted_.script([reaction](const Received&) { return reaction; });
    const auto service = follow([](auto& settings) { settings.endpoint.circuit_breaker.of_at_least = 10; });
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(ask(service, std::to_string(i)).verdict(), Verdict::CannotTell) << reaction.bytes.substr(0, 60);
    }
    EXPECT_EQ(service->status().circuit, Service::Circuit::Closed) << reaction.bytes.substr(0, 60);
    EXPECT_EQ(service->status().failed, 20U);
  }
}

TEST_F(AskingAService, WhoSaidThatAConnectionHadEndedAndIsGoneHasNotAnswered) {
  const auto service = follow([](auto& settings) { settings.endpoint.circuit_breaker.consecutive = 1; });
  ask(service, "a");
  scripted_.script([this](const Received& received) {
    EXPECT_EQ(received.nth, 1U) << "on the connection that was kept";
    scripted_.stop_listening();
    auto reaction = respond(408, "", "Connection: close\r\n");
    reaction.then = Reaction::Then::Close;
    return reaction;
  });
  EXPECT_EQ(ask(service, "b").verdict(), Verdict::CannotTell);
  EXPECT_THAT(service->status().last_error, HasSubstr("nobody answers"));
  EXPECT_EQ(service->status().circuit, Service::Circuit::Open);
}

TEST_F(AskingAService, TokensThatAreTooLongForItOpenNoCircuit) {
  const std::string too_long(5'000, 'x');
  const std::string fits(3'000, 'x');
  for (const auto& reaction : {hang_up(), respond(502)}) {
    scripted_.script([reaction](const Received& received) {
      return received.head.size() > 4'096 ? reaction : respond_json(R"({"sub":"ann"})");
    });
    const auto service = follow();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(service, too_long + std::to_string(i)).verdict(), Verdict::CannotTell);
    EXPECT_EQ(ask(service, fits).verdict(), Verdict::Yes);
    for (int i = 0; i < 20; ++i)
      EXPECT_EQ(ask(service, too_long + "a" + std::to_string(i)).verdict(), Verdict::CannotTell);
    EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
    EXPECT_EQ(ask(service, "short").verdict(), Verdict::Yes);
    scripted_.script([reaction](const Received&) { return reaction; });
    for (int i = 0; i < 5; ++i) ask(service, fits.substr(1) + std::to_string(i));
    EXPECT_EQ(service->status().circuit, Service::Circuit::Open) << "it had answered such before";
  }
}

TEST_F(AskingAService, WhatOnlyAProxyBeforeItSaysOfLongTokensCountsForNothing) {
  const auto service = follow();
  const auto proxy = [](std::size_t bytes_max) -> ScriptedService::Script {
    return [bytes_max](const Received& received) {
      if (received.head.size() > 8'192) return respond(431);
      return received.head.size() > bytes_max ? respond(502) : respond_json(R"({"sub":"ann"})");
    };
  };
  scripted_.script(proxy(4'096));
  const std::string over_4(5'000, 'x');
  const std::string over_8(9'000, 'x');
  ask(service, over_8);
  for (int i = 0; i < 10; ++i) ask(service, over_4 + std::to_string(i));
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed) << "the proxy has not passed the longer one on";
  scripted_.script(proxy(0));
  for (int i = 0; i < 5; ++i) {
    ask(service, over_8 + std::to_string(i));
    ask(service, std::to_string(i));
  }
  EXPECT_EQ(service->status().circuit, Service::Circuit::Open) << "nor has the service answered it";
}

TEST_F(AskingAService, LongTokensOpenTheCircuitOfOneThatIsNotThereOrSilent) {
  const std::string too_long(5'000, 'x');
  scripted_.script(&hang);
  const auto silent = follow([](auto& settings) { settings.endpoint.timeout = milliseconds(60); });
  for (int i = 0; i < 5; ++i) ask(silent, too_long + std::to_string(i));
  EXPECT_EQ(silent->status().circuit, Service::Circuit::Open);
  scripted_.stop();
  const auto gone = follow();
  for (int i = 0; i < 5; ++i) ask(gone, too_long + std::to_string(i));
  EXPECT_EQ(gone->status().circuit, Service::Circuit::Open);
}

TEST_F(AskingAService, LongTokensThatItIsSilentAboutOpenNoCircuitWhileItAnswersOthers) {
  const std::string too_long(5'000, 'x');
  scripted_.script([](const Received& received) {
    return received.head.size() > 4'096 ? say_nothing() : respond_json(R"({"sub":"ann"})");
  });
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = seconds(4); });
  Futures askers;
  for (int i = 0; i < 20; ++i) askers.push_back(begin(service, too_long + std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 20; }));
  EXPECT_EQ(ask(service, "short").verdict(), Verdict::Yes);
  for (const auto& told : all_of(askers)) ASSERT_EQ(told.verdict(), Verdict::CannotTell);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
  EXPECT_EQ(ask(service, "another").verdict(), Verdict::Yes);
}

TEST_F(AskingAService, ALongTokenIsNotTheFirstThatTries) {
  const auto service = follow_failed(seconds(2));
  scripted_.script([](const Received&) { return respond_json(R"({"sub":"ann"})"); });
  std::this_thread::sleep_for(milliseconds(2'010));
  EXPECT_EQ(ask(service, std::string(5'000, 'x')).verdict(), Verdict::CannotTell);
  EXPECT_EQ(scripted_.asked(), 2U);
  EXPECT_EQ(ask(service, "c").verdict(), Verdict::Yes);
  EXPECT_EQ(ask(service, std::string(5'000, 'x')).verdict(), Verdict::Yes);
}

TEST_F(AskingAService, ATokenThatIsTooLongIsNoProbe) {
  const auto service = follow_failed(milliseconds(50));
  const std::string too_long(5'000, 'x');
  scripted_.script([&](const Received& received) {
    return received.head.size() > 4'096 ? hang_up() : respond_json(R"({"sub":"ann"})");
  });
  std::this_thread::sleep_for(milliseconds(110));
  for (int i = 0; i < 3; ++i) ask(service, too_long + std::to_string(i));
  EXPECT_EQ(service->status().circuit, Service::Circuit::HalfOpen) << "the next one may try at once";
  EXPECT_EQ(ask(service, "c").verdict(), Verdict::Yes);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
}

TEST_F(AskingAService, OneProbeClosesTheCircuit) {
  const auto service = follow_failed(milliseconds(100));
  Gate gate;
  scripted_.script(yes_after(gate));
  std::this_thread::sleep_for(milliseconds(100));
  Futures askers;
  for (int i = 0; i < 10; ++i) askers.push_back(begin(service, std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 3; }));
  EXPECT_EQ(ask(service, "c").verdict(), Verdict::CannotTell);
  EXPECT_EQ(service->status().circuit, Service::Circuit::HalfOpen);
  gate.open();
  auto all = all_of(askers);
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const Told& told) { return told.verdict() == Verdict::Yes; }), 1);
  EXPECT_EQ(scripted_.asked(), 3U);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
  EXPECT_EQ(ask(service, "c").verdict(), Verdict::Yes);
}

TEST_F(AskingAService, QuestionsThatWaitAreToldWhenTheCircuitOpens) {
  Gate gate;
  scripted_.script([opened = gate.opened()](const Received&) {
    opened.wait();
    return respond(503);
  });
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = seconds(8); });
  Futures askers;
  for (int i = 0; i < 200; ++i) askers.push_back(begin(service, std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 32; }));
  gate.open();
  for (const auto& told : all_of(askers)) ASSERT_EQ(told.verdict(), Verdict::CannotTell);
  EXPECT_LE(scripted_.asked(), 40U);
}

/// A service whose answers serve for a while where it fails.
class AServiceThatFails : public AskingAService {
 protected:
  ServicePtr follow_stale() {
    return follow([](auto& settings) {
      settings.cache.ttl = milliseconds(30);
      settings.cache.stale_if_error = seconds(60);
      settings.endpoint.circuit_breaker.consecutive = 100;
    });
  }

  /// Asks until it is no longer fresh what was known.
  Told ask_stale(const ServicePtr& service, const std::string& token) {
    Told told;
    EXPECT_TRUE(eventually([&] { return (told = ask(service, token)).from == CacheResult::Stale; }));
    return told;
  }
};

TEST_F(AServiceThatFails, IsHelpedOutByWhatItSaidBefore) {
  const auto service = follow_stale();
  const auto before = ask(service, "a");
  scripted_.script(status(500));
  const auto told = ask_stale(service, "a");
  EXPECT_EQ(told.verdict(), Verdict::Yes);
  EXPECT_TRUE(told.answer->stale);
  EXPECT_EQ(told.answer->subject, "ann");
  EXPECT_TRUE(before.answer->is_withdrawn());
  EXPECT_EQ(ask(service, "unknown").verdict(), Verdict::CannotTell);
}

TEST_F(AServiceThatFails, IsThenAskedInTheBackground) {
  const auto service = follow_stale();
  ask(service, "a");
  Gate gate;
  scripted_.script(status(500));
  ask_stale(service, "a");
  scripted_.script(yes_after(gate));
  const auto asked = scripted_.asked();
  // Its answers come at once, though it hangs.
  ASSERT_TRUE(eventually([&] { return ask(service, "a").from == CacheResult::Stale && scripted_.asked() > asked; }));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask(service, "a").from, CacheResult::Stale);
  EXPECT_EQ(scripted_.asked(), asked + 1);
  gate.open();
  ASSERT_TRUE(eventually([&] { return ask(service, "a").from != CacheResult::Stale; }));
}

TEST_F(AServiceThatFails, SaysNoAndThatCounts) {
  const auto service = follow_stale();
  ask(service, "a");
  scripted_.script(status(500));
  const auto stale = ask_stale(service, "a");
  scripted_.script(status(401));
  ask_until(service, "a", Verdict::No);
  EXPECT_TRUE(stale.answer->is_withdrawn());
  scripted_.script(status(500));
  EXPECT_EQ(ask(service, "a").verdict(), Verdict::No);
}

TEST_F(AServiceThatFails, WithAnOpenCircuitItIsHelpedOutAtOnce) {
  const auto service = follow([](auto& settings) {
    settings.cache.ttl = milliseconds(0);
    settings.cache.stale_if_error = seconds(60);
    settings.endpoint.circuit_breaker.consecutive = 2;
  });
  ask(service, "a");
  scripted_.script(status(503));
  ask(service, "b");
  ask(service, "c");
  const auto asked = scripted_.asked();
  EXPECT_EQ(ask(service, "a").from, CacheResult::Stale);
  EXPECT_EQ(scripted_.asked(), asked);
}

TEST_F(AServiceThatFails, QuestionsThatCanBeHelpedOutGoFirst) {
  const auto service = follow([](auto& settings) {
    settings.cache.ttl = milliseconds(0);
    settings.cache.stale_if_error = seconds(60);
    settings.endpoint.timeout = seconds(8);
  });
  ask(service, "known");
  Rounds rounds;
  scripted_.script(rounds.script());
  Futures askers;
  for (int i = 0; i < 50; ++i) askers.push_back(begin(service, std::to_string(i)));
  ASSERT_TRUE(rounds.have_come(32));
  askers.push_back(begin(service, "known"));
  for (int i = 50; i < 100; ++i) askers.push_back(begin(service, std::to_string(i)));
  // Whoever comes next has been put behind them by the time that the answer is there.
  EXPECT_EQ(ask(service, "two words").verdict(), Verdict::No);
  rounds.first.open();
  EXPECT_TRUE(rounds.in_second().contains("known"));
  rounds.second.open();
  all_of(askers);
}

TEST_F(AskingAService, ServicesThatAreFollowedStillKeepTheirAnswers) {
  const auto service = follow();
  const auto told = ask(service, "a");
  const auto another = make_remote([](auto& settings) { settings.endpoint.timeout = seconds(1); });
  authority_->follow({}, {another, service});
  EXPECT_EQ(ask(service, "a").answer, told.answer);
  EXPECT_EQ(ask(another, "a").from, CacheResult::Miss);
  EXPECT_FALSE(told.answer->is_withdrawn());
}

TEST_F(AskingAService, OneThatIsFollowedNoLongerLetsGo) {
  Gate gate;
  const auto service = follow();
  const auto kept = ask(service, "a");
  scripted_.script(yes_after(gate));
  auto under_way = begin(service, "b");
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 2; }));
  authority_->follow({}, {});
  EXPECT_TRUE(eventually([&] { return kept.answer->is_withdrawn(); }));
  gate.open();
  EXPECT_EQ(under_way.get().verdict(), Verdict::Yes) << "what was under way is answered";
  EXPECT_EQ(ask(service, "a").from, CacheResult::Miss) << "and it is asked by whoever still wants to";
  EXPECT_TRUE(eventually([&] { return scripted_.open_connections() == 0; }));
}

TEST_F(AskingAService, EndsWhileCallsHang) {
  scripted_.script(&hang);
  const auto service = follow([](auto& settings) { settings.endpoint.timeout = std::chrono::hours(1); });
  for (int i = 0; i < 100; ++i) begin(service, std::to_string(i));
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 32; }));
  const auto start = steady_clock::now();
  authority_.reset();
  EXPECT_LT(steady_clock::now() - start, seconds(3));
}

TEST_F(AskingAService, APurgeForgetsEverything) {
  const auto service = follow();
  const auto told = ask(service, "a");
  ask(service, "b");
  EXPECT_EQ(purge({}), 2U);
  EXPECT_TRUE(told.answer->is_withdrawn());
  EXPECT_EQ(service->status().answers_kept, 0U);
  EXPECT_EQ(ask(service, "a").from, CacheResult::Miss);
}

TEST_F(AskingAService, APurgeForgetsWhatIsAboutOneSubjectOrToken) {
  scripted_.script([](const Received& received) {
    return respond_json(R"({"sub":")" + received.field("Authorization").substr(7, 3) + "\"}");
  });
  const auto service = follow();
  for (const char* const token : {"ann1", "ann2", "bob1", "bob2"}) ask(service, token);
  EXPECT_EQ(purge({.subject = "ann", .token = {}}), 2U);
  EXPECT_EQ(ask(service, "ann1").from, CacheResult::Miss);
  EXPECT_EQ(ask(service, "bob1").from, CacheResult::Hit);
  EXPECT_EQ(purge({.subject = {}, .token = base::Secret("bob1")}), 1U);
  EXPECT_EQ(ask(service, "bob1").from, CacheResult::Miss);
  EXPECT_EQ(ask(service, "bob2").from, CacheResult::Hit);
  EXPECT_EQ(purge({.subject = "eve", .token = {}}), 0U);
}

TEST_F(AskingAService, WhatIsOnItsWayWhileOthersPurgeIsNotKept) {
  for (const Authority::Purge& what : {Authority::Purge{}, Authority::Purge{.subject = "ann", .token = {}},
                                       Authority::Purge{.subject = {}, .token = base::Secret("a")}}) {
    Gate gate;
    scripted_.script(yes_after(gate));
    const auto service = follow();
    const auto asked = scripted_.asked();
    auto before = begin(service, "a");
    ASSERT_TRUE(eventually([&] { return scripted_.asked() == asked + 1; }));
    EXPECT_EQ(purge(what), 0U);
    auto after = begin(service, "a");
    ASSERT_TRUE(eventually([&] { return scripted_.asked() == asked + 2; })) << "it is asked anew";
    gate.open();
    EXPECT_EQ(before.get().verdict(), Verdict::Yes);
    EXPECT_EQ(after.get().from, CacheResult::Miss);
    EXPECT_EQ(ask(service, "a").from, CacheResult::Hit);
  }
}

TEST_F(AskingAService, WhatIsKnownByTheTimeThatAnEarlierCallFailsStays) {
  Gate gate;
  scripted_.script([opened = gate.opened()](const Received&) {
    opened.wait();
    return respond(503);
  });
  const auto service = follow([](auto& settings) {
    settings.endpoint.timeout = seconds(8);
    settings.cache.stale_if_error = seconds(60);
  });
  auto early = begin(service, "a");
  ASSERT_TRUE(eventually([&] { return scripted_.asked() == 1; }));
  purge({});
  scripted_.script(yes());
  const auto newer = ask(service, "a");
  gate.open();
  const auto told = early.get();
  EXPECT_EQ(told.answer, newer.answer);
  EXPECT_EQ(told.from, CacheResult::Hit);
  EXPECT_FALSE(newer.answer->is_withdrawn());
  EXPECT_EQ(ask(service, "a").from, CacheResult::Hit);
}

TEST_F(AskingAService, TellsOperatorsOfChangesOnly) {
  scripted_.script(status(503));
  const auto service = follow([](auto& settings) {
    settings.endpoint.circuit_breaker.consecutive = 3;
    settings.endpoint.circuit_breaker.open_for = milliseconds(50);
  });
  for (const char* const token : {"s3cret1", "s3cret2", "s3cret3"}) ask(service, token);
  scripted_.script(yes());
  ask_until(service, "s3cret1", Verdict::Yes);
  authority_.reset();
  const auto failures = log_lines("a service cannot tell");
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0], AllOf(HasSubstr("warning"), HasSubstr(R"("name":"session")"), HasSubstr("answered 503"),
                                 HasSubstr('"' + scripted_.url() + '"')));
  EXPECT_THAT(log_lines("left alone for a while"), SizeIs(1));
  EXPECT_THAT(log_lines("a service answers again"), SizeIs(1));
  EXPECT_THAT(log_lines("asked again as usual"), SizeIs(1));
  EXPECT_THAT(log_lines("s3cret"), IsEmpty());
  EXPECT_THAT(log_lines("hidden"), IsEmpty());
}

TEST_F(AskingAService, OperatorsAreNotToldOfEachFailureOfOneThatFailsAndAnswersInTurn) {
  const auto service = follow();
  for (int i = 0; i < 20; ++i) {
    scripted_.script(status(431));
    ask(service, "long" + std::to_string(i));
    scripted_.script(status(401));
    ask(service, "short" + std::to_string(i));
  }
  authority_.reset();
  EXPECT_THAT(log_lines("a service cannot tell"), SizeIs(1));
  EXPECT_THAT(log_lines("a service answers again"), SizeIs(1));
}

TEST_F(AskingAService, IntrospectsTokens) {
  std::string body;
  scripted_.script([&](const Received& received) {
    body = received.body;
    return respond_json(R"({"active":true,"sub":"ann"})");
  });
  auto settings = settings_for(scripted_.url("/introspect"));
  settings.client.id = "sidegate";
  settings.client.secret.secret = base::Secret("x");
  const auto service = std::make_shared<Service>(Service::Kind::Introspection, "opaque", settings);
  authority_->follow({}, {service});
  EXPECT_EQ(ask(service, "a b").answer->subject, "ann");
  EXPECT_EQ(body, "token=a+b&token_type_hint=access_token");
}

/// A service that knows users, perhaps many at once.
class AskingForUsers : public AskingAService {
 protected:
  ServicePtr follow_users(const std::function<void(config::UserInfo&)>& change = {}) {
    config::UserInfo settings{.name = "directory", .authenticators = {}, .endpoint = {}};
    settings.endpoint.url = scripted_.url("/users/{subject}/");
    settings.endpoint.timeout = seconds(8);
    if (change) change(settings);
    auto service = std::make_shared<Service>(Service::Kind::UserInfo, "directory", settings);
    authority_->follow({}, {service});
    return service;
  }
  ServicePtr follow_batching(const std::function<void(config::UserInfo&)>& change = {}) {
    return follow_users([&](config::UserInfo& settings) {
      settings.batch_url = scripted_.url("/users/");
      if (change) change(settings);
    });
  }

  /// Looks all of them up at the same moment: the authority has nothing else to do meanwhile.
  Futures look_up_at_once(const ServicePtr& service, const std::vector<std::string>& subjects) {
    Gate gate;
    authority_->ask(std::make_shared<token::IssuerKeys>(config::Issuer{}), [opened = gate.opened()] { opened.wait(); });
    Futures askers;
    for (const auto& subject : subjects) askers.push_back(look_up(service, subject));
    return askers;
  }

  std::future<Told> look_up(const ServicePtr& service, const std::string& subject, const std::string& token = {}) {
    return begin({service, *token::TokenDigest().of(subject + '\n' + token), base::Secret(token), subject});
  }

  /// Answers with those users of a batch whose number is even.
  static Reaction even_users(const Received& received) {
    std::string users;
    const auto start = received.body.find('[') + 1;
    const auto ids = received.body.substr(start, received.body.find(']') - start);
    for (std::size_t at = 0; at < ids.size();) {
      const auto end = std::min(ids.find(',', at), ids.size());
      const auto id = ids.substr(at, end - at);
      if ((id.back() - '0') % 2 == 0) users += (users.empty() ? R"({"id":)" : R"(,{"id":)") + id + "}";
      at = end + 1;
    }
    return respond_json('[' + users + ']');
  }
};

TEST_F(AskingForUsers, OneByOne) {
  scripted_.script([](const Received& received) {
    return received.target() == "/users/a%2Fb/" ? respond_json(R"({"id":1})") : respond(404);
  });
  const auto service = follow_users();
  const auto told = look_up(service, "a/b").get();
  EXPECT_EQ(told.verdict(), Verdict::Yes);
  EXPECT_EQ(told.answer->subject, "a/b");
  EXPECT_EQ(look_up(service, "eve").get().verdict(), Verdict::No);
  EXPECT_EQ(look_up(service, "eve").get().from, CacheResult::NegativeHit);
  EXPECT_EQ(purge({.subject = "a/b", .token = {}}), 1U);
}

TEST_F(AskingForUsers, ManyAtOnce) {
  scripted_.script(&even_users);
  const auto service = follow_batching();
  std::vector<std::string> subjects;
  for (int i = 0; i < 20; ++i) subjects.push_back(std::to_string(i));
  auto askers = look_up_at_once(service, subjects);
  const auto all = all_of(askers);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].verdict(), i % 2 == 0 ? Verdict::Yes : Verdict::No) << i;
    EXPECT_EQ(all[i].from, CacheResult::Miss);
  }
  EXPECT_EQ(scripted_.asked(), 1U);
  EXPECT_EQ(service->status().said_yes, 1U);
  EXPECT_EQ(look_up(service, "4").get().from, CacheResult::Hit);
  EXPECT_EQ(look_up(service, "5").get().from, CacheResult::NegativeHit);
}

TEST_F(AskingForUsers, MoreThanAHundredAreSeveralCalls) {
  std::mutex mutex;
  std::vector<std::ptrdiff_t> sizes;
  scripted_.script([&](const Received& received) {
    const std::lock_guard lock(mutex);
    sizes.push_back(1 + std::count(received.body.begin(), received.body.end(), ','));
    return even_users(received);
  });
  const auto service = follow_batching();
  Futures askers;
  for (int i = 0; i < 250; ++i) askers.push_back(look_up(service, std::to_string(2 * i)));
  for (const auto& told : all_of(askers)) ASSERT_EQ(told.verdict(), Verdict::Yes);
  EXPECT_GE(sizes.size(), 3U);
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), 100);
}

TEST_F(AskingForUsers, ABatchThatFailsFailsForAll) {
  const auto service = follow_batching([](auto& settings) {
    settings.cache.ttl = milliseconds(0);
    settings.cache.stale_if_error = seconds(60);
  });
  scripted_.script(&even_users);
  EXPECT_EQ(look_up(service, "2").get().verdict(), Verdict::Yes);
  scripted_.script(status(503));
  auto askers = look_up_at_once(service, {"2", "3", "4", "5", "6", "7", "8", "9", "10", "11"});
  const auto all = all_of(askers);
  EXPECT_EQ(all[0].from, CacheResult::Stale);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].verdict(), Verdict::CannotTell);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Closed) << "it is one call";
}

TEST_F(AskingForUsers, OneWhoIsWhyABatchFailsSpoilsNothingForTheOthers) {
  const Reaction reactions[] = {
      respond(400),
      respond(404),
      respond(422),
      respond(500),
      respond_json(R"([{"id":1,"id":2}])"),
      respond_json(R"([{"id":1,"x":")" + std::string(2'000'000, 'x') + "\"}]"),
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[", Reaction::Then::Close},
  };
  for (const auto& reaction : reactions) {
    scripted_.script([reaction](const Received& received) {
      if (received.method() == "GET") return received.target() == "/users/robot/" ? respond(400) : respond_json("{}");
      return received.body.find("robot") == std::string::npos ? even_users(received) : reaction;
    });
    const auto service = follow_batching([](auto& settings) { settings.endpoint.circuit_breaker.consecutive = 1; });
    const auto asked = scripted_.asked();
    auto askers = look_up_at_once(service, {"robot", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
    const auto all = all_of(askers);
    EXPECT_EQ(all[0].verdict(), Verdict::CannotTell);
    for (std::size_t i = 1; i < all.size(); ++i) {
      EXPECT_EQ(all[i].verdict(), Verdict::Yes) << i << ' ' << reaction.bytes.substr(0, 60);
    }
    EXPECT_EQ(scripted_.asked(), asked + 11);
    EXPECT_EQ(service->status().circuit, Service::Circuit::Closed);
  }
}

TEST_F(AskingForUsers, OfOnePageOfSeveralThoseWhoAreMissingAreAskedForAlone) {
  scripted_.script([](const Received& received) {
    if (received.method() == "GET") return received.target() == "/users/9/" ? respond(404) : respond_json("{}");
    return respond_json(R"({"count":3,"next":"/users/?page=2","results":[{"id":7}]})");
  });
  const auto service = follow_batching();
  auto askers = look_up_at_once(service, {"7", "8", "9"});
  const auto all = all_of(askers);
  EXPECT_EQ(all[0].verdict(), Verdict::Yes);
  EXPECT_EQ(all[1].verdict(), Verdict::Yes);
  EXPECT_EQ(all[2].verdict(), Verdict::No);
  EXPECT_EQ(scripted_.asked(), 3U);
  EXPECT_EQ(service->status().failed, 0U) << "somebody was told of everybody";
}

TEST_F(AskingForUsers, ABatchThatIsAskedOneByOneHidesNoSilence) {
  scripted_.script([](const Received& received) { return received.method() == "POST" ? respond(500) : say_nothing(); });
  const auto service = follow_batching([](auto& settings) { settings.endpoint.timeout = seconds(2); });
  auto askers = look_up_at_once(service, {"1", "2", "3", "4", "5", "6"});
  for (const auto& told : all_of(askers)) EXPECT_EQ(told.verdict(), Verdict::CannotTell);
  EXPECT_EQ(service->status().circuit, Service::Circuit::Open);
}

TEST_F(AskingForUsers, ABatchIsNotAskedOneByOneWhereThatCannotHelp) {
  const auto service = follow_batching([](auto& settings) { settings.endpoint.circuit_breaker.consecutive = 100; });
  std::size_t asked = 0;
  int subject = 0;
  for (const auto& reaction :
       {respond(401), respond(403), respond(408), respond(429), respond(502), respond(503), respond(504), hang_up()}) {
    scripted_.script([reaction](const Received&) { return reaction; });
    std::vector<std::string> subjects;
    for (int i = 0; i < 10; ++i) subjects.push_back(std::to_string(subject++));
    auto askers = look_up_at_once(service, subjects);
    for (const auto& told : all_of(askers)) EXPECT_EQ(told.verdict(), Verdict::CannotTell) << reaction.bytes;
    EXPECT_LE(scripted_.asked(), asked + 2) << reaction.bytes << ", once more where a kept connection has ended";
    asked = scripted_.asked();
  }
}

TEST_F(AskingForUsers, APurgeFindsOneWhoIsNotKnown) {
  scripted_.script(status(404));
  const auto single = follow_users();
  EXPECT_EQ(look_up(single, "ann").get().verdict(), Verdict::No);
  EXPECT_EQ(purge({.subject = "eve", .token = {}}), 0U);
  EXPECT_EQ(purge({.subject = "ann", .token = {}}), 1U);
  EXPECT_EQ(look_up(single, "ann").get().from, CacheResult::Miss);
  scripted_.script(&even_users);
  const auto batching = follow_batching();
  EXPECT_EQ(look_up(batching, "7").get().verdict(), Verdict::No);
  EXPECT_EQ(purge({.subject = "7", .token = {}}), 1U);
}

TEST_F(AskingForUsers, WithTheCallersTokenOneByOne) {
  scripted_.script([](const Received& received) {
    return received.field("Cookie") == "access_token=abc" ? respond_json("{}") : respond(403);
  });
  const auto service = follow_batching(
      [](auto& settings) { settings.send_as = {.kind = config::SendAs::Kind::Cookie, .name = "access_token"}; });
  EXPECT_EQ(look_up(service, "1", "abc").get().verdict(), Verdict::Yes);
  EXPECT_EQ(look_up(service, "1", "def").get().verdict(), Verdict::CannotTell);
  EXPECT_EQ(look_up(service, "1", "a;b").get().verdict(), Verdict::No);
  EXPECT_EQ(purge({.subject = {}, .token = base::Secret("def")}), 0U);
  EXPECT_EQ(purge({.subject = {}, .token = base::Secret("abc")}), 1U);
}

/// A service that renews sessions.
class AskingForSessions : public AskingAService {
 protected:
  ServicePtr follow_session() {
    config::SessionRefresh settings;
    settings.endpoint.url = scripted_.url("/refresh/");
    auto service = std::make_shared<Service>(Service::Kind::SessionRefresh, "session_refresh", settings);
    authority_->follow({}, {service});
    return service;
  }
};

TEST_F(AskingForSessions, ASessionIsRenewedOnce) {
  scripted_.script([](const Received& received) {
    return respond_json(R"({"access":"new of )" + received.field("Cookie") + "\"}", "Cache-Control: no-store\r\n");
  });
  const auto service = follow_session();
  const auto told = ask(service, "r1");
  ASSERT_EQ(told.verdict(), Verdict::Yes);
  EXPECT_EQ(told.answer->session->access.reveal(), "new of refresh_token=r1");
  EXPECT_EQ(ask(service, "r1").answer, told.answer);
  ask(service, "r2");
  EXPECT_EQ(scripted_.asked(), 2U);
  EXPECT_EQ(scripted_.connections(), 2U) << "each on a connection of its own";
}

TEST_F(AskingForSessions, APurgeOfAnySubjectForgetsThemAll) {
  scripted_.script(says(R"({"access":"new"})"));
  const auto service = follow_session();
  ask(service, "r1");
  ask(service, "r2");
  EXPECT_EQ(purge({.subject = "ann", .token = {}}), 2U) << "nobody knows whose they are";
  EXPECT_EQ(ask(service, "r1").from, CacheResult::Miss);
}

TEST_F(AskingForSessions, ARefusalAndAFailureAreNotRepeated) {
  const auto service = follow_session();
  scripted_.script(status(401));
  EXPECT_EQ(ask(service, "r1").verdict(), Verdict::No);
  EXPECT_EQ(ask(service, "r1").from, CacheResult::NegativeHit);
  scripted_.script(status(500));
  EXPECT_EQ(ask(service, "r2").verdict(), Verdict::CannotTell);
  scripted_.script(says(R"({"access":"new"})"));
  EXPECT_EQ(ask(service, "r2").verdict(), Verdict::CannotTell);
  EXPECT_EQ(ask(service, "r3").verdict(), Verdict::Yes);
  EXPECT_EQ(scripted_.asked(), 3U);
  purge({});
  EXPECT_EQ(ask(service, "r2").verdict(), Verdict::Yes);
}

TEST_F(AskingForSessions, ACallThatEndsWithoutAnAnswerIsNotRepeated) {
  const auto service = follow_session();
  EXPECT_EQ(ask(service, "r0").verdict(), Verdict::CannotTell);
  scripted_.script([](const Received&) { return hang_up(); });
  EXPECT_EQ(ask(service, "r1").verdict(), Verdict::CannotTell);
  EXPECT_EQ(scripted_.asked(), 2U);
}

}  // namespace
}  // namespace sidegate::authority
