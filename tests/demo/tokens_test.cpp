#include "tokens.hpp"

#include "random_text.hpp"

#include <gtest/gtest.h>

namespace sidegate::demo {
namespace {

class DemoTokens : public testing::Test {
 protected:
  base::UnixTime now_{std::chrono::seconds(1'700'000'000)};
  Tokens tokens_{base::Secret("0123456789abcdef0123456789abcdef"), [this] { return now_; }};
};

TEST_F(DemoTokens, AccessTokensNameThePersonUntilTheyExpire) {
  const auto token = tokens_.make_access(demo_person());
  const auto claims = tokens_.verify_access(token);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->user_id, 123);
  EXPECT_EQ(claims->user_type, "staff");
  EXPECT_EQ(claims->email, "user@example.com");
  EXPECT_EQ(claims->expires, now_ + std::chrono::minutes(15));
  now_ += std::chrono::minutes(15) - std::chrono::seconds(1);
  EXPECT_TRUE(tokens_.verify_access(token));
  now_ += std::chrono::seconds(1);
  EXPECT_FALSE(tokens_.verify_access(token));
}

TEST_F(DemoTokens, EveryTokenIsAnotherOne) {
  EXPECT_NE(tokens_.make_access(demo_person()), tokens_.make_access(demo_person()));
}

TEST_F(DemoTokens, RefusesTokensOfAnotherKeyAndChangedOnes) {
  Tokens others(base::Secret("another key, of 32 bytes or more"), [this] { return now_; });
  EXPECT_FALSE(tokens_.verify_access(others.make_access(demo_person())));
  auto token = tokens_.make_access(demo_person());
  token[token.find('.') + 5] = token[token.find('.') + 5] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(tokens_.verify_access(token));
  EXPECT_FALSE(tokens_.verify_access(""));
}

TEST_F(DemoTokens, NeitherKindPassesForTheOther) {
  EXPECT_FALSE(tokens_.verify_access(tokens_.make_refresh(demo_person())));
  EXPECT_EQ(tokens_.verify_refresh(tokens_.make_access(demo_person())), nullptr);
}

TEST_F(DemoTokens, ASessionEndsAtLogOutOrAfterADay) {
  const auto first = tokens_.make_refresh(demo_person());
  const auto second = tokens_.make_refresh(demo_person());
  EXPECT_EQ(tokens_.verify_refresh(first), &demo_person());
  tokens_.end_session("nonsense");
  tokens_.end_session(first);
  EXPECT_EQ(tokens_.verify_refresh(first), nullptr);
  EXPECT_EQ(tokens_.verify_refresh(second), &demo_person());
  now_ += std::chrono::hours(24);
  EXPECT_EQ(tokens_.verify_refresh(second), nullptr);
}

TEST_F(DemoTokens, TheOldestSessionMakesRoom) {
  const auto oldest = tokens_.make_refresh(demo_person());
  for (std::size_t i = 1; i < Tokens::kSessionsMax; ++i) tokens_.make_refresh(demo_person());
  EXPECT_NE(tokens_.verify_refresh(oldest), nullptr);
  tokens_.make_refresh(demo_person());
  EXPECT_EQ(tokens_.verify_refresh(oldest), nullptr);
}

TEST(RandomText, IsNewEachTime) {
  EXPECT_EQ(random_hex(32).size(), 64U);
  EXPECT_NE(random_hex(32), random_hex(32));
  const auto password = random_password();
  EXPECT_EQ(password.size(), 19U);
  EXPECT_EQ(password.find_first_not_of("abcdefghjkmnopqrstuvwxyz23456789-"), std::string::npos);
  EXPECT_NE(password, random_password());
}

}  // namespace
}  // namespace sidegate::demo
