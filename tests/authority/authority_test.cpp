#include <sidegate/authority/authority.hpp>
#include <sidegate/telemetry/log.hpp>

#include "options.hpp"
#include "scripted_issuer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <initializer_list>
#include <sstream>

namespace sidegate::authority {
namespace {

using base::OrMessage;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Box = std::shared_ptr<token::IssuerKeys>;

/// The examples of RFC 7517 appendix A.1 and RFC 8037 appendix A.2.
constexpr const char* kEc = R"("kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                            R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM")";
constexpr const char* kOkp = R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";

/// A set of keys with these names, all of the same kind.
std::string set_of(std::initializer_list<const char*> ids, const std::string& members = kEc) {
  std::string keys;
  for (const char* const id : ids) {
    keys += (keys.empty() ? "{\"kid\":\"" : ",{\"kid\":\"") + std::string(id) + "\"," + members + "}";
  }
  return "{\"keys\":[" + keys + "]}";
}

std::string answer_of(std::initializer_list<const char*> ids, const std::string& fields = {}) {
  return answer_with(set_of(ids), fields);
}

std::vector<std::string> ids_in(const Box& box) {
  std::vector<std::string> ids;
  if (const auto keys = box->keys()) {
    for (const auto& key : *keys) ids.push_back(key.id);
  }
  return ids;
}

struct Intervals {
  milliseconds refresh = hours(1);
  milliseconds cooldown = hours(1);
};

/// An issuer, and an authority that may follow it.
class AnAuthority : public testing::Test {
 protected:
  AnAuthority() {
    config::Log log;
    log.path = log_file_;
    telemetry::open_log(log);
    make_authority(seconds(4));
  }
  ~AnAuthority() override {
    authority_.reset();
    telemetry::open_log({});
    std::filesystem::remove(log_file_);
  }

  void make_authority(milliseconds patience, LookUp look_up = &authority::look_up) {
    authority_.reset();
    Authority::Options options;
    options.patience = patience;
    options.look_up = std::move(look_up);
    authority_ = std::make_unique<Authority>(std::move(options));
  }

  Box box_for(const std::string& url, Intervals intervals = {}) {
    config::Issuer settings;
    settings.url = url;
    settings.refresh = intervals.refresh;
    settings.cooldown = intervals.cooldown;
    return std::make_shared<token::IssuerKeys>(settings);
  }

  /// Follows the issuer from now on.
  Box follow(Intervals intervals = {}, const std::string& path = "/jwks") {
    auto box = box_for(issuer_.url(path), intervals);
    authority_->follow({box});
    return box;
  }

  /// Asks, and waits for the end of the question.
  void ask(const Box& box) {
    std::promise<void> told;
    authority_->ask(box, [&] { told.set_value(); });
    told.get_future().wait();
  }

  static bool has(const Box& box, std::initializer_list<const char*> ids) {
    return eventually([&] {
      const auto found = ids_in(box);
      return box->version() != 0 && std::equal(found.begin(), found.end(), ids.begin(), ids.end());
    });
  }
  static bool has_failed(const Box& box, std::uint64_t times = 1) {
    return eventually([&] { return box->status().fetches_failed >= times; });
  }

  std::vector<std::string> log_lines(const std::string& about) const {
    std::ifstream file(log_file_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      if (line.find(about) != line.npos) lines.push_back(line);
    }
    return lines;
  }

  ScriptedIssuer issuer_;
  std::string log_file_ = testing::TempDir() + "authority-" + std::to_string(::getpid()) + ".log";
  std::unique_ptr<Authority> authority_;
};

TEST_F(AnAuthority, PublishesWhatAnIssuerSays) {
  issuer_.script(always(answer_of({"b", "a"})));
  const Box box = follow();
  EXPECT_TRUE(has(box, {"a", "b"}));
  EXPECT_EQ(box->version(), 1U);
  EXPECT_EQ(box->status().fetches_succeeded, 1U);
  EXPECT_TRUE(box->status().published);
  EXPECT_TRUE(eventually([&] { return !box->owes_answer(); }));
  EXPECT_FALSE(box->may_ask(steady_clock::now()));
  EXPECT_TRUE(box->may_ask(steady_clock::now() + hours(1)));
}

TEST_F(AnAuthority, AsksAgainWhenTheAnswerIsNoLongerFresh) {
  struct Case {
    std::string fields;
    Intervals intervals;
  };
  const Case cases[] = {
      {"", {milliseconds(60), milliseconds(20)}},
      {"Cache-Control: max-age=3600\r\n", {milliseconds(60), milliseconds(20)}},
      {"Cache-Control: no-store\r\n", {hours(1), milliseconds(20)}},
      {"Cache-Control: max-age=0\r\n", {hours(1), milliseconds(20)}},
      {"Cache-Control: max-age=100\r\nAge: 100\r\n", {hours(1), milliseconds(20)}},
      {"Cache-Control: max-age=1\r\n", {hours(1), milliseconds(20)}},
  };
  for (const Case& test : cases) {
    ScriptedIssuer issuer(always(answer_of({"a"}, test.fields)));
    authority_->follow({box_for(issuer.url(), test.intervals)});
    EXPECT_TRUE(issuer.was_asked(2)) << test.fields;
  }
}

TEST_F(AnAuthority, DoesNotAskAgainWhileTheAnswerIsFresh) {
  issuer_.script(always(answer_of({"a"}, "Cache-Control: max-age=1\r\n")));
  const auto begin = steady_clock::now();
  follow({hours(1), milliseconds(10)});
  ASSERT_TRUE(issuer_.was_asked(2));
  EXPECT_GE(issuer_.asked_at(1) - begin, milliseconds(890)) << "a tenth earlier at most";
}

TEST_F(AnAuthority, AKeyThatIsGoneIsGone) {
  issuer_.script(always(answer_of({"a", "b"})));
  const Box box = follow({milliseconds(50), milliseconds(20)});
  ASSERT_TRUE(has(box, {"a", "b"}));
  issuer_.script(always(answer_of({"b", "c"})));
  EXPECT_TRUE(has(box, {"b", "c"}));
}

TEST_F(AnAuthority, TheOrderOfTheKeysSaysNothing) {
  issuer_.script(always(answer_of({"a", "b"})));
  const Box box = follow({milliseconds(20), milliseconds(10)});
  ASSERT_TRUE(has(box, {"a", "b"}));
  issuer_.script(always(answer_of({"b", "a"})));
  const auto asked = issuer_.asked();
  ASSERT_TRUE(issuer_.was_asked(asked + 3));
  EXPECT_EQ(box->version(), 1U);
}

TEST_F(AnAuthority, AKeyThatTakesTheNameOfAnotherIsNoticed) {
  issuer_.script(always(answer_of({"a"})));
  const Box box = follow({milliseconds(50), milliseconds(20)});
  ASSERT_TRUE(has(box, {"a"}));
  issuer_.script(always(answer_with(set_of({"a"}, kOkp))));
  EXPECT_TRUE(eventually([&] { return box->version() == 2; }));
}

TEST_F(AnAuthority, ASetWithoutKeysIsWhatTheIssuerSays) {
  const std::string secret = R"("kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0")";
  for (const std::string& set : {std::string(R"({"keys":[]})"), set_of({"s"}, secret)}) {
    issuer_.script(always(answer_of({"a"})));
    const Box box = follow({milliseconds(50), milliseconds(20)});
    ASSERT_TRUE(has(box, {"a"}));
    issuer_.script(always(answer_with(set)));
    EXPECT_TRUE(has(box, {}));
    ask(box);  // its end comes after all that is said of the answer
    EXPECT_TRUE(eventually([&] { return !box->owes_answer(); }));
  }
  EXPECT_EQ(log_lines("publishes no key that can be used").size(), 2U);
  EXPECT_EQ(log_lines("a secret that is published is none").size(), 1U);
}

TEST_F(AnAuthority, AFailureLeavesTheKeys) {
  const std::string bad_bodies[] = {"",
                                    "<html>",
                                    R"({"keys":[],"keys":[]})",
                                    R"({"keys":)" + std::string(40, '[') + std::string(40, ']') + "}",
                                    R"({"keys":7})",
                                    "{}"};
  std::vector<std::string> bad_answers = {"", "HTTP/1.1 500 Oops\r\n\r\n", "HTTP/1.1 404 Not Found\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + set_of({"b"}),
                                          answer_with(set_of({"b"}) + std::string(1'100'000, ' '))};
  for (const auto& body : bad_bodies) bad_answers.push_back(answer_with(body));
  for (const auto& bad : bad_answers) {
    issuer_.script(always(answer_of({"a"})));
    const Box box = follow({milliseconds(30), milliseconds(10)});
    ASSERT_TRUE(has(box, {"a"}));
    issuer_.script(always(bad));
    // More than once: each is told.
    ASSERT_TRUE(has_failed(box, 2)) << bad.substr(0, 99);
    EXPECT_THAT(ids_in(box), ElementsAre("a")) << bad.substr(0, 99);
    EXPECT_EQ(box->version(), 1U);
    EXPECT_TRUE(box->owes_answer());
    EXPECT_THAT(box->status().last_error, HasSubstr(issuer_.url() + ": ")) << bad.substr(0, 99);
    issuer_.script(always(answer_of({"b"})));
    EXPECT_TRUE(has(box, {"b"}));
    EXPECT_TRUE(eventually([&] { return box->status().last_error.empty() && !box->owes_answer(); }));
  }
}

TEST_F(AnAuthority, AnIssuerThatComesLateIsFound) {
  std::string url;
  issuer_.script(always("HTTP/1.1 503 Starting\r\n\r\n"));
  const Box box = follow({hours(1), milliseconds(30)});
  ASSERT_TRUE(has_failed(box, 3));
  EXPECT_EQ(box->version(), 0U);
  EXPECT_EQ(box->keys(), nullptr);
  issuer_.script(always(answer_of({"a"})));
  EXPECT_TRUE(has(box, {"a"}));
}

TEST_F(AnAuthority, AnIssuerThatHangsIsGivenUp) {
  make_authority(milliseconds(80));
  issuer_.script(&hang);
  const Box box = follow({hours(1), milliseconds(30)});
  ASSERT_TRUE(has_failed(box));
  EXPECT_EQ(box->status().last_error, issuer_.url() + ": timed out after 80 ms");
  issuer_.script(always(answer_of({"a"})));
  EXPECT_TRUE(has(box, {"a"}));
}

TEST_F(AnAuthority, OneQuestionServesAllWhoAsk) {
  std::promise<void> gate;
  issuer_.script([open = gate.get_future().share()](Conversation& conversation) {
    open.wait();
    conversation.send(answer_of({"a"}));
  });
  const Box box = follow();
  std::atomic<int> told{0};
  std::atomic<int> told_too_early{0};
  for (int i = 0; i < 1'000; ++i) {
    authority_->ask(box, [&] {
      if (box->version() == 0) ++told_too_early;
      ++told;
    });
  }
  ASSERT_TRUE(issuer_.was_asked(1));
  EXPECT_EQ(told, 0);
  EXPECT_TRUE(box->owes_answer());
  gate.set_value();
  EXPECT_TRUE(eventually([&] { return told == 1'000; }));
  EXPECT_EQ(told_too_early, 0);
  EXPECT_EQ(issuer_.asked(), 1U);
}

TEST_F(AnAuthority, WhoAsksIsToldOfAFailureToo) {
  issuer_.script(always("HTTP/1.1 500 Oops\r\n\r\n"));
  const Box box = follow();
  ask(box);
  EXPECT_GE(box->status().fetches_failed, 1U);
}

TEST_F(AnAuthority, AFloodOfQuestionsIsOne) {
  constexpr int kThreads = 4;
  constexpr int kEach = 25'000;
  issuer_.script(always(answer_of({"a"})));
  const Box box = follow();
  std::atomic<int> told{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) authority_->ask(box, [&] { ++told; });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return told == kThreads * kEach; }));
  EXPECT_EQ(issuer_.asked(), 1U);
}

TEST_F(AnAuthority, IsAskedOnceMoreWhenTheCooldownIsOver) {
  issuer_.script(always(answer_of({"a"})));
  const Box box = follow({hours(1), milliseconds(150)});
  ask(box);
  ASSERT_THAT(ids_in(box), ElementsAre("a"));
  issuer_.script(always(answer_of({"b"})));
  ASSERT_TRUE(eventually([&] { return box->may_ask(steady_clock::now()); }));
  const auto asked = issuer_.asked();
  ask(box);
  EXPECT_THAT(ids_in(box), ElementsAre("b"));
  EXPECT_EQ(issuer_.asked(), asked + 1);
}

TEST_F(AnAuthority, AnIssuerThatNobodyFollowsIsNotAsked) {
  ask(box_for(issuer_.url()));
  EXPECT_EQ(issuer_.asked(), 0U);
}

TEST_F(AnAuthority, FollowingTheSameIssuerChangesNothing) {
  issuer_.script(always(answer_of({"a"})));
  const Box box = follow();
  ASSERT_TRUE(has(box, {"a"}));
  const Box another = box_for(issuer_.url("/other"));
  authority_->follow({another, box});
  ASSERT_TRUE(has(another, {"a"}));
  authority_->follow({box});
  ask(box);
  EXPECT_EQ(issuer_.asked(), 2U);
  EXPECT_EQ(box->status().fetches_succeeded, 1U);
}

TEST_F(AnAuthority, WhoWaitsForAnIssuerThatIsLetGoIsTold) {
  issuer_.script(&hang);
  const Box box = follow();
  std::promise<void> told;
  authority_->ask(box, [&] { told.set_value(); });
  ASSERT_TRUE(issuer_.was_asked(1));
  authority_->follow({});
  EXPECT_EQ(told.get_future().wait_for(seconds(3)), std::future_status::ready);
  EXPECT_FALSE(box->may_ask(steady_clock::now()));
  ask(box);
  EXPECT_EQ(issuer_.asked(), 1U);
}

TEST_F(AnAuthority, EndsWhileAnIssuerHangs) {
  make_authority(hours(1));
  issuer_.script(&hang);
  const Box box = follow();
  authority_->ask(box, [] {});
  ASSERT_TRUE(issuer_.was_asked(1));
  const auto start = steady_clock::now();
  authority_.reset();
  EXPECT_LT(steady_clock::now() - start, seconds(3));
}

/// A resolver that does not answer for one name until it is released, and says `here` to all others.
class HangingResolver {
 public:
  ~HangingResolver() { release(); }

  LookUp look_up() {
    return [gate = gate_.get_future().share(), asked = asked_](const std::string& name) -> OrMessage<Addresses> {
      if (name == "hangs.test") {
        *asked = true;
        gate.wait();
      }
      return Addresses{*base::IpAddress::parse("127.0.0.1")};
    };
  }
  bool was_asked() const {
    return eventually([this] { return asked_->load(); });
  }
  void release() {
    if (!std::exchange(released_, true)) gate_.set_value();
  }

 private:
  std::promise<void> gate_;
  std::shared_ptr<std::atomic<bool>> asked_ = std::make_shared<std::atomic<bool>>(false);
  bool released_ = false;
};

TEST_F(AnAuthority, EndsWhileANameServerHangs) {
  HangingResolver resolver;
  make_authority(hours(1), resolver.look_up());
  authority_->follow({box_for("https://hangs.test/jwks")});
  ASSERT_TRUE(resolver.was_asked());
  const auto start = steady_clock::now();
  authority_.reset();
  EXPECT_LT(steady_clock::now() - start, seconds(3));
}

TEST_F(AnAuthority, ANameServerThatHangsHoldsUpNoOtherIssuer) {
  HangingResolver resolver;
  make_authority(seconds(60), resolver.look_up());
  issuer_.script(always(answer_of({"a"})));
  const Box other = box_for(issuer_.url("/jwks", "localhost"));
  const Box hangs = box_for("https://hangs.test/jwks");
  authority_->follow({hangs});
  ASSERT_TRUE(resolver.was_asked());
  authority_->follow({hangs, other});
  EXPECT_TRUE(has(other, {"a"}));
  EXPECT_EQ(hangs->version(), 0U);
}

TEST_F(AnAuthority, TheCertificatesThatAreTrustedMayChange) {
  const auto ca = make_certificate("Some CA", "", nullptr);
  const auto own = make_certificate("issuer", "IP:127.0.0.1", &ca);
  ScriptedIssuer issuer(always(answer_of({"a"})), &own);
  const Box box = box_for(issuer.url(), {hours(1), milliseconds(30)});
  authority_->follow({box});
  ASSERT_TRUE(has_failed(box));
  EXPECT_THAT(box->status().last_error, HasSubstr("not signed by a CA that is trusted"));
  EXPECT_EQ(box->version(), 0U);
  auto settings = box->settings();
  settings.ca.emplace();
  settings.ca->secret = base::Secret(ca.pem());
  box->update(settings);
  EXPECT_TRUE(has(box, {"a"}));
}

/// An issuer that says where its keys are.
class ADiscoveringAuthority : public AnAuthority {
 protected:
  Box discover(Intervals intervals = {}, const std::string& path = "/tenant") {
    config::Issuer settings;
    settings.kind = config::Issuer::Kind::OidcIssuer;
    settings.url = issuer_.url(path);
    settings.refresh = intervals.refresh;
    settings.cooldown = intervals.cooldown;
    auto box = std::make_shared<token::IssuerKeys>(settings);
    authority_->follow({box});
    return box;
  }

  /// Answers with that document of metadata, and with a set at each of these places.
  void publish(const std::string& metadata, std::vector<std::pair<std::string, std::string>> sets) {
    issuer_.script([metadata, sets = std::move(sets)](Conversation& conversation) {
      if (conversation.target() == "/tenant/.well-known/openid-configuration") {
        conversation.send(answer_with(metadata, "Cache-Control: max-age=3600\r\n"));
      }
      for (const auto& [path, answer] : sets) {
        if (conversation.target() == path) conversation.send(answer);
      }
    });
  }

  std::string metadata(const std::string& jwks_uri, const std::string& path = "/tenant") const {
    return R"({"issuer":")" + issuer_.url(path) + R"(","jwks_uri":")" + jwks_uri + "\"}";
  }
};

TEST_F(ADiscoveringAuthority, FindsTheKeys) {
  publish(metadata(issuer_.url("/keys")), {{"/keys", answer_of({"a"})}});
  const Box box = discover();
  EXPECT_TRUE(has(box, {"a"}));
  EXPECT_EQ(issuer_.asked(), 2U);
}

TEST_F(ADiscoveringAuthority, FindsThemAgainWhereTheyMoved) {
  publish(metadata(issuer_.url("/keys")), {{"/keys", answer_of({"a"})}, {"/moved", answer_of({"b"})}});
  const Box box = discover({milliseconds(50), milliseconds(20)});
  ASSERT_TRUE(has(box, {"a"}));
  publish(metadata(issuer_.url("/moved")), {{"/keys", answer_of({"a"})}, {"/moved", answer_of({"b"})}});
  EXPECT_TRUE(has(box, {"b"}));
}

TEST_F(ADiscoveringAuthority, BelievesNoOtherIssuer) {
  const std::string documents[] = {metadata(issuer_.url("/keys"), "/other"), metadata(issuer_.url("/keys"), "/tenant/"),
                                   R"({"issuer":")" + issuer_.url("/tenant") + "\"}",
                                   metadata("http://issuer.example/keys"), "<html>"};
  const auto asked_for_keys = std::make_shared<std::atomic<int>>(0);  // the issuer may outlive this function
  for (const auto& document : documents) {
    issuer_.script([document, asked_for_keys](Conversation& conversation) {
      if (conversation.target() == "/keys") ++*asked_for_keys;
      conversation.send(answer_with(document, "Cache-Control: max-age=3600\r\n"));
    });
    const Box box = discover();
    ask(box);
    EXPECT_EQ(box->version(), 0U) << document;
    EXPECT_THAT(box->status().last_error, HasSubstr(issuer_.url("/tenant/.well-known/openid-configuration: ")));
  }
  EXPECT_EQ(*asked_for_keys, 0);
}

TEST_F(ADiscoveringAuthority, OneDeadlineIsForBothDocuments) {
  make_authority(seconds(2));
  issuer_.script([this](Conversation& conversation) {
    if (conversation.target() == "/keys") return conversation.hang();
    conversation.send(answer_with(metadata(issuer_.url("/keys"))));
  });
  const Box box = discover();
  ask(box);
  EXPECT_EQ(box->status().last_error, issuer_.url("/keys") + ": timed out after 2 s");
}

TEST_F(AnAuthority, TellsOperatorsOfChangesOnly) {
  issuer_.script(always(answer_of({"a", "b"})));
  const Box box = follow({milliseconds(20), milliseconds(10)}, "/jwks?key=hidden");
  ASSERT_TRUE(has(box, {"a", "b"}));
  ASSERT_TRUE(issuer_.was_asked(3));
  issuer_.script(always(answer_of({"c"})));
  ASSERT_TRUE(has(box, {"c"}));
  issuer_.script(always("HTTP/1.1 500 Oops\r\n\r\n"));
  ASSERT_TRUE(has_failed(box, 3));
  issuer_.script(always(answer_of({"c"})));
  ASSERT_TRUE(eventually([&] { return !log_lines("answers again").empty(); }));
  authority_.reset();

  const auto changes = log_lines("the keys of an issuer have changed");
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_THAT(changes[0], AllOf(HasSubstr(R"("audit":true)"), HasSubstr(issuer_.url() + '"'),
                                HasSubstr(R"("kids":"\"a\", \"b\"")")));
  EXPECT_THAT(changes[1], HasSubstr(R"("kids":"\"c\"")"));
  const auto failures = log_lines("an issuer cannot be asked for its keys");
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_THAT(failures[0], AllOf(HasSubstr("warning"), HasSubstr("answered 500")));
  EXPECT_EQ(log_lines("an issuer answers again").size(), 1U);
  EXPECT_THAT(log_lines("hidden"), IsEmpty());
  EXPECT_THAT(log_lines("MKBCTNIcKUSDii11"), IsEmpty());
}

}  // namespace
}  // namespace sidegate::authority
