#include "verified_token_cache.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <random>
#include <string>
#include <vector>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::UnixTime;
using std::chrono::seconds;

constexpr UnixTime kNow{seconds(1'790'000'000)};
constexpr std::size_t kMany = std::size_t{1} << 40U;

/// The first eight bytes are all that differs, as little as digests ever do.
TokenDigest::Bytes digest_of(unsigned number) {
  TokenDigest::Bytes digest{};
  for (std::size_t i = 0; i < sizeof(number); ++i) digest[i] = static_cast<unsigned char>(number >> 8 * i);
  return digest;
}

json::object claims_of(unsigned number) {
  return {{"user_id", number}, {"name", "a name that is longer than a short text"}, {"roles", {"TTS:User"}}};
}

void keep(VerifiedTokenCache& cache, unsigned number, const Validity& validity = {}) {
  const json::object claims = claims_of(number);
  cache.keep(digest_of(number), {&claims, validity});
}

bool has(VerifiedTokenCache& cache, unsigned number) {
  return cache.find(digest_of(number), kNow).has_value();
}

TEST(VerifiedTokenCache, GivesBackWhatWasKept) {
  VerifiedTokenCache cache(kMany, kMany);
  const std::vector<std::string> texts{
      "{}",
      R"({"exp":1790000060})",
      R"({"a":-1,"b":18446744073709551615,"c":0.5,"d":true,"e":null,"f":"","g":[],"h":{}})",
      R"({"deep":[[[{"deeper":[{"text":"longer than what a string holds by itself"}]}]]],"list":[1,2,3,"four"]})",
      R"({"name":")" + std::string(20'000, 'n') + R"("})",
  };
  const Validity validity{kNow, kNow + seconds(60)};
  for (unsigned i = 0; i < texts.size(); ++i) {
    const json::object claims = json::parse(texts[i]).as_object();
    cache.keep(digest_of(i), {&claims, validity});
  }
  for (unsigned i = 0; i < texts.size(); ++i) {
    const auto found = cache.find(digest_of(i), kNow);
    ASSERT_TRUE(found) << texts[i];
    EXPECT_EQ(json::serialize(*found->claims), json::serialize(json::parse(texts[i])));
    EXPECT_EQ(found->validity, validity);
  }
  EXPECT_FALSE(has(cache, 99));
}

TEST(VerifiedTokenCache, ACopyOfWhatWasKeptNeedsNoRoomThere) {
  VerifiedTokenCache cache(kMany, kMany);
  keep(cache, 1);
  const std::size_t bytes = cache.bytes();
  for (int round = 0; round < 100; ++round) {
    const json::object copy = *cache.find(digest_of(1), kNow)->claims;
    EXPECT_EQ(copy, claims_of(1));
  }
  EXPECT_EQ(cache.bytes(), bytes);
  EXPECT_EQ(*cache.find(digest_of(1), kNow)->claims, claims_of(1));
}

TEST(VerifiedTokenCache, ManyMembersAreFoundInAHit) {
  json::object claims;
  for (int i = 0; i < 200; ++i) claims["claim number " + std::to_string(i)] = i;
  VerifiedTokenCache cache(kMany, kMany);
  cache.keep(digest_of(1), {&claims, {}});
  const auto found = cache.find(digest_of(1), kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->claims->at("claim number 199").as_int64(), 199);
}

TEST(VerifiedTokenCache, AnyByteMakesAnotherDigest) {
  VerifiedTokenCache cache(kMany, kMany);
  keep(cache, 7);
  for (std::size_t i = 0; i < digest_of(7).size(); ++i) {
    auto other = digest_of(7);
    other[i] ^= 1U;
    EXPECT_FALSE(cache.find(other, kNow)) << i;
  }
  EXPECT_TRUE(has(cache, 7));
}

TEST(VerifiedTokenCache, WhatDoesNotHoldIsNotFoundAndLetGoOf) {
  const Validity validity{kNow - seconds(10), kNow + seconds(10)};
  for (const UnixTime at : {validity.from - seconds(1), validity.until, UnixTime::max()}) {
    VerifiedTokenCache cache(kMany, kMany);
    keep(cache, 1, validity);
    EXPECT_TRUE(cache.find(digest_of(1), validity.from));
    EXPECT_TRUE(cache.find(digest_of(1), validity.until - seconds(1)));
    EXPECT_FALSE(cache.find(digest_of(1), at));
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_EQ(cache.bytes(), 0U);
    EXPECT_FALSE(cache.find(digest_of(1), kNow)) << "not even when the clock goes back";
  }
}

TEST(VerifiedTokenCache, WhatWasNotAskedForLongestMakesRoom) {
  VerifiedTokenCache cache(3, kMany);
  for (unsigned number = 1; number <= 3; ++number) keep(cache, number);
  EXPECT_TRUE(has(cache, 1));  // now the last is 2
  keep(cache, 4);
  EXPECT_FALSE(has(cache, 2));
  EXPECT_TRUE(has(cache, 3));
  keep(cache, 5);
  EXPECT_FALSE(has(cache, 1));
  EXPECT_TRUE(has(cache, 3));
  EXPECT_TRUE(has(cache, 4));
  EXPECT_TRUE(has(cache, 5));
}

TEST(VerifiedTokenCache, TheNumberOfEntriesIsHeld) {
  for (const std::size_t most : {1U, 2U, 7U}) {
    VerifiedTokenCache cache(most, kMany);
    for (unsigned number = 0; number < 100; ++number) {
      keep(cache, number);
      EXPECT_EQ(cache.size(), std::min<std::size_t>(number + 1, most));
      EXPECT_TRUE(has(cache, number));
    }
  }
}

TEST(VerifiedTokenCache, TheBytesAreHeldWhateverTheClaims) {
  constexpr std::size_t kBytesMax = 20'000;
  VerifiedTokenCache cache(kMany, kBytesMax);
  std::mt19937 random(1);
  std::size_t most = 0;
  for (unsigned number = 0; number < 2000; ++number) {
    const json::object claims{{"text", std::string(random() % 4000, 'x')}};
    cache.keep(digest_of(number), {&claims, {}});
    ASSERT_LE(cache.bytes(), kBytesMax);
    EXPECT_TRUE(has(cache, number));
    if (number % 5 == 0) cache.find(digest_of(number), UnixTime::max());  // goes
    most = std::max(most, cache.bytes());
  }
  EXPECT_GT(most, kBytesMax * 3 / 4);
}

TEST(VerifiedTokenCache, BytesAreThoseOfTheEntriesThatAreThere) {
  VerifiedTokenCache cache(kMany, kMany);
  const json::object small{{"exp", 1}};
  cache.keep(digest_of(1), {&small, {}});
  const std::size_t of_small = cache.bytes();
  EXPECT_GT(of_small, sizeof(json::key_value_pair) + sizeof(TokenDigest::Bytes) + sizeof(Validity));
  const json::object large{{"exp", 1}, {"text", std::string(1000, 'x')}};
  cache.keep(digest_of(2), {&large, {}});
  EXPECT_GT(cache.bytes(), 2 * of_small + 1000);
  cache.keep(digest_of(2), {&small, {}});
  EXPECT_EQ(cache.bytes(), 2 * of_small) << "in the place of the other";
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(*cache.find(digest_of(2), kNow)->claims, small);
}

TEST(VerifiedTokenCache, WhatIsTooLargeIsNotKeptAndPushesNobodyOut) {
  VerifiedTokenCache measured(kMany, kMany);
  keep(measured, 1);
  VerifiedTokenCache exact(kMany, measured.bytes());
  keep(exact, 1);
  EXPECT_TRUE(has(exact, 1));
  json::object larger = claims_of(2);
  larger["more"] = true;
  exact.keep(digest_of(2), {&larger, {}});
  EXPECT_FALSE(has(exact, 2));
  EXPECT_TRUE(has(exact, 1));

  VerifiedTokenCache too_small(kMany, measured.bytes() - 1);
  keep(too_small, 1);
  EXPECT_EQ(too_small.size(), 0U);
  EXPECT_EQ(too_small.bytes(), 0U);
}

TEST(VerifiedTokenCache, CanBeEmptiedAndUsedAgain) {
  VerifiedTokenCache cache(2, kMany);
  keep(cache, 1);
  keep(cache, 2);
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
  EXPECT_FALSE(has(cache, 1));
  keep(cache, 1);
  EXPECT_TRUE(has(cache, 1));
}

}  // namespace
}  // namespace sidegate::token
