#include <sidegate/token/inspection.hpp>
#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

#include <string>

namespace sidegate::token {
namespace {

TEST(Signer, SignsWhatVerifies) {
  const std::string secret(64, 's');
  for (const Algorithm algorithm : kAlgorithms) {
    const auto token = sign_jwt({{"sub", "me"}}, algorithm, secret, "key-1");
    ASSERT_TRUE(token);
    JwsRules rules;
    rules.algorithms.insert(algorithm);
    JwsVerifier verifier(rules);
    ASSERT_TRUE(verifier.add_key({base::Secret(secret), {}, {}, {}}));
    const auto verified = verifier.verify(*token, {});
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->payload, R"({"sub":"me"})");
    EXPECT_EQ(boost::json::serialize(inspect(*token)->header),
              R"({"alg":")" + std::string(name_of(algorithm)) + R"(","typ":"JWT","kid":"key-1"})");
  }
}

TEST(Signer, WithoutAKeyIdTheHeaderHasNone) {
  EXPECT_FALSE(inspect(*sign_jwt({}, Algorithm::HS256, "s"))->header.contains("kid"));
}

TEST(Signer, NeverSignsWithAnEmptyKey) {
  EXPECT_FALSE(sign_jwt({}, Algorithm::HS256, ""));
}

}  // namespace
}  // namespace sidegate::token
