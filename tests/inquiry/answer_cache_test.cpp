#include <sidegate/inquiry/answer_cache.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace sidegate::inquiry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Verdict = Answer::Verdict;

/// A key as a digest would be: every byte of it depends on the number.
Key key_of(std::size_t number) {
  Key key{};
  for (std::size_t i = 0; i < key.size(); i += sizeof(number)) {
    number = (number + 0x9E3779B97F4A7C15U) * 0xBF58476D1CE4E5B9U;
    std::memcpy(key.data() + i, &number, sizeof(number));
  }
  return key;
}

std::shared_ptr<Answer> answer_of(Verdict verdict, const std::string& subject = "ann", std::size_t bytes = 100) {
  auto answer = std::make_shared<Answer>();
  answer->verdict = verdict;
  answer->subject = subject;
  answer->bytes = bytes;
  return answer;
}

constexpr std::size_t kPlenty = std::size_t{1} << 30U;

TEST(AnswerCache, KeepsAnswers) {
  AnswerCache cache(10, kPlenty);
  EXPECT_EQ(cache.find(key_of(1)), nullptr);
  const auto answer = answer_of(Verdict::Yes);
  cache.keep(key_of(1), answer);
  ASSERT_NE(cache.find(key_of(1)), nullptr);
  EXPECT_EQ(*cache.find(key_of(1)), answer);
  EXPECT_EQ(cache.find(key_of(2)), nullptr);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(AnswerCache, AnAnswerTakesThePlaceOfTheOneBefore) {
  std::vector<std::string> gone;
  AnswerCache cache(10, kPlenty, [&](const Answer& answer) { gone.push_back(answer.subject); });
  cache.keep(key_of(1), answer_of(Verdict::Yes, "first"));
  cache.keep(key_of(1), answer_of(Verdict::Yes, "second"));
  EXPECT_THAT(gone, ElementsAre("first"));
  cache.keep(key_of(1), answer_of(Verdict::No, "third"));
  EXPECT_THAT(gone, ElementsAre("first", "second"));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ((*cache.find(key_of(1)))->subject, "third");
}

TEST(AnswerCache, WhatWasNotAskedForLongestGoesFirst) {
  std::vector<std::string> gone;
  AnswerCache cache(2, kPlenty, [&](const Answer& answer) { gone.push_back(answer.subject); });
  cache.keep(key_of(1), answer_of(Verdict::Yes, "first"));
  cache.keep(key_of(2), answer_of(Verdict::Yes, "second"));
  cache.find(key_of(1));
  cache.keep(key_of(3), answer_of(Verdict::Yes, "third"));
  EXPECT_THAT(gone, ElementsAre("second"));
  EXPECT_NE(cache.find(key_of(1)), nullptr);
  EXPECT_EQ(cache.find(key_of(2)), nullptr);
}

TEST(AnswerCache, AFloodOfNoLeavesEveryYes) {
  constexpr std::size_t kMost = 1'000;
  AnswerCache cache(kMost, kPlenty);
  for (std::size_t i = 0; i < kMost; ++i) cache.keep(key_of(i), answer_of(Verdict::Yes));
  for (std::size_t i = kMost; i < 101 * kMost; ++i) cache.keep(key_of(i), answer_of(Verdict::No));
  for (std::size_t i = 0; i < kMost; ++i) ASSERT_NE(cache.find(key_of(i)), nullptr) << i;
  EXPECT_EQ(cache.size(), 2 * kMost);
}

TEST(AnswerCache, WhereTheBytesAreUsedUpANoGoesBeforeAYes) {
  std::vector<std::string> gone;
  AnswerCache cache(100, 2'300, [&](const Answer& answer) { gone.push_back(answer.subject); });
  cache.keep(key_of(1), answer_of(Verdict::Yes, "yes", 500));
  cache.keep(key_of(2), answer_of(Verdict::No, "no", 500));
  cache.keep(key_of(3), answer_of(Verdict::No, "another no", 500));
  EXPECT_THAT(gone, IsEmpty());
  cache.keep(key_of(4), answer_of(Verdict::Yes, "another yes", 1'000));
  EXPECT_THAT(gone, ElementsAre("no", "another no"));
  cache.keep(key_of(5), answer_of(Verdict::Yes, "third yes", 1'000));
  EXPECT_THAT(gone, ElementsAre("no", "another no", "yes"));
}

TEST(AnswerCache, WhatIsTooLargeIsNotKept) {
  std::vector<std::string> gone;
  AnswerCache cache(10, 1'000, [&](const Answer& answer) { gone.push_back(answer.subject); });
  cache.keep(key_of(1), answer_of(Verdict::Yes, "small"));
  cache.keep(key_of(2), answer_of(Verdict::Yes, "large", 2'000));
  EXPECT_THAT(gone, ElementsAre("large"));
  EXPECT_EQ(cache.size(), 1U);
  AnswerCache none(0, kPlenty);
  none.keep(key_of(1), answer_of(Verdict::Yes));
  EXPECT_EQ(none.size(), 0U);
}

TEST(AnswerCache, WhatIsWithdrawnIsFoundNoMore) {
  AnswerCache cache(10, kPlenty);
  const auto answer = answer_of(Verdict::Yes);
  cache.keep(key_of(1), answer);
  answer->withdraw();
  EXPECT_EQ(cache.find(key_of(1)), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(AnswerCache, ErasesWhatIsMeant) {
  std::vector<std::string> gone;
  AnswerCache cache(10, kPlenty, [&](const Answer& answer) { gone.push_back(answer.subject); });
  cache.keep(key_of(1), answer_of(Verdict::Yes, "ann"));
  cache.keep(key_of(2), answer_of(Verdict::No, "bob"));
  cache.keep(key_of(3), answer_of(Verdict::Yes, "eve"));
  cache.erase(key_of(1));
  cache.erase(key_of(7));
  cache.erase_if([](const Key& key, const Answer& answer) { return key == key_of(2) || answer.subject == "ann"; });
  EXPECT_THAT(gone, ElementsAre("ann", "bob"));
  cache.clear();
  EXPECT_THAT(gone, ElementsAre("ann", "bob", "eve"));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(AnswerCache, TakesNoMoreThanItMayFromAMillionTokens) {
  constexpr std::size_t kMost = 10'000;
  AnswerCache cache(kMost, kMost * 1024);
  for (std::size_t i = 0; i < 1'000'000; ++i) {
    cache.keep(key_of(i), answer_of(i % 2 == 0 ? Verdict::Yes : Verdict::No));
    ASSERT_LE(cache.size(), 2 * kMost);
  }
  EXPECT_EQ(cache.size(), 2 * kMost);
}

TEST(AnswerCache, CanBeMoved) {
  AnswerCache cache(10, kPlenty);
  cache.keep(key_of(1), answer_of(Verdict::Yes));
  AnswerCache other = std::move(cache);
  EXPECT_EQ(other.size(), 1U);
}

}  // namespace
}  // namespace sidegate::inquiry
