#include <sidegate/policy/trace.hpp>

#include <gmock/gmock.h>

#include "deciding.hpp"

namespace sidegate::policy {
namespace {

using base::CacheResult;
using std::chrono::seconds;

constexpr std::string_view kRoutes =
    "inject: {X-User-Id: \"{subject}\", X-Name: \"{claims.name|}\"}\n"
    "routes: [{path: /public/**, authenticate: none, upstream: app}, "
    "{path: /maybe/**, authenticate: optional, upstream: app}, "
    "{path: /**, authenticate: [staff], upstream: app}]\n";

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token;
}

std::string get(const std::string& token, const std::string& path = "/a") {
  return request_of("GET " + path, {bearer(token)});
}

/// `staff` with these settings of its cache.
std::string with_cache(const std::string& settings, std::string_view routes = kRoutes) {
  std::string text = with(std::string(routes));
  const std::string_view behind = "algorithms: [HS256]";
  text.insert(text.find(behind) + behind.size(), ", verified_cache: " + settings);
  return text;
}

TEST(VerifiedCache, ADecisionTellsWhatItHad) {
  Deciding deciding(with(std::string(kRoutes)));
  const auto token = token_of({{"sub", "42"}, {"name", "Ann"}});
  EXPECT_EQ(deciding.decide(get(token)).cache, CacheResult::Miss);
  EXPECT_EQ(deciding.decide(get(token)).cache, CacheResult::Hit);
  EXPECT_EQ(deciding.decide(get(token, "/maybe/x")).cache, CacheResult::Hit);
  EXPECT_EQ(deciding.decide(request_of("GET /a", {"Cookie: access_token=" + token})).cache, CacheResult::Hit)
      << "wherever it stands";
  EXPECT_EQ(deciding.decide(get(token + "A")).cache, CacheResult::Miss);
  EXPECT_EQ(deciding.decide(get(std::string(17'000, 'x'))).cache, std::nullopt) << "too long to be looked for";
  EXPECT_EQ(deciding.decide(request_of("GET /a", {bearer(token), bearer(token)})).cache, std::nullopt);
  EXPECT_EQ(deciding.decide(get(token, "/public/x")).cache, std::nullopt);
  EXPECT_EQ(deciding.decide(request_of("GET /a")).cache, std::nullopt);
  EXPECT_EQ(deciding.policy().cache_entries(0), 1U);
}

TEST(VerifiedCache, AHitIsDecidedOnLikeAMiss) {
  Deciding deciding(with(std::string(kRoutes)));
  const auto token = token_of({{"sub", "42"}, {"name", "Ann"}});
  const std::string first = deciding.description(get(token));
  EXPECT_EQ(first, "forward route-3 staff=42");
  const std::string lines = deciding.lines(get(token));
  EXPECT_EQ(lines, "X-User-Id: 42\r\nX-Name: Ann\r\n");
  EXPECT_EQ(deciding.decide(get(token)).ends, kNow + seconds(3600));
  EXPECT_EQ(deciding.description(get(token)), first);
  EXPECT_EQ(deciding.lines(get(token)), lines);

  // What is no matter of the token is looked at each time.
  const auto cross_site = request_of("POST /a", {"Cookie: access_token=" + token, "Origin: https://evil.example"});
  EXPECT_EQ(deciding.description(cross_site), "refuse cross_site staff accepted 42");
  EXPECT_EQ(deciding.decide(cross_site).cache, CacheResult::Hit);
  const auto nobody = token_of({{"name", "nobody"}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(deciding.description(get(nobody)), "refuse missing_claim staff missing_claim");
  }
  EXPECT_EQ(deciding.decide(get(nobody)).cache, CacheResult::Hit);
}

TEST(VerifiedCache, ADecisionOutlivesTheEntryThatItWasMadeFrom) {
  const auto compiled = compile(with_cache("{max_entries: 1}"));
  ASSERT_TRUE(compiled.ok);
  const std::string name = "a subject that is longer than a short text";
  const ParsedRequest one(get(token_of({{"sub", name}})));
  const ParsedRequest other(get(token_of({{"sub", "another"}})));
  Scratch scratch;
  Scratch other_scratch;
  Policy& policy = *compiled.policy;
  for (const auto expected : {CacheResult::Miss, CacheResult::Hit}) {
    const auto decision = policy.decide(one.request(), kNow, scratch);
    ASSERT_EQ(decision.cache, expected);
    if (expected == CacheResult::Miss) continue;
    ASSERT_EQ(policy.decide(other.request(), kNow, other_scratch).cache, CacheResult::Miss);
    EXPECT_EQ(policy.cache_entries(0), 1U) << "the other took its place";
    EXPECT_EQ(decision.subject, name);
    EXPECT_EQ(decision.lines, "X-User-Id: " + name + "\r\n");
    policy.empty_caches();
    EXPECT_EQ(decision.subject, name);
  }
}

TEST(VerifiedCache, AuthenticatorsDoNotShareOne) {
  Deciding deciding(
      "version: 1\n"
      "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
      "authenticators:\n"
      "  one: {jwt: {token: [{bearer: Authorization}], keys: [{secret: 0123456789abcdef0123456789abcdef}], "
      "algorithms: [HS256]}}\n"
      "  two: {jwt: {token: [{bearer: Authorization}], keys: [{secret: ffffffffffffffff0123456789abcdef}], "
      "algorithms: [HS256]}}\n"
      "  three: {jwt: {token: [{bearer: Authorization}], keys: [{secret: 0123456789abcdef0123456789abcdef}], "
      "algorithms: [HS256], audience: [tts]}}\n"
      "routes: [{path: /one/**, authenticate: [one], upstream: app}, {path: /two/**, authenticate: [two], upstream: "
      "app}, {path: /three/**, authenticate: [three], upstream: app}]\n");
  const auto token = token_of({{"sub", "42"}, {"aud", "ams"}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(deciding.description(get(token, "/one/x")), "forward route-1 one=42");
    EXPECT_EQ(deciding.description(get(token, "/two/x")), "refuse bad_signature two bad_signature");
    EXPECT_EQ(deciding.description(get(token, "/three/x")), "refuse wrong_audience three wrong_audience");
  }
  EXPECT_EQ(deciding.policy().cache_entries(0), 1U);
  EXPECT_EQ(deciding.policy().cache_entries(1), 0U);
  EXPECT_EQ(deciding.policy().cache_entries(2), 0U);
}

TEST(VerifiedCache, WhoeverTracesADecisionPassesItBy) {
  const auto compiled = compile(with(std::string(kRoutes)));
  ASSERT_TRUE(compiled.ok);
  const ParsedRequest request(get(token_of({{"sub", "42"}})));
  Scratch scratch;
  ASSERT_EQ(compiled.policy->decide(request.request(), kNow, scratch).cache, CacheResult::Miss);
  Trace trace;
  EXPECT_EQ(compiled.policy->decide(request.request(), kNow, scratch, &trace).cache, std::nullopt);
  EXPECT_THAT(trace.token, testing::Contains(testing::Field(&token::Check::name, token::CheckName::Signature)));
}

TEST(VerifiedCache, CanBeSwitchedOff) {
  for (const std::string settings : {"{max_entries: 0}", "{max_bytes: 0}"}) {
    Deciding deciding(with_cache(settings));
    const auto token = token_of({{"sub", "42"}});
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(deciding.description(get(token)), "forward route-3 staff=42");
      EXPECT_EQ(deciding.decide(get(token)).cache, std::nullopt);
    }
    EXPECT_EQ(deciding.policy().cache_entries(0), 0U);
  }
}

}  // namespace
}  // namespace sidegate::policy
