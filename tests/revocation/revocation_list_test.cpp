#include <sidegate/revocation/revocation_list.hpp>
#include <sidegate/token/token_digest.hpp>

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "counted_allocations.hpp"

namespace sidegate::revocation {
namespace {

using base::UnixTime;
using Kind = Rule::Kind;

constexpr UnixTime at(long seconds) {
  return UnixTime(std::chrono::seconds(seconds));
}

Rule by_jti(std::string name, UnixTime expires) {
  return {.authenticator = "staff", .kind = Kind::Jti, .name = std::move(name), .expires = expires};
}
Rule by_subject(std::string name, UnixTime issued_before, UnixTime expires) {
  return {.authenticator = "staff",
          .kind = Kind::Subject,
          .name = std::move(name),
          .issued_before = issued_before,
          .expires = expires};
}
Rule by_digest(std::string name, UnixTime expires) {
  return {.authenticator = "staff", .kind = Kind::Token, .name = std::move(name), .expires = expires};
}

Credential of(std::string_view subject, std::optional<UnixTime> issued = std::nullopt, std::string_view jti = {}) {
  return {.authenticator = "staff", .subject = subject, .jti = jti, .issued = issued, .digest = {}};
}

RevocationList list_of(std::vector<Rule> rules, UnixTime now = at(0)) {
  tidy(rules, now);
  return RevocationList(rules);
}

TEST(RevocationList, AnEmptyOneRevokesNothing) {
  const RevocationList list;
  EXPECT_FALSE(list.revokes(of("alice", at(1), "a"), at(0)));
  EXPECT_EQ(list.rules_of("staff"), nullptr);
}

TEST(RevocationList, AJtiIsRevokedUntilTheRuleExpires) {
  const auto list = list_of({by_jti("one", at(100))});
  EXPECT_TRUE(list.revokes(of("alice", at(1), "one"), at(99)));
  EXPECT_FALSE(list.revokes(of("alice", at(1), "one"), at(100)));
  EXPECT_FALSE(list.revokes(of("alice", at(1), "On"), at(99)));
  EXPECT_FALSE(list.revokes(of("one", at(1)), at(99))) << "a subject is no jti";
}

TEST(RevocationList, ARuleIsForOneAuthenticator) {
  const auto list = list_of({by_jti("one", at(100)), by_subject("alice", at(50), at(100))});
  auto credential = of("alice", at(1), "one");
  credential.authenticator = "other";
  EXPECT_FALSE(list.revokes(credential, at(1)));
}

TEST(RevocationList, ASubjectIsRevokedForWhatWasIssuedBefore) {
  const auto list = list_of({by_subject("alice", at(50), at(100))});
  EXPECT_TRUE(list.revokes(of("alice", at(49)), at(60)));
  EXPECT_FALSE(list.revokes(of("alice", at(50)), at(60)));
  EXPECT_FALSE(list.revokes(of("bob", at(49)), at(60)));
  EXPECT_FALSE(list.revokes(of("alice", at(49)), at(100)));
  EXPECT_TRUE(list.revokes(of("alice"), at(60))) << "a token that does not say when it was issued";
  EXPECT_FALSE(list.revokes(of("alice"), at(100)));
}

TEST(RevocationList, OfSeveralForASubjectTheStrictestCounts) {
  const auto list = list_of({by_subject("alice", at(10), at(1000)), by_subject("alice", at(50), at(100)),
                             by_subject("alice", at(40), at(90))});
  EXPECT_TRUE(list.revokes(of("alice", at(49)), at(60)));
  EXPECT_FALSE(list.revokes(of("alice", at(49)), at(100))) << "that rule has expired";
  EXPECT_TRUE(list.revokes(of("alice", at(9)), at(100)));
}

TEST(RevocationList, ATokenIsKnownByItsDigest) {
  token::TokenDigest digest;
  const DigestText text(digest, "eyJ9.payload.signature");
  const auto list = list_of({by_digest(std::string(text.view()), at(100))});
  auto credential = of("alice", at(1));
  EXPECT_FALSE(list.revokes(credential, at(1))) << "it was not asked for its digest";
  const DigestText other_signature(digest, "eyJ9.payload.another");
  credential.digest = other_signature.view();
  EXPECT_TRUE(list.revokes(credential, at(1)));
  const DigestText other_payload(digest, "eyJ9.payloads.signature");
  credential.digest = other_payload.view();
  EXPECT_FALSE(list.revokes(credential, at(1)));
}

TEST(RevocationList, AnOpaqueTokenIsKnownByAllOfIt) {
  token::TokenDigest digest;
  for (const auto* const token : {"opaque", "v1.opaque", "v2.local.opaque", "..opaque"}) {
    const std::string other = std::string(token) + "2";
    EXPECT_NE(DigestText(digest, token).view(), DigestText(digest, other).view()) << token;
  }
  EXPECT_EQ(DigestText(digest, "opaque").view(), "6d229884c1268bb0ab32d8da315d0fe52f9147228bd830a37bc9fb28a954940d");
}

TEST(RevocationList, OnlyWhereATokenIsRevokedADigestIsNeeded) {
  EXPECT_FALSE(list_of({by_jti("one", at(100))}).rules_of("staff")->needs_digest());
  EXPECT_TRUE(list_of({by_digest("d", at(100))}).rules_of("staff")->needs_digest());
}

TEST(RevocationList, TellsWhichKindOfRule) {
  const auto list = list_of({by_jti("one", at(100)), by_subject("alice", at(50), at(100)), by_digest("d", at(100))});
  const auto& rules = *list.rules_of("staff");
  EXPECT_EQ(rules.find(of("bob", at(60), "one"), at(1)), Kind::Jti);
  EXPECT_EQ(rules.find(of("alice", at(1)), at(1)), Kind::Subject);
  auto credential = of("bob", at(60));
  credential.digest = "d";
  EXPECT_EQ(rules.find(credential, at(1)), Kind::Token);
  EXPECT_EQ(rules.find(of("bob", at(60), "two"), at(1)), std::nullopt);
}

TEST(RevocationList, TidyDropsWhatMakesNoDifference) {
  std::vector<Rule> rules{by_jti("old", at(10)),
                          by_jti("one", at(20)),
                          by_jti("one", at(30)),
                          by_subject("alice", at(5), at(50)),
                          by_subject("alice", at(4), at(40)),
                          by_subject("alice", at(3), at(60)),
                          by_subject("alice", at(5), at(50))};
  tidy(rules, at(10));
  EXPECT_EQ(rules, (std::vector<Rule>{by_jti("one", at(30)), by_subject("alice", at(5), at(50)),
                                      by_subject("alice", at(3), at(60))}));
}

/// Against the plain reading: some rule that has not expired names the credential.
TEST(RevocationList, SaysWhatEveryRuleByItselfWouldSay) {
  std::mt19937 random(7);
  const auto pick = [&](int most) { return std::uniform_int_distribution<int>(0, most)(random); };
  for (int round = 0; round < 300; ++round) {
    std::vector<Rule> rules;
    for (int i = pick(12); i > 0; --i) {
      const std::string name(1, static_cast<char>('a' + pick(2)));
      const auto expires = at(pick(20));
      switch (pick(2)) {
        case 0:
          rules.push_back(by_jti(name, expires));
          break;
        case 1:
          rules.push_back(by_subject(name, at(pick(20)), expires));
          break;
        default:
          rules.push_back(by_digest(name, expires));
      }
    }
    const auto list = list_of(rules, at(pick(3)));
    for (int look = 0; look < 50; ++look) {
      const auto now = at(3 + pick(20));
      const std::string jti(1, static_cast<char>('a' + pick(2)));
      const std::string subject(1, static_cast<char>('a' + pick(2)));
      const std::string digest(1, static_cast<char>('a' + pick(2)));
      auto credential = of(subject, at(pick(20)), jti);
      if (pick(3) == 0) credential.issued.reset();
      credential.digest = digest;
      const bool expected = std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
        if (rule.expires <= now) return false;
        if (rule.kind == Kind::Jti) return rule.name == jti;
        if (rule.kind == Kind::Token) return rule.name == digest;
        return rule.name == subject && (!credential.issued || *credential.issued < rule.issued_before);
      });
      ASSERT_EQ(list.revokes(credential, now), expected) << "round " << round;
    }
  }
}

TEST(RevocationList, ALookAllocatesNothing) {
  std::vector<Rule> rules;
  for (int i = 0; i < 1000; ++i) {
    const auto name = "a name that is longer than a short string " + std::to_string(i);
    rules.push_back(by_jti(name, at(100)));
    rules.push_back(by_subject(name, at(50), at(100)));
    rules.push_back(by_digest(name, at(100)));
  }
  const auto list = list_of(rules);
  token::TokenDigest digest;
  auto credential =
      of("a name that is longer than a short string 7000", at(1), "neither is this one revoked by its jti");
  const auto before = allocations;
  bool any = false;
  for (int i = 0; i < 1000; ++i) {
    const DigestText text(digest, "header.payload.signature");
    credential.digest = text.view();
    any = list.revokes(credential, at(1)) || any;
  }
  EXPECT_EQ(allocations, before);
  EXPECT_FALSE(any);
}

TEST(Credential, ItsMembersAreThoseOfTheClaims) {
  const auto claims = [](const char* text) { return boost::json::parse(text).as_object(); };
  EXPECT_EQ(jti_of(claims(R"({"jti":"one"})")), "one");
  EXPECT_EQ(jti_of(claims(R"({"jti":1})")), "") << "RFC 7519 section 4.1.7: a text";
  EXPECT_EQ(jti_of(claims("{}")), "");
  EXPECT_EQ(issued_of(claims(R"({"iat":7})")), at(7));
  EXPECT_EQ(issued_of(claims(R"({"iat":7.9})")), at(7));
  EXPECT_EQ(issued_of(claims(R"({"iat":null})")), std::nullopt);
  EXPECT_EQ(issued_of(claims("{}")), std::nullopt);
}

TEST(Credential, HeldIsTheSame) {
  const HeldCredential held{"staff", "alice", "one", at(7), "d"};
  const auto view = held.view();
  EXPECT_EQ(view.authenticator, "staff");
  EXPECT_EQ(view.subject, "alice");
  EXPECT_EQ(view.jti, "one");
  EXPECT_EQ(view.issued, at(7));
  EXPECT_EQ(view.digest, "d");
}

}  // namespace
}  // namespace sidegate::revocation
