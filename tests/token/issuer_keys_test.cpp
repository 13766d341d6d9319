#include <sidegate/token/issuer_keys.hpp>
#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "key_pairs.hpp"

namespace sidegate::token {
namespace {

using base::CacheResult;
using base::Reason;
using base::UnixTime;
using std::chrono::hours;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr UnixTime kNow{seconds(1'790'000'000)};

config::Key issuer_at(const std::string& url) {
  config::Key key;
  key.form = config::Key::Form::Issuer;
  key.issuer.emplace();
  key.issuer->url = url;
  return key;
}

KeyMaterial published(KeyKind kind, const std::string& id) {
  KeyMaterial key = read_key_file(pair_of(kind).public_pem)->keys.front();
  key.id = id;
  return key;
}

std::string token_by(KeyKind kind, const std::string& key_id) {
  const auto algorithm = kind == KeyKind::Rsa ? Algorithm::RS256 : Algorithm::ES256;
  const std::string header = "{\"alg\":\"" + std::string(name_of(algorithm)) + "\"" +
                             (key_id.empty() ? "" : ",\"kid\":\"" + key_id + "\"") + "}";
  return *sign_jws(header, R"({"exp":1790000600})", algorithm, read_signing_keys(pair_of(kind).private_pem)->front());
}

/// A verifier of two issuers, and what they publish.
class IssuedKeys : public testing::Test {
 protected:
  IssuedKeys() : verifier_(settings(), diagnostics_, &board_) { EXPECT_TRUE(diagnostics_.ok()); }

  static config::JwtAuthenticator settings() {
    config::JwtAuthenticator settings;
    settings.keys = {issuer_at("https://one/jwks"), issuer_at("https://two/jwks")};
    settings.keys[1].until = kNow + seconds(60);
    settings.algorithms = {{"RS256", {}}, {"ES256", {}}};
    return settings;
  }

  std::shared_ptr<IssuerKeys> issuer(std::size_t index) { return board_.at(*settings().keys[index].issuer); }
  void publish(std::size_t index, IssuerKeys::Keys keys) {
    issuer(index)->publish(std::move(keys), steady_clock::now());
  }

  /// Asked a moment ago, and answered: it is not to be asked again soon.
  void cool_down(std::size_t index) {
    issuer(index)->note_asked(steady_clock::now() + hours(1));
    issuer(index)->publish(issuer(index)->keys() ? *issuer(index)->keys() : IssuerKeys::Keys{}, steady_clock::now());
  }

  Reason verify(const std::string& token, UnixTime now = kNow) {
    const auto verified = verifier_.verify(token, now, room_);
    return verified ? Reason::Accepted : verified.error();
  }
  std::size_t worth_asking() const { return verifier_.worth_asking().size(); }

  config::Diagnostics diagnostics_{"test.yaml"};
  IssuerBoard board_;
  JwtVerifier verifier_;
  boost::json::object room_;
};

TEST_F(IssuedKeys, WithoutAnyNothingCanBeSaid) {
  EXPECT_EQ(verify(token_by(KeyKind::Rsa, "a")), Reason::Unavailable);
  EXPECT_EQ(worth_asking(), 2U);
  EXPECT_EQ(verify("a.b"), Reason::Malformed) << "which no key can mend";
  EXPECT_EQ(worth_asking(), 0U);
}

TEST_F(IssuedKeys, ArePickedUpWhenTheyArePublished) {
  publish(0, {published(KeyKind::Rsa, "a")});
  publish(1, {published(KeyKind::P256, "b")});
  EXPECT_EQ(verify(token_by(KeyKind::Rsa, "a")), Reason::Accepted);
  EXPECT_EQ(verify(token_by(KeyKind::P256, "b")), Reason::Accepted);
  EXPECT_EQ(verify(token_by(KeyKind::P256, "b"), kNow + seconds(60)), Reason::BadSignature) << "the key's until";
}

TEST_F(IssuedKeys, OneThatIsRemovedIsRefusedAtOnceThoughTheTokenWasCached) {
  publish(0, {published(KeyKind::Rsa, "a"), published(KeyKind::P256, "b")});
  publish(1, {});
  const auto token = token_by(KeyKind::Rsa, "a");
  EXPECT_EQ(verify(token), Reason::Accepted);
  EXPECT_EQ(verify(token), Reason::Accepted);
  EXPECT_EQ(verifier_.last_lookup(), CacheResult::Hit);
  publish(0, {published(KeyKind::P256, "b")});
  cool_down(0);
  cool_down(1);
  EXPECT_EQ(verify(token), Reason::BadSignature);
  EXPECT_EQ(verifier_.cache_entries(), 0U);
  EXPECT_EQ(verify(token_by(KeyKind::P256, "b")), Reason::Accepted) << "the other one stays";
}

TEST_F(IssuedKeys, TheSameKeysOnceMoreChangeNothing) {
  publish(0, {published(KeyKind::Rsa, "a")});
  const auto version = issuer(0)->version();
  publish(0, {published(KeyKind::Rsa, "a")});
  EXPECT_EQ(issuer(0)->version(), version);
  publish(0, {published(KeyKind::Rsa, "other")});
  EXPECT_GT(issuer(0)->version(), version);
}

TEST_F(IssuedKeys, AnUnknownKidIsWorthAskingForOnceInACooldown) {
  publish(0, {published(KeyKind::Rsa, "a")});
  publish(1, {});
  const auto token = token_by(KeyKind::P256, "new");
  verify(token);
  EXPECT_EQ(worth_asking(), 2U);
  cool_down(0);
  cool_down(1);
  EXPECT_EQ(verify(token), Reason::BadSignature);
  EXPECT_EQ(worth_asking(), 0U);
  // A key that is known by its name, and none at all, ask for nothing: the signature is wrong.
  EXPECT_EQ(verify(token_by(KeyKind::P256, "a")), Reason::BadSignature);
  EXPECT_EQ(verify(token_by(KeyKind::P256, "")), Reason::BadSignature);
}

TEST_F(IssuedKeys, OfAnIssuerThatDoesNotAnswerTheUnknownCannotBeToldFromTheWrong) {
  publish(0, {published(KeyKind::Rsa, "a")});
  publish(1, {});
  issuer(0)->note_asked(steady_clock::now() + hours(1));
  issuer(0)->note_failure("it is down");
  EXPECT_EQ(verify(token_by(KeyKind::P256, "new")), Reason::Unavailable);
  EXPECT_EQ(verify(token_by(KeyKind::Rsa, "a")), Reason::Accepted) << "whoever has a known key sees nothing of it";
  EXPECT_EQ(verify(token_by(KeyKind::P256, "a")), Reason::BadSignature);
  EXPECT_EQ(issuer(0)->status().last_error, "it is down");
  publish(0, {published(KeyKind::Rsa, "a")});
  EXPECT_EQ(issuer(0)->status().last_error, "");
  cool_down(1);
  issuer(0)->note_asked(steady_clock::now() + hours(1));
  EXPECT_EQ(verify(token_by(KeyKind::P256, "new")), Reason::Unavailable) << "while it is being asked";
}

TEST_F(IssuedKeys, NoKeyAtAllIsNotTheCallersFault) {
  publish(0, {});
  publish(1, {});
  cool_down(0);
  cool_down(1);
  EXPECT_EQ(verify(token_by(KeyKind::Rsa, "")), Reason::Unavailable);
}

TEST_F(IssuedKeys, TheChecksTellWhatTheIssuerHasToDoWithIt) {
  const auto detail_of = [this](const std::string& token) {
    CheckList checks;
    EXPECT_FALSE(verifier_.verify(token, kNow, room_, &checks));
    return checks.back().detail;
  };
  EXPECT_EQ(detail_of(token_by(KeyKind::Rsa, "a")),
            "there is no key to check it with; the issuer would be asked for its keys");
  publish(0, {published(KeyKind::Rsa, "a")});
  publish(1, {});
  cool_down(0);
  cool_down(1);
  EXPECT_EQ(detail_of(token_by(KeyKind::P256, "x")), "there is no key to check it with; the issuer has no other");
}

TEST(IssuerBoard, AnIssuerIsKnownByItsPlaceAndItsIntervals) {
  IssuerBoard board;
  const auto one = issuer_at("https://one/jwks");
  auto other = one;
  other.issuer->refresh = hours(1);
  EXPECT_EQ(board.at(*one.issuer), board.at(*one.issuer));
  EXPECT_NE(board.at(*one.issuer), board.at(*other.issuer));
}

TEST(IssuerBoard, AskedAtOtherIntervalsItKeepsItsKeysAndWithOtherTrustItDoesNot) {
  IssuerBoard board;
  const auto issuer = issuer_at("https://one/jwks");
  board.at(*issuer.issuer)->publish({published(KeyKind::P256, "a")}, steady_clock::now());
  auto sooner = issuer;
  sooner.issuer->cooldown = seconds(1);
  EXPECT_EQ(board.at(*sooner.issuer)->keys()->size(), 1U);
  EXPECT_EQ(board.at(*sooner.issuer)->version(), 1U);
  auto trusting = issuer;
  trusting.issuer->allow_http = true;
  EXPECT_EQ(board.at(*trusting.issuer)->keys(), nullptr);
}

TEST(IssuerBoard, WhatWasMadeForAConfigurationThatIsNotUsedIsForgotten) {
  IssuerBoard board;
  config::Config config;
  config.authenticators.resize(1);
  config.authenticators[0].jwt.keys = {issuer_at("https://one/jwks")};
  const auto used = board.keep(config).front();
  used->publish({published(KeyKind::P256, "old")}, steady_clock::now());
  auto other = issuer_at("https://one/jwks");
  other.issuer->refresh = hours(2);
  board.at(*other.issuer);
  EXPECT_THAT(board.keep(config), testing::ElementsAre(used));
  used->publish({published(KeyKind::P256, "new")}, steady_clock::now());
  EXPECT_EQ(board.find(*other.issuer), nullptr);
  EXPECT_EQ(board.at(*other.issuer)->keys()->front().id, "new");
}

TEST(IssuerBoard, KeepsThoseThatAConfigurationNamesAndForgetsTheOthers) {
  IssuerBoard board;
  config::Config config;
  config.authenticators.resize(2);
  config.authenticators[0].jwt.keys = {issuer_at("https://one/jwks"), issuer_at("https://two/jwks")};
  config.authenticators[1].jwt.keys = {issuer_at("https://one/jwks")};
  const auto first = board.keep(config);
  ASSERT_EQ(first.size(), 2U);
  config.authenticators.resize(1);
  config.authenticators[0].jwt.keys.resize(1);
  EXPECT_THAT(board.keep(config), testing::ElementsAre(first[0])) << "with its keys";
  EXPECT_NE(board.at(*issuer_at("https://two/jwks").issuer), first[1]);
}

}  // namespace
}  // namespace sidegate::token
