#include "evidence.hpp"

#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using std::chrono::seconds;
using Reached = Call::Reached;

constexpr base::SteadyTime kStart{seconds(100)};
constexpr base::SteadyTime kNow{seconds(102)};

EndedCall answered(unsigned status, std::size_t bytes = 100) {
  return {.status = status, .reached = Reached::Answer, .bytes = bytes, .begun = kStart};
}
EndedCall unanswered(Reached reached, bool was_cut = false, std::size_t bytes = 100) {
  return {.reached = reached, .was_cut = was_cut, .bytes = bytes, .begun = kStart};
}

TEST(WhatACallSays, DependsOnWhetherSomebodyAnswers) {
  EvidenceWeigher weigher;
  for (const unsigned status : {200U, 302U, 400U, 401U, 404U, 429U, 431U, 500U, 501U, 505U}) {
    EXPECT_EQ(weigher.weigh(answered(status), kNow), Evidence::Works) << status;
  }
  for (const unsigned status : {502U, 503U, 504U}) EXPECT_EQ(weigher.weigh(answered(status), kNow), Evidence::Fails);
  EXPECT_EQ(weigher.weigh(unanswered(Reached::Answer), kNow), Evidence::Works) << "too long, or not to be read";
  EXPECT_EQ(weigher.weigh(unanswered(Reached::Somebody), kNow), Evidence::Fails);
  EXPECT_EQ(weigher.weigh(unanswered(Reached::Nobody), kNow), Evidence::Fails);
  EXPECT_EQ(weigher.weigh(unanswered(Reached::Answer, true), kNow), Evidence::Fails);
}

TEST(WhatACallSays, IsNothingWhereTheQuestionIsLongerThanAnyThatWasTakenIn) {
  EvidenceWeigher weigher;
  for (const auto& call : {answered(502, 5'000), unanswered(Reached::Somebody, false, 5'000), answered(431, 5'000)}) {
    EXPECT_EQ(weigher.weigh(call, kNow), Evidence::Question);
  }
  for (const auto& call :
       {answered(503, 5'000), unanswered(Reached::Nobody, false, 5'000), unanswered(Reached::Somebody, true, 5'000)}) {
    EXPECT_EQ(EvidenceWeigher().weigh(call, kNow), Evidence::Fails);
  }
  EXPECT_EQ(weigher.weigh(answered(401, 5'000), kNow), Evidence::Works);
  EXPECT_EQ(weigher.weigh(answered(502, 5'000), kNow), Evidence::Fails) << "it has taken such a one in";
  EXPECT_EQ(weigher.weigh(answered(502, 5'001), kNow), Evidence::Question);
}

TEST(WhatACallSays, IsNothingWhereALongQuestionIsPassedOverWhileOthersAreAnswered) {
  EvidenceWeigher weigher;
  weigher.weigh(answered(200), kStart - seconds(1));
  for (const auto& call : {unanswered(Reached::Somebody, true, 5'000), answered(504, 5'000)}) {
    EXPECT_EQ(weigher.weigh(call, kNow), Evidence::Fails) << "nobody was since it began";
  }
  weigher.weigh(answered(401), kStart + seconds(1));
  for (const auto& call :
       {unanswered(Reached::Somebody, true, 5'000), unanswered(Reached::Answer, true, 5'000), answered(504, 5'000)}) {
    EXPECT_EQ(weigher.weigh(call, kNow), Evidence::Question);
  }
  EXPECT_EQ(weigher.weigh(answered(504), kNow), Evidence::Fails) << "it is not long";
  EXPECT_EQ(weigher.weigh(unanswered(Reached::Nobody, false, 5'000), kNow), Evidence::Fails) << "nobody has it";
}

TEST(WhatACallSays, IsNothingWhereItsTurnCameLateAndOthersWereAnswered) {
  EvidenceWeigher weigher;
  auto late = unanswered(Reached::Somebody, true);
  late.is_late = true;
  EXPECT_EQ(weigher.weigh(late, kNow), Evidence::Fails) << "nobody was";
  weigher.weigh(answered(200), kStart + seconds(1));
  EXPECT_EQ(weigher.weigh(late, kNow), Evidence::Turn);
  EXPECT_EQ(weigher.weigh(unanswered(Reached::Somebody, true), kNow), Evidence::Fails) << "it had all its time";
}

}  // namespace
}  // namespace sidegate::authority
