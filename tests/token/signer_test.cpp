#include "key_pairs.hpp"

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
  for (const Algorithm algorithm : {Algorithm::HS256, Algorithm::HS384, Algorithm::HS512}) {
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

// RFC 8037 appendix A.4, and RFC 7515 appendix A.1: signatures that have nothing random in them.
TEST(Signer, SignsAsTheRfcsDo) {
  const auto keys =
      read_signing_keys(R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
                        R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  ASSERT_TRUE(keys) << keys.error().text;
  EXPECT_EQ(*sign_jws(R"({"alg":"EdDSA"})", "Example of Ed25519 signing", Algorithm::EdDSA, keys->at(0)),
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

TEST(Signer, AKeyThatDoesNotFitIsRefused) {
  const auto pair = read_signing_keys(pair_of(KeyKind::P256).private_pem);
  EXPECT_EQ(sign_jwt({}, Algorithm::ES384, pair->at(0)).error().text, "the key is for ES256, not for ES384");
  EXPECT_FALSE(sign_jwt({}, Algorithm::HS256, pair->at(0)));
  SigningKey secret{base::Secret(std::string(64, 's'))};
  EXPECT_FALSE(sign_jwt({}, Algorithm::RS256, secret));
  secret.algorithm = Algorithm::HS512;
  EXPECT_EQ(sign_jwt({}, Algorithm::HS256, secret).error().text, "the key is for HS512, not for HS256");
  EXPECT_TRUE(sign_jwt({}, Algorithm::HS512, secret));
}

TEST(SigningKeys, AreReadInEveryForm) {
  EXPECT_EQ(std::get<base::Secret>(read_signing_keys("secret\n")->at(0).key).reveal(), "secret");
  EXPECT_FALSE(read_signing_keys("\n"));
  const auto set = read_signing_keys(jwk_set({pair_of(KeyKind::Rsa).private_jwk, pair_of(KeyKind::P256).public_jwk,
                                              boost::json::object{{"kty", "oct"}, {"k", "c2VjcmV0"}, {"kid", "s"}}}));
  ASSERT_TRUE(set);
  ASSERT_EQ(set->size(), 2U);
  EXPECT_EQ(std::get<PrivateKey>(set->at(0).key).kind(), KeyKind::Rsa);
  EXPECT_EQ(set->at(1).id, "s");
}

}  // namespace
}  // namespace sidegate::token
