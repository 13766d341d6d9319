#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::token {
namespace {

using base::CacheResult;
using base::Reason;
using base::UnixTime;
using std::chrono::seconds;

constexpr UnixTime kNow{seconds(1'790'000'000)};
const std::string kSecret(32, 's');
const std::string kOtherSecret(32, 'o');

config::Key key_of(const std::string& secret) {
  config::Key key;
  key.secret.secret = base::Secret(secret);
  return key;
}

config::JwtAuthenticator settings_with(const std::vector<config::Key>& keys = {key_of(kSecret)}) {
  config::JwtAuthenticator settings;
  settings.keys = keys;
  settings.algorithms.push_back({"HS256", {}});
  return settings;
}

/// `more` are further members, each with its comma before it.
std::string token_at(std::int64_t exp_offset, const std::string& more = {}, const std::string& secret = kSecret) {
  const auto exp = kNow.time_since_epoch().count() + exp_offset;
  return *sign_jws(R"({"alg":"HS256"})", R"({"exp":)" + std::to_string(exp) + more + '}', Algorithm::HS256, secret);
}

std::string time_claim(std::string_view name, std::int64_t offset) {
  return ",\"" + std::string(name) + "\":" + std::to_string(kNow.time_since_epoch().count() + offset);
}

/// A verifier, and what it said.
class Verifying {
 public:
  explicit Verifying(const config::JwtAuthenticator& settings = settings_with()) : verifier_(settings, diagnostics_) {
    EXPECT_TRUE(diagnostics_.ok());
  }

  Reason operator()(const std::string& token, UnixTime now = kNow) {
    const auto verified = verifier_.verify(token, now, room_);
    claims_ = verified ? boost::json::serialize(*verified->claims) : std::string();
    validity_ = verified ? verified->validity : Validity();
    in_room_ = verified && verified->claims == &room_;
    return verified ? Reason::Accepted : verified.error();
  }

  JwtVerifier& verifier() { return verifier_; }
  std::optional<CacheResult> lookup() const { return verifier_.last_lookup(); }
  std::size_t entries() const { return verifier_.cache_entries(); }
  const std::string& claims() const { return claims_; }
  const Validity& validity() const { return validity_; }
  bool in_room() const { return in_room_; }

 private:
  config::Diagnostics diagnostics_{"test.yaml"};
  JwtVerifier verifier_;
  boost::json::object room_;
  std::string claims_;
  Validity validity_;
  bool in_room_ = false;
};

TEST(JwtVerifierCache, AHitSaysTheSameWithoutACopy) {
  Verifying verify;
  const auto token = token_at(60, time_claim("nbf", -5) + R"(,"user_id":42,"roles":["a","b"])");
  ASSERT_EQ(verify(token), Reason::Accepted);
  EXPECT_EQ(verify.lookup(), CacheResult::Miss);
  EXPECT_TRUE(verify.in_room());
  const std::string claims = verify.claims();
  const Validity validity = verify.validity();
  EXPECT_EQ(validity, (Validity{kNow - seconds(5), kNow + seconds(60)}));
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(verify(token), Reason::Accepted);
    EXPECT_EQ(verify.lookup(), CacheResult::Hit);
    EXPECT_FALSE(verify.in_room());
    EXPECT_EQ(verify.claims(), claims);
    EXPECT_EQ(verify.validity(), validity);
  }
  EXPECT_EQ(verify.entries(), 1U);
}

TEST(JwtVerifierCache, WhateverBitIsFlippedIsRefusedAfterItsTwinWasAccepted) {
  Verifying verify;
  const auto token = token_at(60, R"(,"user_id":42)");
  ASSERT_EQ(verify(token), Reason::Accepted);
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto other = token;
      other[i] = static_cast<char>(static_cast<unsigned char>(other[i]) ^ 1U << bit);
      EXPECT_NE(verify(other), Reason::Accepted) << "byte " << i << ", bit " << bit;
      EXPECT_EQ(verify.lookup(), CacheResult::Miss);
    }
  }
  for (const std::string& other :
       {token + "A", token + "=", token + " ", token.substr(0, token.size() - 1), "x" + token}) {
    EXPECT_NE(verify(other), Reason::Accepted) << other;
  }
  EXPECT_EQ(verify.entries(), 1U);
  EXPECT_EQ(verify(token), Reason::Accepted);
  EXPECT_EQ(verify.lookup(), CacheResult::Hit);
}

struct TimeCase {
  std::string name;
  std::string token;
  UnixTime at;  ///< the first moment, or the last one before, at which it is refused
  Reason reason;
};

TEST(JwtVerifierCache, TheTimeIsLookedAtOnEveryHit) {
  config::Key old = key_of(kOtherSecret);
  old.until = kNow + seconds(10);
  auto settings = settings_with({key_of(kSecret), old});
  settings.leeway = seconds(3);
  settings.max_age = seconds(100);
  const std::string now = time_claim("iat", 0);
  const std::vector<TimeCase> cases{
      {"exp", token_at(20, now), kNow + seconds(23), Reason::Expired},
      {"max_age", token_at(9999, time_claim("iat", -60)), kNow + seconds(43), Reason::Expired},
      {"nbf, when the clock goes back", token_at(20, now + time_claim("nbf", -1)), kNow - seconds(4),
       Reason::NotYetValid},
      {"iat, when the clock goes back", token_at(20, now), kNow - seconds(4), Reason::NotYetValid},
      {"the key's until", token_at(20, now, kOtherSecret), kNow + seconds(10), Reason::BadSignature},
  };
  for (const auto& [name, token, at, reason] : cases) {
    SCOPED_TRACE(name);
    Verifying verify(settings);
    const UnixTime last = at > kNow ? at - seconds(1) : at + seconds(1);
    ASSERT_EQ(verify(token), Reason::Accepted);
    EXPECT_EQ(verify(token, last), Reason::Accepted);
    EXPECT_EQ(verify.lookup(), CacheResult::Hit);
    EXPECT_EQ(base::name_of(verify(token, at)), base::name_of(reason));
    EXPECT_EQ(verify.lookup(), CacheResult::Miss);
    EXPECT_EQ(verify.entries(), 0U);
    EXPECT_EQ(verify(token, last), Reason::Accepted) << "verified anew";
    EXPECT_EQ(verify.lookup(), CacheResult::Miss);
  }
}

TEST(JwtVerifierCache, WhatIsRefusedIsNotKept) {
  auto settings = settings_with();
  settings.issuer = "me";
  Verifying verify(settings);
  const std::string good = token_at(60, R"(,"iss":"me")");
  ASSERT_EQ(verify(good), Reason::Accepted);
  const std::string head = good.substr(0, good.rfind('.') + 1);
  for (int i = 0; i < 5000; ++i) {
    const auto signature = std::to_string(10'000'000 + i);  // any text of this length is base64url
    ASSERT_EQ(verify(head + signature), Reason::BadSignature);
  }
  for (const std::string& refused : {token_at(-1, R"(,"iss":"me")"), token_at(60), token_at(60, R"(,"iss":"you")"),
                                     token_at(60, R"(,"iss":"me")", kOtherSecret)}) {
    for (int round = 0; round < 2; ++round) {
      EXPECT_NE(verify(refused), Reason::Accepted);
      EXPECT_EQ(verify.lookup(), CacheResult::Miss);
    }
  }
  EXPECT_EQ(verify.entries(), 1U);
  EXPECT_EQ(verify(good), Reason::Accepted);
  EXPECT_EQ(verify.lookup(), CacheResult::Hit) << "none of them pushed it out";
}

TEST(JwtVerifierCache, ItsLimitsAreThoseOfTheSettings) {
  auto settings = settings_with();
  settings.verified_cache.max_entries = 2;
  Verifying few(settings);
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(few(token_at(i)), Reason::Accepted);
  EXPECT_EQ(few.entries(), 2U);
  EXPECT_EQ(few(token_at(4)), Reason::Accepted);
  EXPECT_EQ(few.lookup(), CacheResult::Hit);

  settings.verified_cache = {.max_entries = 100, .max_bytes = 1};
  Verifying small(settings);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(small(token_at(60)), Reason::Accepted);
    EXPECT_EQ(small.lookup(), CacheResult::Miss);
    EXPECT_EQ(small.entries(), 0U);
  }
}

TEST(JwtVerifierCache, ZeroIsNone) {
  for (const config::VerifiedCache none : {config::VerifiedCache{.max_entries = 0}, {.max_bytes = 0}}) {
    auto settings = settings_with();
    settings.verified_cache = none;
    Verifying verify(settings);
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(verify(token_at(60)), Reason::Accepted);
      EXPECT_EQ(verify.lookup(), std::nullopt);
      EXPECT_TRUE(verify.in_room());
    }
    EXPECT_EQ(verify.entries(), 0U);
    verify.verifier().empty_cache();
  }
}

TEST(JwtVerifierCache, WhoeverWantsToKnowTheChecksGetsThemAll) {
  Verifying verify;
  const auto token = token_at(60);
  boost::json::object room;
  CheckList before;
  ASSERT_TRUE(verify.verifier().verify(token, kNow, room, &before));
  EXPECT_EQ(verify.lookup(), std::nullopt);
  EXPECT_EQ(verify.entries(), 0U);
  ASSERT_EQ(verify(token), Reason::Accepted);
  CheckList after;
  const auto verified = verify.verifier().verify(token, kNow, room, &after);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->claims, &room);
  EXPECT_EQ(verify.lookup(), std::nullopt);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i].detail, before[i].detail);
}

TEST(JwtVerifierCache, EachVerifierHasItsOwn) {
  Verifying one;
  Verifying other(settings_with({key_of(kOtherSecret)}));
  const auto token = token_at(60);
  ASSERT_EQ(one(token), Reason::Accepted);
  EXPECT_EQ(other(token), Reason::BadSignature);
  EXPECT_EQ(one(token), Reason::Accepted);
  EXPECT_EQ(other(token), Reason::BadSignature);
}

TEST(JwtVerifierCache, CanBeEmptied) {
  Verifying verify;
  ASSERT_EQ(verify(token_at(60)), Reason::Accepted);
  verify.verifier().empty_cache();
  EXPECT_EQ(verify.entries(), 0U);
  EXPECT_EQ(verify(token_at(60)), Reason::Accepted);
  EXPECT_EQ(verify.lookup(), CacheResult::Miss);
}

}  // namespace
}  // namespace sidegate::token
