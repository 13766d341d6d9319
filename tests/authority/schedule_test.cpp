#include "schedule.hpp"

#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using namespace std::chrono_literals;

constexpr base::SteadyTime kStart{1h};

Schedule started(std::chrono::milliseconds refresh, std::chrono::milliseconds cooldown) {
  Schedule schedule(refresh, cooldown);
  schedule.note_start(kStart);
  return schedule;
}

TEST(Schedule, RefreshesByTheAnswerWithinItsBounds) {
  struct Case {
    std::optional<std::chrono::seconds> freshness;
    std::chrono::milliseconds at_most;
    std::chrono::milliseconds at_least;
  };
  const Case cases[] = {
      {std::nullopt, 600s, 540s},
      {300s, 300s, 270s},
      {600s, 600s, 540s},
      {3600s, 600s, 540s},
      {0s, 10s, 10s},
      {10s, 10s, 10s},
      {11s, 11s, 10s},
      {20s, 20s, 18s},
      {2'147'483'648s, 600s, 540s},
  };
  for (const Case& test : cases) {
    auto schedule = started(600s, 10s);
    for (int i = 0; i < 100; ++i) {
      const auto next = schedule.after_answer(test.freshness) - kStart;
      EXPECT_LE(next, test.at_most);
      EXPECT_GE(next, test.at_least);
    }
  }
}

TEST(Schedule, DoesNotAlwaysRefreshAtTheSameTime) {
  auto schedule = started(600s, 10s);
  const auto first = schedule.after_answer(std::nullopt);
  bool differs = false;
  for (int i = 0; i < 100; ++i) differs = differs || schedule.after_answer(std::nullopt) != first;
  EXPECT_TRUE(differs);
}

TEST(Schedule, WithoutKeysItTriesAgainSoonAtFirst) {
  auto schedule = started(600s, 10s);
  const auto now = kStart + 5s;
  for (const auto pause : {1s, 2s, 4s, 8s, 10s, 10s}) EXPECT_EQ(schedule.after_failure(false, now), now + pause);
  schedule.after_answer(std::nullopt);
  EXPECT_EQ(schedule.after_failure(false, now), now + 1s);
}

TEST(Schedule, WithKeysItWaitsForTheCooldown) {
  auto schedule = started(600s, 10s);
  EXPECT_EQ(schedule.after_failure(true, kStart + 5s), kStart + 15s);
  EXPECT_EQ(schedule.after_failure(true, kStart + 30s), kStart + 40s);
}

TEST(Schedule, AShortCooldownIsTheLongestPause) {
  auto schedule = started(1s, 50ms);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(schedule.after_failure(false, kStart), kStart + 50ms);
}

TEST(Schedule, TheCooldownRunsFromTheStart) {
  EXPECT_EQ(started(600s, 10s).may_ask(), kStart + 10s);
}

}  // namespace
}  // namespace sidegate::authority
