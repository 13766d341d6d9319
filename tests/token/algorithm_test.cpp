#include <sidegate/token/algorithm.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sidegate::token {
namespace {

using ::testing::HasSubstr;

TEST(Algorithm, NamesComeBack) {
  for (const Algorithm algorithm : kAlgorithms) {
    EXPECT_EQ(find_algorithm(name_of(algorithm)), algorithm);
    EXPECT_EQ(*parse_algorithm(name_of(algorithm)), algorithm);
  }
}

TEST(Algorithm, NamesAreExact) {
  for (const std::string_view name : {"", "none", "None", "hs256", "HS256 ", "HS-256", "RS256", "ES256", "EdDSA"}) {
    EXPECT_EQ(find_algorithm(name), std::nullopt) << name;
  }
}

struct Case {
  std::string_view name;
  std::string_view says;
};

TEST(Algorithm, APersonIsToldWhatIsWrong) {
  const std::array<Case, 6> cases{{{"RS256", "\"RS256\" is not supported yet"},
                                   {"PS512", "not supported yet"},
                                   {"EdDSA", "not supported yet"},
                                   {"none", "no algorithm"},
                                   {"HS265", "did you mean \"HS256\""},
                                   {"blowfish", "unknown algorithm \"blowfish\""}}};
  for (const auto& [name, says] : cases) {
    const auto algorithm = parse_algorithm(name);
    ASSERT_FALSE(algorithm) << name;
    EXPECT_THAT(algorithm.error().text, HasSubstr(std::string(says)));
  }
}

TEST(AlgorithmSet, HoldsWhatWasInserted) {
  AlgorithmSet set;
  EXPECT_TRUE(set.empty());
  set.insert(Algorithm::HS384);
  EXPECT_FALSE(set.empty());
  EXPECT_TRUE(set.contains(Algorithm::HS384));
  EXPECT_FALSE(set.contains(Algorithm::HS256));
}

}  // namespace
}  // namespace sidegate::token
