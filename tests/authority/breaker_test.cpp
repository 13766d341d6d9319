#include "breaker.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace sidegate::authority {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Circuit = Breaker::Circuit;

/// A key as a digest would be.
inquiry::Key key_of(std::uint64_t number) {
  inquiry::Key key{};
  number *= 0x9E3779B97F4A7C15U;
  number ^= number >> 32U;
  std::memcpy(key.data(), &number, sizeof(number));
  return key;
}

class ABreaker : public testing::Test {
 protected:
  static config::CircuitBreaker settings() {
    return {.consecutive = 3,
            .error_rate_percent = 50,
            .of_at_least = 10,
            .window = seconds(10),
            .open_for = milliseconds(4'500)};
  }

  /// One call about that question; whether it was let through.
  bool call(std::uint64_t number, bool succeeds) {
    const auto permit = breaker_.enter(now_);
    if (permit) breaker_.note(*permit, key_of(number), succeeds, now_);
    return permit.has_value();
  }
  bool fail(std::uint64_t number) { return call(number, false); }
  bool succeed(std::uint64_t number) { return call(number, true); }

  void open() {
    for (std::uint64_t i = 0; i < 3; ++i) fail(i);
    ASSERT_EQ(breaker_.circuit(), Circuit::Open);
  }

  Breaker breaker_{settings()};
  base::SteadyTime now_{std::chrono::hours(1)};
};

TEST_F(ABreaker, OpensAfterSoManyFailuresInARow) {
  EXPECT_TRUE(fail(1));
  EXPECT_TRUE(fail(2));
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
  EXPECT_TRUE(fail(3));
  EXPECT_EQ(breaker_.circuit(), Circuit::Open);
  EXPECT_FALSE(fail(4));
  EXPECT_FALSE(breaker_.lets_in(now_));
}

TEST_F(ABreaker, ASuccessEndsTheRow) {
  for (std::uint64_t i = 0; i < 4; ++i) {
    succeed(100 + i);
    succeed(200 + i);
    succeed(300 + i);
    fail(2 * i);
    fail(2 * i + 1);
  }
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
}

TEST_F(ABreaker, AnUnusualQuestionTriesLaterThanOthers) {
  EXPECT_TRUE(breaker_.lets_in(now_, true));
  open();
  now_ += milliseconds(4'500);
  EXPECT_FALSE(breaker_.lets_in(now_, true));
  EXPECT_FALSE(breaker_.enter(now_, true).has_value());
  const auto usual = breaker_.enter(now_);
  ASSERT_TRUE(usual.has_value());
  breaker_.note_nothing(*usual);
  EXPECT_FALSE(breaker_.lets_in(now_, true));
  now_ += milliseconds(4'499);
  EXPECT_FALSE(breaker_.enter(now_, true).has_value());
  now_ += milliseconds(1);
  const auto unusual = breaker_.enter(now_, true);
  ASSERT_TRUE(unusual.has_value()) << "nobody else has tried";
  EXPECT_FALSE(breaker_.lets_in(now_));
  breaker_.note(*unusual, key_of(1), true, now_);
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
}

TEST_F(ABreaker, OneQuestionCountsOnce) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(fail(1));
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
  fail(2);
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
  fail(3);
  EXPECT_EQ(breaker_.circuit(), Circuit::Open);
}

TEST_F(ABreaker, OpensAtTheRate) {
  for (std::uint64_t i = 0; i < 5; ++i) {
    succeed(i);
    EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
    fail(100 + i);
  }
  EXPECT_EQ(breaker_.circuit(), Circuit::Open);
}

TEST_F(ABreaker, BelowTheRateItStaysClosed) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(i % 3 == 0 ? fail(i) : succeed(i)) << i;
  }
}

TEST_F(ABreaker, TheRateCountsQuestionsNotCalls) {
  for (std::uint64_t i = 0; i < 9; ++i) succeed(i);
  for (int i = 0; i < 100; ++i) {
    fail(100);
    ASSERT_TRUE(succeed(0));
  }
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
}

TEST_F(ABreaker, WhatIsOlderThanTheWindowCountsNoMore) {
  for (std::uint64_t i = 0; i < 4; ++i) {
    succeed(i);
    fail(100 + i);
  }
  now_ += seconds(10);
  succeed(50);
  fail(51);
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
}

TEST_F(ABreaker, AfterAWhileOneIsLetThrough) {
  open();
  now_ += milliseconds(4'499);
  EXPECT_FALSE(breaker_.enter(now_));
  EXPECT_EQ(breaker_.circuit(), Circuit::Open);
  now_ += milliseconds(1);
  EXPECT_TRUE(breaker_.lets_in(now_));
  const auto probe = breaker_.enter(now_);
  ASSERT_TRUE(probe);
  EXPECT_EQ(breaker_.circuit(), Circuit::HalfOpen);
  EXPECT_FALSE(breaker_.enter(now_));
  EXPECT_FALSE(breaker_.lets_in(now_));
  breaker_.note(*probe, key_of(1), true, now_);
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
  EXPECT_TRUE(breaker_.enter(now_));
}

TEST_F(ABreaker, AProbeThatFailsOpensItAgain) {
  open();
  now_ += seconds(5);
  EXPECT_TRUE(fail(1));
  EXPECT_EQ(breaker_.circuit(), Circuit::Open);
  EXPECT_FALSE(fail(1));
  now_ += seconds(5);
  EXPECT_TRUE(succeed(1));
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
  fail(1);
  fail(2);
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed) << "what was before counts no more";
}

TEST_F(ABreaker, CallsThatBeganBeforeSayNothing) {
  const auto early = breaker_.enter(now_);
  const auto another = breaker_.enter(now_);
  open();
  breaker_.note(*early, key_of(7), true, now_);
  EXPECT_EQ(breaker_.circuit(), Circuit::Open);
  now_ += seconds(5);
  const auto probe = breaker_.enter(now_);
  breaker_.note(*another, key_of(8), true, now_);
  EXPECT_EQ(breaker_.circuit(), Circuit::HalfOpen);
  breaker_.note(*probe, key_of(1), true, now_);
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
}

TEST_F(ABreaker, AProbeThatSaysNothingLetsAnotherTry) {
  open();
  now_ += seconds(5);
  const auto probe = breaker_.enter(now_);
  EXPECT_FALSE(breaker_.enter(now_));
  breaker_.note_nothing(*probe);
  EXPECT_EQ(breaker_.circuit(), Circuit::HalfOpen);
  const auto another = breaker_.enter(now_);
  ASSERT_TRUE(another);
  breaker_.note_nothing(*probe);
  breaker_.note(*another, key_of(1), true, now_);
  breaker_.note_nothing(*another);
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
}

TEST_F(ABreaker, WhatSaysNothingCountsForNothing) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    if (i % 50 == 0) fail(i);
    breaker_.note_nothing(*breaker_.enter(now_));
  }
  EXPECT_EQ(breaker_.circuit(), Circuit::Closed);
  fail(1);
  EXPECT_EQ(breaker_.circuit(), Circuit::Open) << "nor is it a success";
}

TEST_F(ABreaker, SaysWhenAskingMayHelp) {
  EXPECT_EQ(breaker_.retry_after(now_), seconds(1));
  open();
  EXPECT_EQ(breaker_.retry_after(now_), seconds(5));
  now_ += milliseconds(500);
  EXPECT_EQ(breaker_.retry_after(now_), seconds(4));
  now_ += seconds(60);
  EXPECT_EQ(breaker_.retry_after(now_), seconds(1));
}

TEST_F(ABreaker, RemembersOnlySoMuch) {
  auto generous = settings();
  generous.window = std::chrono::hours(1);
  breaker_ = Breaker(generous);
  // Were all of these remembered, half of what comes next would be no half of all.
  for (std::uint64_t i = 0; i < 10'000; ++i) ASSERT_TRUE(succeed(i));
  std::uint64_t i = 10'000;
  while (breaker_.circuit() == Circuit::Closed && i < 15'000) {
    succeed(i++);
    fail(i++);
  }
  EXPECT_LT(i, 15'000U);
}

}  // namespace
}  // namespace sidegate::authority
