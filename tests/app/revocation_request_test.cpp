#include "revocation_request.hpp"

#include <sidegate/config/load.hpp>
#include <sidegate/token/signer.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sidegate::app {
namespace {

namespace json = boost::json;
using revocation::Revocations;
using revocation::Rule;
using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;

constexpr base::UnixTime kNow{seconds(1'790'000'000)};
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kOther = "fedcba9876543210fedcba9876543210";

std::string token_of(const json::object& claims, std::string_view secret = kSecret) {
  return *token::sign_jwt(claims, token::Algorithm::HS256, secret);
}

/// A configuration with these authenticators, each with its secret.
class Gatekeeper {
 public:
  explicit Gatekeeper(const std::vector<std::pair<std::string, std::string_view>>& authenticators) {
    std::string text =
        "version: 1\nlisteners: {public: {address: \"127.0.0.1:0\"}}\n"
        "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\nauthenticators:\n";
    std::string routes = "routes:\n";
    for (const auto& [name, secret] : authenticators) {
      text += "  " + name + ": {jwt: {token: [{bearer: Authorization}], keys: [{secret: " + std::string(secret) +
              "}], algorithms: [HS256]}}\n";
      routes += "  - {path: /" + name + ", authenticate: [" + name + "], upstream: app}\n";
    }
    config::Diagnostics diagnostics("test.yaml");
    const auto environment = [](std::string_view) { return std::optional<std::string>(); };
    config_ = config::load_text(text + routes, "/", environment, diagnostics);
    policy_ = policy::Policy::compile(config_, diagnostics);
    if (!diagnostics.ok()) throw std::invalid_argument(diagnostics.lines().front());
  }

  AskedRevocation read(const std::string& body) { return read_revocation(body, config_, *policy_, kNow); }
  AskedRevocation read(const json::object& body) { return read(json::serialize(body)); }
  const config::Config& config() const { return config_; }

 private:
  config::Config config_;
  std::unique_ptr<policy::Policy> policy_;
};

TEST(RevocationRequest, NamesTheOneAuthenticatorThereIs) {
  Gatekeeper gatekeeper({{"staff", kSecret}});
  const auto asked = gatekeeper.read({{"jti", "one"}});
  EXPECT_THAT(asked.rules, ElementsAre(Rule{"staff", Rule::Kind::Jti, "one", {}, kNow + hours(24)}));
  EXPECT_FALSE(asked.refusal);
  EXPECT_EQ(
      gatekeeper.read({{"authenticator", "staff"}, {"subject", "7"}, {"issued_before", 5}, {"expires", 2e9}}).rules,
      (std::vector<Rule>{
          {"staff", Rule::Kind::Subject, "7", base::UnixTime(seconds(5)), base::UnixTime(seconds(2'000'000'000))}}));
}

TEST(RevocationRequest, OfATokenLastsAsLongAsTheToken) {
  Gatekeeper gatekeeper({{"staff", kSecret}});
  const auto rule_for = [&](const json::object& claims, json::object body = {}) {
    body["token"] = token_of(claims);
    const auto asked = gatekeeper.read(body);
    EXPECT_EQ(asked.subject, "7");
    return asked.rules.at(0);
  };
  const json::object claims{{"sub", "7"}, {"jti", "one"}, {"exp", 1'790'000'060}};
  EXPECT_EQ(rule_for(claims), (Rule{"staff", Rule::Kind::Jti, "one", {}, kNow + seconds(60)}));
  EXPECT_EQ(rule_for(claims, {{"expires", 1'790'000'001}}).expires, kNow + seconds(1));
  EXPECT_EQ(rule_for({{"sub", "7"}, {"exp", 1'790'000'000}}).expires, kNow + hours(24)) << "it has expired";
  const auto without_jti = rule_for({{"sub", "7"}, {"exp", 1'790'000'060}});
  EXPECT_EQ(without_jti.kind, Rule::Kind::Token);
  EXPECT_EQ(without_jti.name.size(), 64U);
  const auto long_jti = std::string(revocation::kNameBytesMax + 1, 'x');
  EXPECT_EQ(rule_for({{"sub", "7"}, {"exp", 1'790'000'060}, {"jti", long_jti}}).kind, Rule::Kind::Token);
}

TEST(RevocationRequest, OfATokenIsForAllThatAcceptIt) {
  Gatekeeper gatekeeper({{"staff", kSecret}, {"partner", kOther}, {"again", kSecret}});
  const auto token = token_of({{"sub", "7"}, {"exp", 1'790'000'060}});
  const auto names = [](const AskedRevocation& asked) {
    std::vector<std::string> all;
    for (const Rule& rule : asked.rules) all.push_back(rule.authenticator);
    return all;
  };
  EXPECT_THAT(names(gatekeeper.read({{"token", token}})), ElementsAre("staff", "again"));
  EXPECT_THAT(names(gatekeeper.read({{"token", token}, {"authenticator", "again"}})), ElementsAre("again"));
}

TEST(RevocationRequest, IsRefusedInWords) {
  Gatekeeper one({{"staff", kSecret}});
  Gatekeeper two({{"staff", kSecret}, {"partner", kOther}});
  const auto refusal = [](const AskedRevocation& asked) {
    EXPECT_TRUE(asked.rules.empty());
    return asked.refusal ? std::to_string(asked.refusal->status) + " " + asked.refusal->json : "none";
  };
  EXPECT_EQ(refusal(one.read("")), R"(422 {"error":"the body is not a JSON object, or has a member twice"})");
  EXPECT_EQ(refusal(two.read({{"jti", "one"}})), R"(422 {"error":"\"authenticator\" is missing: there are several"})");
  EXPECT_EQ(refusal(one.read({{"jti", "one"}, {"authenticator", "x"}})),
            R"(422 {"error":"\"authenticator\": there is none of this name"})");
  EXPECT_EQ(refusal(two.read({{"token", "nonsense"}})),
            R"(422 {"error":"no authenticator accepts the token: malformed"})");
  EXPECT_EQ(refusal(two.read({{"token", token_of({{"sub", "7"}}, "a third secret, of 32 bytes or so")}})),
            R"(422 {"error":"no authenticator accepts the token: bad_signature"})");
}

TEST(RevocationRequest, IsAnsweredByWhatBecameOfIt) {
  AskedRevocation asked;
  asked.rules = {{"staff", Rule::Kind::Subject, "7", {}, kNow}};
  const auto answer = [&](Revocations::Addition::Result result) {
    const auto outcome = answer_to(asked, {result, "no room"});
    return std::to_string(outcome.status) + " " + outcome.json;
  };
  using Result = Revocations::Addition::Result;
  EXPECT_EQ(answer(Result::Kept),
            R"(200 {"status":"revoked","authenticator":"staff","kind":"subject","expires":"2026-09-21T14:13:20Z"})");
  EXPECT_EQ(answer(Result::InMemory),
            R"(500 {"error":"it is revoked, but only until the next start, since it could not be written: no room"})");
  EXPECT_EQ(
      answer(Result::TooMany),
      R"(409 {"error":"there are 100000 revocations already; one rule for a \"subject\" takes the place of many"})");
  asked.rules.push_back({"partner", Rule::Kind::Subject, "7", {}, kNow + seconds(1)});
  EXPECT_EQ(
      answer(Result::Kept),
      R"(200 {"status":"revoked","authenticator":["staff","partner"],"kind":"subject","expires":"2026-09-21T14:13:21Z"})");
}

TEST(RevocationRequest, UnknownAuthenticatorsAreToldOnce) {
  const Gatekeeper gatekeeper({{"staff", kSecret}});
  const std::vector<Rule> rules{{"staff", Rule::Kind::Jti, "1", {}, kNow},
                                {"gone", Rule::Kind::Jti, "1", {}, kNow},
                                {"away", Rule::Kind::Jti, "1", {}, kNow},
                                {"gone", Rule::Kind::Jti, "2", {}, kNow}};
  EXPECT_THAT(unknown_authenticators(rules, gatekeeper.config()), ElementsAre("away", "gone"));
}

}  // namespace
}  // namespace sidegate::app
