#include <sidegate/policy/recognition.hpp>
#include <sidegate/policy/trace.hpp>
#include <sidegate/revocation/revocations.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "deciding.hpp"

namespace sidegate::policy {
namespace {

using base::Reason;
using revocation::Rule;
using std::chrono::seconds;

constexpr base::UnixTime kLater = kNow + std::chrono::hours(1);

const std::string kRoutes =
    "inject: {X-User-Id: \"{subject}\"}\n"
    "routes:\n"
    "  - {name: free, path: /free, authenticate: none, upstream: app}\n"
    "  - {name: lasting, path: /lasting, authenticate: [staff], upstream: app, close_at_expiry: false}\n"
    "  - {name: maybe, path: /maybe, authenticate: optional, upstream: app}\n"
    "  - {name: all, path: /**, authenticate: [staff], upstream: app}\n";

std::string bearer(const std::string& token, const std::string& path = "/") {
  return request_of("GET " + path, {"Authorization: Bearer " + token});
}

Rule by(Rule::Kind kind, std::string name, base::UnixTime issued_before = {}) {
  return {.authenticator = "staff",
          .kind = kind,
          .name = std::move(name),
          .issued_before = issued_before,
          .expires = kLater};
}

/// A token that says when it was issued.
std::string token_issued(base::UnixTime issued, boost::json::object claims = {{"sub", "7"}}) {
  claims["iat"] = issued.time_since_epoch().count();
  return token_of(std::move(claims));
}

class Revocation : public testing::Test {
 protected:
  void revoke(const Rule& rule) { revocations_->add({rule}, kNow); }

  std::shared_ptr<revocation::Revocations> revocations_ = std::make_shared<revocation::Revocations>();
  Deciding deciding_{with(kRoutes), {.issuers = nullptr, .revocations = revocations_}};
};

TEST_F(Revocation, ByJti) {
  const auto token = token_of({{"sub", "7"}, {"jti", "one"}});
  EXPECT_EQ(deciding_.description(bearer(token)), "forward all staff=7");
  revoke(by(Rule::Kind::Jti, "one"));
  EXPECT_EQ(deciding_.description(bearer(token)), "refuse revoked staff revoked") << "though it is in the cache";
  EXPECT_EQ(deciding_.decide(bearer(token)).lines,
            "WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"The access token is expired, "
            "revoked, malformed or invalid\"\r\n");
  EXPECT_EQ(deciding_.description(bearer(token_of({{"sub", "7"}, {"jti", "two"}}))), "forward all staff=7");
  EXPECT_EQ(deciding_.description(bearer(token, "/maybe")), "refuse revoked staff revoked");
  EXPECT_EQ(deciding_.description(bearer(token, "/free")), "forward free");
}

TEST_F(Revocation, BySubject) {
  revoke(by(Rule::Kind::Subject, "7", kNow - seconds(10)));
  EXPECT_EQ(deciding_.description(bearer(token_issued(kNow - seconds(11)))), "refuse revoked staff revoked");
  EXPECT_EQ(deciding_.description(bearer(token_issued(kNow - seconds(10)))), "forward all staff=7");
  EXPECT_EQ(deciding_.description(bearer(token_of({{"sub", "7"}}))), "refuse revoked staff revoked") << "without iat";
  EXPECT_EQ(deciding_.description(bearer(token_issued(kNow - seconds(11), {{"sub", 7}}))),
            "refuse revoked staff revoked")
      << "a number is the same name";
  EXPECT_EQ(deciding_.description(bearer(token_issued(kNow - seconds(11), {{"sub", "8"}}))), "forward all staff=8");
}

TEST_F(Revocation, ByToken) {
  const auto token = token_of({{"sub", "7"}});
  const auto recognition = deciding_.policy().recognise(0, token, kNow);
  ASSERT_TRUE(recognition);
  revoke(by(Rule::Kind::Token, recognition->credential.digest));
  EXPECT_EQ(deciding_.description(bearer(token)), "refuse revoked staff revoked");
  EXPECT_EQ(deciding_.description(bearer(token_of({{"sub", "7"}, {"n", 1}}))), "forward all staff=7");
}

TEST_F(Revocation, IsAskedWhenAllElseIsWell) {
  revoke(by(Rule::Kind::Jti, "one"));
  EXPECT_EQ(deciding_.description(bearer(token_of({{"sub", "7"}, {"jti", "one"}, {"exp", 1}}))),
            "refuse expired staff expired");
  EXPECT_EQ(
      deciding_.description(bearer(token_of({{"sub", "7"}, {"jti", "one"}}, "another secret of 32 bytes, or so"))),
      "refuse bad_signature staff bad_signature");
  EXPECT_EQ(deciding_.description(bearer(token_of({{"jti", "one"}}))), "refuse missing_claim staff missing_claim");
}

TEST_F(Revocation, OfAnotherAuthenticatorMeansNothing) {
  auto rule = by(Rule::Kind::Jti, "one");
  rule.authenticator = "other";
  revoke(rule);
  EXPECT_EQ(deciding_.description(bearer(token_of({{"sub", "7"}, {"jti", "one"}}))), "forward all staff=7");
}

TEST_F(Revocation, IsACheckOfItsOwn) {
  const auto checked = [this](const std::string& token) {
    const ParsedRequest request(bearer(token));
    Scratch scratch;
    Trace trace;
    deciding_.policy().decide(request.request(), kNow, scratch, &trace);
    const auto& last = trace.token.back();
    return std::string(name_of(last.name)) + (last.passed ? " passed: " : " failed: ") + last.detail;
  };
  const auto token = token_of({{"sub", "7"}, {"jti", "one"}});
  EXPECT_EQ(checked(token), "revocation passed: not revoked");
  revoke(by(Rule::Kind::Token, deciding_.policy().recognise(0, token, kNow)->credential.digest));
  EXPECT_EQ(checked(token), "revocation failed: this very token was revoked");
  revoke(by(Rule::Kind::Subject, "7", kNow));
  EXPECT_EQ(checked(token),
            "revocation failed: revoked with all tokens of its subject that were issued before a moment, or do not say "
            "when");
  revoke(by(Rule::Kind::Jti, "one"));
  EXPECT_EQ(checked(token), "revocation failed: revoked by its jti");
}

TEST_F(Revocation, WhatOutlivesItsHeadIsHeldByWhatRulesKnow) {
  const auto token = token_issued(kNow - seconds(3), {{"sub", "7"}, {"jti", "one"}});
  const Decision decision = deciding_.decide(bearer(token));
  EXPECT_EQ(decision.ends_with, token);
  const auto held = deciding_.policy().hold(decision, deciding_.scratch());
  EXPECT_EQ(held.authenticator, "staff");
  EXPECT_EQ(held.subject, "7");
  EXPECT_EQ(held.jti, "one");
  EXPECT_EQ(held.issued, kNow - seconds(3));
  EXPECT_EQ(held.digest.size(), 64U);
  EXPECT_EQ(deciding_.decide(bearer(token, "/lasting")).ends_with, "") << "it does not end with its token";
  EXPECT_EQ(deciding_.decide(bearer(token, "/free")).ends_with, "");
  EXPECT_EQ(deciding_.decide(request_of("GET /maybe")).ends_with, "");
}

TEST_F(Revocation, ATokenIsRecognisedWhateverTheTime) {
  const auto expires_of = [this](const boost::json::object& claims) {
    const auto recognition = deciding_.policy().recognise(0, token_of(claims), kNow);
    EXPECT_TRUE(recognition);
    return recognition ? recognition->expires : std::nullopt;
  };
  EXPECT_EQ(expires_of({{"sub", "7"}, {"exp", 1'000}}), base::UnixTime(seconds(1'000))) << "expired";
  EXPECT_EQ(expires_of({{"sub", "7"}, {"nbf", 1'790'000'100}}), base::UnixTime(seconds(1'790'003'600))) << "not yet";
  EXPECT_EQ(expires_of({{"sub", "7"}, {"iat", 1'790'000'100}}), base::UnixTime(seconds(1'790'003'600)));
  EXPECT_EQ(deciding_.policy().cache_entries(0), 0U) << "nobody asked for anything with it";
}

TEST_F(Revocation, ATokenThatIsNobodysIsNot) {
  const auto reason_of = [this](const std::string& token) {
    return deciding_.policy().recognise(0, token, kNow).error();
  };
  EXPECT_EQ(reason_of("opaque"), Reason::Malformed);
  EXPECT_EQ(reason_of(std::string(20'000, 'a')), Reason::TokenTooLarge);
  EXPECT_EQ(reason_of(token_of({{"sub", "7"}}, "another secret of 32 bytes, or so")), Reason::BadSignature);
  EXPECT_EQ(reason_of(token_of({{"name", "x"}})), Reason::MissingClaim);
}

TEST(RevocationOfALenientAuthenticator, LastsAsLongAsItsTokens) {
  auto text = with(kRoutes);
  text.insert(text.find("algorithms:"), "leeway: 30s, require_claims: [], ");
  Deciding deciding(text);
  EXPECT_EQ(deciding.policy().recognise(0, token_of({{"sub", "7"}}), kNow)->expires,
            base::UnixTime(seconds(1'790'003'630)));
  const auto endless = token::sign_jwt({{"sub", "7"}}, token::Algorithm::HS256, kSecret);
  EXPECT_EQ(deciding.policy().recognise(0, *endless, kNow)->expires, std::nullopt);
}

}  // namespace
}  // namespace sidegate::policy
