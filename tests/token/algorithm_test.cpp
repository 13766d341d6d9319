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
  for (const std::string_view name : {"", "none", "None", "hs256", "HS256 ", "HS-256", "EDDSA", "ES256K", "Ed25519"}) {
    EXPECT_EQ(find_algorithm(name), std::nullopt) << name;
  }
}

struct Case {
  std::string_view name;
  std::string_view says;
};

TEST(Algorithm, APersonIsToldWhatIsWrong) {
  const std::array<Case, 5> cases{{{"eddsa", "did you mean \"EdDSA\""},
                                   {"RSA256", "did you mean \"RS256\""},
                                   {"none", "no algorithm"},
                                   {"HS265", "did you mean \"HS256\""},
                                   {"blowfish", "unknown algorithm \"blowfish\""}}};
  for (const auto& [name, says] : cases) {
    const auto algorithm = parse_algorithm(name);
    ASSERT_FALSE(algorithm) << name;
    EXPECT_THAT(algorithm.error().text, HasSubstr(std::string(says)));
  }
}

TEST(Algorithm, TheNameSaysTheSchemeAndTheHash) {
  for (const Algorithm algorithm : kAlgorithms) {
    const std::string name(name_of(algorithm));
    if (algorithm == Algorithm::EdDSA) continue;
    EXPECT_EQ(digest_name(algorithm), "SHA" + name.substr(2));
    EXPECT_EQ(std::to_string(hash_bytes(algorithm) * 8), name.substr(2));
    const Scheme scheme = name[0] == 'H'   ? Scheme::Hmac
                          : name[0] == 'R' ? Scheme::RsaPkcs1
                          : name[0] == 'P' ? Scheme::RsaPss
                                           : Scheme::Ecdsa;
    EXPECT_EQ(scheme_of(algorithm), scheme) << name;
  }
  EXPECT_EQ(scheme_of(Algorithm::EdDSA), Scheme::Eddsa);
  EXPECT_EQ(digest_name(Algorithm::EdDSA), "");
}

TEST(AlgorithmSet, HoldsWhatWasInserted) {
  AlgorithmSet set;
  EXPECT_TRUE(set.empty());
  set.insert(Algorithm::HS384);
  EXPECT_FALSE(set.empty());
  EXPECT_TRUE(set.contains(Algorithm::HS384));
  EXPECT_FALSE(set.contains(Algorithm::HS256));
  EXPECT_EQ(set & kHmacAlgorithms, set);
  EXPECT_TRUE((set & AlgorithmSet{Algorithm::ES256}).empty());
  EXPECT_EQ(names_of(set | AlgorithmSet{Algorithm::EdDSA}), "HS384, EdDSA");
  EXPECT_EQ(names_of({}), "");
}

}  // namespace
}  // namespace sidegate::token
