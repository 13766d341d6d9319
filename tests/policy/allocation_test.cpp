#include <sidegate/revocation/revocations.hpp>

#include <gtest/gtest.h>

#include "counted_allocations.hpp"
#include "deciding.hpp"

namespace sidegate::policy {
namespace {

/// How many allocations a thousand warm decisions on one request make.
std::size_t count_allocations(Policy& policy, const std::vector<std::string>& fields) {
  const ParsedRequest request(request_of("GET /users/7/profile", fields));
  Scratch scratch;
  std::size_t before = 0;
  for (int round = -10; round < 1000; ++round) {
    if (round == 0) before = allocations;
    const auto decision = policy.decide(request.request(), kNow, scratch);
    if (decision.kind != Decision::Kind::Forward) throw std::logic_error(describe(decision));
  }
  const std::size_t after = allocations;
  return after - before;
}

void expect_none(const std::string& text) {
  const auto compiled = compile(text);
  ASSERT_TRUE(compiled.ok);
  const auto token = token_of({{"sub", "6f1c4f0e-2f0b-4b1e-8a57-1f0a2c9be001"},
                               {"name", "a name that is longer than a short string"},
                               {"roles", {{{"system", "TTS"}, {"role", "Technician"}}, "AMS:User"}}});
  EXPECT_EQ(count_allocations(*compiled.policy, {"Cookie: a=b; access_token=" + token}), 0U);
  EXPECT_EQ(count_allocations(*compiled.policy, {"Authorization: Bearer " + token}), 0U);
  EXPECT_EQ(count_allocations(*compiled.policy, {"Cookie: a=b; access_token=", "Authorization: Bearer " + token}), 0U)
      << "with a cookie to take away";
  EXPECT_EQ(
      count_allocations(*compiled.policy, {"Authorization: Bearer " + token_of({{"sub", 1'234'567'890'123'456'789}})}),
      0U)
      << "with a number for a name";
}

TEST(Allocation, AWarmDecisionMakesNone) {
  std::string text = with(
      "inject: {X-User-Id: \"{subject}\", X-User-Type: \"{claims.user_type|staff}\", X-User-Roles: \"{roles}\", "
      "X-Auth-Method: \"{authenticator}\"}\n"
      "routes: [{path: /public/**, authenticate: none, upstream: app}, {path: \"/users/{id}/**\", authenticate: "
      "[staff], upstream: app}]\n");
  expect_none(text);
  SCOPED_TRACE("with no cache of verified tokens");
  text.insert(text.find("}}}\ninject"), ", verified_cache: {max_entries: 0}");
  expect_none(text);
}

TEST(Allocation, OneThatIsHeldAgainstRevocationsMakesNone) {
  using revocation::Rule;
  const std::string other = "an identifier that is longer than a short string";
  const auto revocations = std::make_shared<revocation::Revocations>();
  const auto later = kNow + std::chrono::hours(1);
  revocations->add({{"staff", Rule::Kind::Jti, other, {}, later},
                    {"staff", Rule::Kind::Subject, other, kNow, later},
                    {"staff", Rule::Kind::Token, std::string(64, 'a'), {}, later}},
                   kNow);
  const auto compiled = compile(with("routes: [{path: /**, authenticate: [staff], upstream: app}]\n"),
                                {.issuers = nullptr, .revocations = revocations});
  ASSERT_TRUE(compiled.ok);
  const auto token = token_of({{"sub", "6f1c4f0e-2f0b-4b1e-8a57-1f0a2c9be001"}, {"jti", other + "!"}, {"iat", 7}});
  EXPECT_EQ(count_allocations(*compiled.policy, {"Authorization: Bearer " + token}), 0U);
}

TEST(Allocation, ARewrittenPathMakesNone) {
  const auto compiled = compile(with(
      "routes: [{path: /users/**, authenticate: [staff], upstream: app, rewrite: {strip_prefix: /users, prefix: "
      "/a/prefix/that/is/longer/than/a/short/string, host: a-host-that-is-longer-than-a-short-string.internal}}]\n"));
  ASSERT_TRUE(compiled.ok);
  EXPECT_EQ(count_allocations(*compiled.policy, {"Authorization: Bearer " + token_of({{"sub", "42"}})}), 0U);
}

}  // namespace
}  // namespace sidegate::policy
