#include "kept_answers.hpp"

#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using inquiry::Answer;
using inquiry::Key;
using inquiry::Service;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = Answer::Verdict;

constexpr base::UnixTime kCivil{seconds(1'000'000)};

std::shared_ptr<Answer> answer_of(Verdict verdict, base::UnixTime valid_until = base::UnixTime::max()) {
  auto answer = std::make_shared<Answer>();
  answer->verdict = verdict;
  answer->subject = "ann";
  answer->valid_until = valid_until;
  answer->bytes = 100;
  return answer;
}

class Kept : public testing::Test {
 protected:
  static Service remote(config::AnswerLifetimes lifetimes) {
    config::TokenService settings;
    settings.cache = lifetimes;
    return {Service::Kind::Remote, "session", settings};
  }

  /// Takes an answer about the one key of these tests.
  inquiry::AnswerPtr take(std::shared_ptr<Answer> answer, std::optional<seconds> freshness = std::nullopt) {
    return kept_.take(kKey, std::move(answer), freshness, true, now_);
  }
  void pass(milliseconds time) {
    now_.steady += time;
    now_.civil += time;
  }
  inquiry::AnswerPtr find() { return kept_.find(kKey, now_).answer; }

  static constexpr Key kKey{1, 2, 3};
  Moment now_{base::SteadyTime(std::chrono::hours(5)), kCivil + milliseconds(250)};
  Service service_ =
      remote({.ttl = seconds(30), .negative_ttl = seconds(5), .stale_if_error = seconds(60), .max_entries = 100});
  KeptAnswers kept_{service_};
};

TEST_F(Kept, AYesIsFreshForItsTime) {
  const auto answer = take(answer_of(Verdict::Yes));
  pass(milliseconds(29'999));
  EXPECT_EQ(find(), answer);
  pass(milliseconds(1));
  EXPECT_EQ(find(), nullptr);
  EXPECT_TRUE(kept_.has_stale(kKey, now_));
}

TEST_F(Kept, WhatIsFreshIsNothingToFallBackOn) {
  const auto yes = take(answer_of(Verdict::Yes));
  EXPECT_EQ(kept_.fall_back(kKey, now_), yes);
  EXPECT_FALSE(yes->is_withdrawn());
  const auto no = take(answer_of(Verdict::No));
  EXPECT_EQ(kept_.fall_back(kKey, now_), no) << "it is what is known";
}

TEST_F(Kept, ANoIsKeptForLess) {
  const auto answer = take(answer_of(Verdict::No));
  pass(milliseconds(4'999));
  EXPECT_EQ(find(), answer);
  pass(milliseconds(1));
  EXPECT_EQ(find(), nullptr);
  EXPECT_FALSE(kept_.has_stale(kKey, now_));
  EXPECT_EQ(kept_.fall_back(kKey, now_), nullptr);
}

TEST_F(Kept, TheAnswerItselfMayShortenThat) {
  take(answer_of(Verdict::Yes), seconds(3));
  pass(milliseconds(2'999));
  EXPECT_NE(find(), nullptr);
  pass(milliseconds(1));
  EXPECT_EQ(find(), nullptr);
  EXPECT_TRUE(kept_.has_stale(kKey, now_));
  take(answer_of(Verdict::Yes), seconds(3'000));
  pass(seconds(30));
  EXPECT_EQ(find(), nullptr) << "it does not lengthen it";
}

TEST_F(Kept, WhatMustNotBeStoredIsNot) {
  const auto before = take(answer_of(Verdict::Yes));
  const auto answer = take(answer_of(Verdict::Yes), seconds(0));
  EXPECT_FALSE(answer->is_fresh(now_.steady));
  EXPECT_EQ(find(), nullptr);
  EXPECT_FALSE(kept_.has_stale(kKey, now_));
  EXPECT_TRUE(before->is_withdrawn());
  EXPECT_EQ(kept_.size(), 0U);
}

TEST_F(Kept, NothingOutlivesTheToken) {
  take(answer_of(Verdict::Yes, kCivil + seconds(10)));
  pass(milliseconds(9'700));
  EXPECT_NE(find(), nullptr);
  pass(milliseconds(50));
  EXPECT_EQ(find(), nullptr);
  EXPECT_FALSE(kept_.has_stale(kKey, now_));

  take(answer_of(Verdict::Yes, kCivil + seconds(10)));
  EXPECT_EQ(find(), nullptr) << "it is over";

  take(answer_of(Verdict::Yes, kCivil + seconds(60)));
  pass(seconds(31));
  EXPECT_TRUE(kept_.has_stale(kKey, now_));
  pass(seconds(20));
  EXPECT_FALSE(kept_.has_stale(kKey, now_));
}

TEST_F(Kept, TheClockMayBeSetForward) {
  take(answer_of(Verdict::Yes, kCivil + seconds(20)));
  now_.civil += seconds(20);
  EXPECT_EQ(find(), nullptr);
  EXPECT_FALSE(kept_.has_stale(kKey, now_));
}

TEST_F(Kept, ANoWithdrawsTheYes) {
  const auto first = take(answer_of(Verdict::Yes));
  take(answer_of(Verdict::No));
  EXPECT_TRUE(first->is_withdrawn());
  EXPECT_FALSE(kept_.has_stale(kKey, now_));
  const auto second = take(answer_of(Verdict::Yes));
  take(answer_of(Verdict::No), seconds(0));
  EXPECT_TRUE(second->is_withdrawn());
  EXPECT_EQ(kept_.size(), 0U);
}

TEST_F(Kept, AnAnswerServesWhereTheServiceFails) {
  auto fresh = answer_of(Verdict::Yes);
  fresh->token = kKey;
  const auto first = take(fresh);
  pass(seconds(30));
  const auto stale = kept_.fall_back(kKey, now_);
  ASSERT_NE(stale, nullptr);
  EXPECT_TRUE(stale->stale);
  EXPECT_EQ(stale->subject, "ann");
  EXPECT_EQ(stale->token, first->token);
  EXPECT_EQ(stale->stale_until, first->stale_until);
  EXPECT_EQ(stale->fresh_until, now_.steady + seconds(1));
  EXPECT_TRUE(first->is_withdrawn());

  auto found = kept_.find(kKey, now_);
  EXPECT_EQ(found.answer, stale);
  EXPECT_FALSE(found.ask_again);
  pass(seconds(1));
  found = kept_.find(kKey, now_);
  ASSERT_NE(found.answer, nullptr);
  EXPECT_NE(found.answer, stale);
  EXPECT_TRUE(found.answer->stale);
  EXPECT_TRUE(found.ask_again);
  EXPECT_FALSE(kept_.find(kKey, now_).ask_again) << "not again within the second";

  pass(milliseconds(58'999));
  EXPECT_NE(find(), nullptr);
  EXPECT_EQ(find()->fresh_until, first->stale_until);
  pass(milliseconds(1));
  EXPECT_EQ(find(), nullptr);
  EXPECT_EQ(kept_.fall_back(kKey, now_), nullptr);
}

TEST_F(Kept, WhatWillNotBeKeptGoesAway) {
  const auto first = take(answer_of(Verdict::Yes));
  const auto second = kept_.take(kKey, answer_of(Verdict::Yes), std::nullopt, false, now_);
  EXPECT_TRUE(first->is_withdrawn());
  EXPECT_FALSE(second->is_withdrawn());
  EXPECT_EQ(kept_.size(), 0U);
}

TEST_F(Kept, IsSweptOfWhatNobodyCanUse) {
  const auto answer = take(answer_of(Verdict::Yes));
  pass(seconds(89));
  kept_.sweep(now_);
  EXPECT_EQ(kept_.size(), 1U);
  pass(seconds(1));
  kept_.sweep(now_);
  EXPECT_EQ(kept_.size(), 0U);
  EXPECT_TRUE(answer->is_withdrawn());
}

TEST_F(Kept, ErasesWhatIsMeant) {
  const auto answer = take(answer_of(Verdict::Yes));
  EXPECT_EQ(kept_.erase_if([](const Key&, const Answer&) { return false; }), 0U);
  EXPECT_EQ(kept_.erase_if([](const Key& key, const Answer&) { return key == kKey; }), 1U);
  EXPECT_TRUE(answer->is_withdrawn());
}

TEST_F(Kept, ASessionIsKeptWhateverItsAnswerSays) {
  const Service session(Service::Kind::SessionRefresh, "session_refresh", config::SessionRefresh{});
  KeptAnswers kept(session);
  kept.take(kKey, answer_of(Verdict::Yes), seconds(0), true, now_);
  pass(milliseconds(29'999));
  EXPECT_NE(kept.find(kKey, now_).answer, nullptr);
  pass(milliseconds(1));
  EXPECT_EQ(kept.find(kKey, now_).answer, nullptr);
  EXPECT_FALSE(kept.has_stale(kKey, now_));
}

TEST_F(Kept, WithoutALifetimeItServesOnlyWhereTheServiceFails) {
  const Service service = remote({.ttl = seconds(0), .negative_ttl = seconds(0), .stale_if_error = seconds(60)});
  KeptAnswers kept(service);
  kept.take(kKey, answer_of(Verdict::Yes), std::nullopt, true, now_);
  EXPECT_EQ(kept.find(kKey, now_).answer, nullptr);
  EXPECT_NE(kept.fall_back(kKey, now_), nullptr);
}

TEST_F(Kept, WhateverItLetsGoOfIsWithdrawn) {
  inquiry::AnswerPtr answer;
  {
    KeptAnswers kept(service_);
    answer = kept.take(kKey, answer_of(Verdict::Yes), std::nullopt, true, now_);
  }
  EXPECT_TRUE(answer->is_withdrawn());
}

}  // namespace
}  // namespace sidegate::authority
