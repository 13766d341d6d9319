#include "jwk.hpp"

#include <sidegate/token/published_keys.hpp>

#include "key_pairs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using json::serialize;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

base::OrMessage<KeyFile> read(const std::string& text) {
  const auto document = parse_jwk(text);
  return document ? read_jwks(*document) : document.error();
}

base::OrMessage<std::vector<SigningKey>> read_signing(const std::string& text) {
  const auto document = parse_jwk(text);
  return document ? read_signing_jwks(*document) : document.error();
}

const json::object& rsa() {
  return pair_of(KeyKind::Rsa).public_jwk;
}
const json::object& ec() {
  return pair_of(KeyKind::P256).public_jwk;
}
const json::object& okp() {
  return pair_of(KeyKind::Ed25519).public_jwk;
}

TEST(Jwk, ReadsEveryKind) {
  for (const KeyKind kind : kKeyKinds) {
    const auto file = read(serialize(pair_of(kind).public_jwk));
    ASSERT_TRUE(file) << file.error().text;
    ASSERT_EQ(file->keys.size(), 1U);
    EXPECT_EQ(std::get<PublicKey>(file->keys[0].key).kind(), kind);
    EXPECT_THAT(file->warnings, IsEmpty());
  }
}

TEST(Jwk, SaysWhatItIsFor) {
  const auto file = read(with(rsa(), "alg", "PS384"));
  EXPECT_EQ(file->keys[0].algorithm, Algorithm::PS384);
  EXPECT_EQ(algorithms_for(file->keys[0]), AlgorithmSet{Algorithm::PS384});
  EXPECT_EQ(algorithms_for(read(serialize(rsa()))->keys[0]), algorithms_of(KeyKind::Rsa));
  EXPECT_EQ(read(with(ec(), "kid", "2026-11"))->keys[0].id, "2026-11");
  EXPECT_TRUE(read(with(ec(), "use", "sig")));
  EXPECT_TRUE(read(with(ec(), "key_ops", json::array{"verify"})));
  EXPECT_TRUE(read(with(ec(), "key_ops", json::array{"sign", "verify"})));
}

TEST(Jwk, MembersThatNobodyKnowsAreNoMatter) {
  EXPECT_TRUE(read(with(rsa(), "x5c", json::array{"AAAA"})));
  EXPECT_TRUE(read(with(rsa(), "x5u", "http://elsewhere/")));
  EXPECT_TRUE(read(with(okp(), "ext", true)));
}

TEST(Jwk, AZeroInFrontOfAModulusIsNoMatter) {
  const std::string modulus = *decode_base64url(std::string_view(rsa().at("n").as_string()));
  const auto file = read(with(rsa(), "n", key_pairs::encoded('\0' + modulus)));
  ASSERT_TRUE(file);
  EXPECT_EQ(EVP_PKEY_get_size(std::get<PublicKey>(file->keys[0].key).get()), 256);
}

TEST(Jwk, APrivateHalfIsLeftOutWithAWarning) {
  for (const KeyKind kind : kKeyKinds) {
    for (const std::string& text : {serialize(pair_of(kind).private_jwk), jwk_set({pair_of(kind).private_jwk})}) {
      const auto file = read(text);
      ASSERT_TRUE(file) << file.error().text;
      EXPECT_THAT(file->warnings, ElementsAre(HasSubstr("holds a private key, which is not used")));
    }
  }
  EXPECT_THAT(read(R"({"kty":"oct","k":"c2VjcmV0"})")->warnings, IsEmpty());
}

/// The same key with another point.
json::object point_of(json::object jwk, const std::string& coordinate) {
  jwk["x"] = coordinate;
  jwk["y"] = coordinate;
  return jwk;
}

struct Refused {
  std::string name;
  std::string text;
  std::string says;
};

TEST(Jwk, Refuses) {
  const auto encoded = [](std::size_t bytes, char byte) { return key_pairs::encoded(std::string(bytes, byte)); };
  const std::string even = key_pairs::encoded(std::string(255, '\xff') + '\xfe');
  json::object without_n = rsa();
  without_n.erase("n");
  const std::vector<Refused> cases{
      {"no type", R"({"kty":1})", "keys of the type \"\" are not supported"},
      {"an unknown type", R"({"kty":"AKP"})", "\"AKP\" are not supported; RSA, EC, OKP and oct are"},
      {"another letter case", with(ec(), "kty", "ec"), "\"ec\" are not supported"},
      {"no modulus", serialize(without_n), "\"n\" must be in base64url"},
      {"a number as modulus", with(rsa(), "n", 5), "\"n\" must be in base64url"},
      {"padding", with(rsa(), "e", "AQAB="), "\"e\" must be in base64url"},
      {"an empty exponent", with(rsa(), "e", ""), "\"e\" must be in base64url"},
      {"1024 bits", serialize(key_pairs::make_rsa(1024).public_jwk), "has 1024 bits; from 2048 to 16384"},
      {"more bits than OpenSSL verifies with", with(rsa(), "n", encoded(2049, '\xff')), "has 16392 bits"},
      {"an exponent of 1", with(rsa(), "e", "AQ"), "malformed"},
      {"an exponent of 0", with(rsa(), "e", "AA"), "malformed"},
      {"an even exponent", with(rsa(), "e", "Ag"), "malformed"},
      {"an exponent as long as a modulus", with(rsa(), "e", encoded(128, '\xff')), "malformed"},
      {"an even modulus", with(rsa(), "n", even), "malformed"},
      {"no curve", with(ec(), "crv", json::value()), "curve \"\" is not supported"},
      {"a curve of another type", with(ec(), "crv", "Ed25519"), "curve \"Ed25519\" is not supported; P-256"},
      {"another curve", with(ec(), "crv", "secp256k1"), "curve \"secp256k1\" is not supported"},
      {"the coordinates of another curve", with(ec(), "crv", "P-384"), "\"x\" has 32 bytes; of P-384 it has 48"},
      {"a coordinate with a zero in front", with(ec(), "y", encoded(33, '\0')), "\"y\" has 33 bytes"},
      {"a coordinate that is short", with(ec(), "x", encoded(31, '\1')), "\"x\" has 31 bytes"},
      {"a point beside the curve", with(ec(), "y", encoded(32, '\1')), "not a valid key"},
      {"a point of zeros", serialize(point_of(ec(), encoded(32, '\0'))), "not a valid key"},
      {"a key for agreements", with(okp(), "crv", "X25519"), "\"X25519\" is not supported; Ed25519 and Ed448 are"},
      {"an Ed25519 key as Ed448", with(okp(), "crv", "Ed448"), "not a valid key"},
      {"an Ed25519 key that is short", with(okp(), "x", encoded(31, '\1')), "not a valid key"},
      {"for encryption", with(rsa(), "use", "enc"), "not for signatures"},
      {"use is no text", with(rsa(), "use", json::array{"sig"}), "not for signatures"},
      {"for signing only", with(rsa(), "key_ops", json::array{"sign"}), "\"key_ops\" do not have \"verify\""},
      {"for nothing", with(rsa(), "key_ops", json::array{}), "\"key_ops\" do not have"},
      {"key_ops is no list", with(rsa(), "key_ops", "verify"), "\"key_ops\" do not have"},
      {"kid is no text", with(rsa(), "kid", 7), "\"kid\" is no text"},
      {"an algorithm of encryption", with(rsa(), "alg", "RSA-OAEP"), "unknown algorithm \"RSA-OAEP\""},
      {"alg is no text", with(rsa(), "alg", 7), "unknown algorithm"},
      {"alg none", with(rsa(), "alg", "none"), "no algorithm"},
      {"an algorithm of another type", with(rsa(), "alg", "ES256"), "\"alg\" ES256 does not fit its type"},
      {"an algorithm of another curve", with(ec(), "alg", "ES384"), "\"alg\" ES384 does not fit its type"},
      {"an HMAC with a public key", with(rsa(), "alg", "HS256"), "\"alg\" HS256 does not fit its type"},
      {"a signature with a secret", R"({"kty":"oct","k":"c2VjcmV0","alg":"RS256"})", "does not fit its type"},
      {"a member twice", R"({"kty":"RSA","kty":"RSA","n":"AQAB","e":"AQAB"})", "twice"},
      {"bytes behind it", serialize(rsa()) + "x", "not valid JSON"},
  };
  for (const auto& [name, text, says] : cases) {
    const auto file = read(text);
    ASSERT_FALSE(file) << name;
    EXPECT_THAT(file.error().text, HasSubstr(says)) << name;
    EXPECT_THAT(file.error().text, Not(HasSubstr("c2VjcmV0"))) << name;
    const auto in_set = read(R"({"keys":[)" + text + "]}");
    EXPECT_FALSE(in_set) << name;
  }
}

TEST(JwkSet, KeysThatCannotBeUsedAreLeftOut) {
  const auto file = read(jwk_set({
      changed(rsa(), "kid", "good"),
      changed(rsa(), "use", "enc"),
      changed(rsa(), "alg", "RSA-OAEP-256"),
      changed(ec(), "key_ops", json::array{"deriveKey"}),
      changed(key_pairs::make_rsa(1024).public_jwk, "kid", "a \"short\" one"),
      json::object{{"kty", "AKP"}},
      7,
      changed(okp(), "kid", "good as well"),
  }));
  ASSERT_TRUE(file) << file.error().text;
  ASSERT_EQ(file->keys.size(), 2U);
  EXPECT_EQ(file->keys[0].id, "good");
  EXPECT_EQ(file->keys[1].id, "good as well");
  EXPECT_THAT(
      file->warnings,
      ElementsAre(HasSubstr("key 4 of the JWK Set (kid \"a \\\"short\\\" one\") is left out: the RSA key has 1024"),
                  HasSubstr("key 5 of the JWK Set is left out: keys of the type \"AKP\"")))
      << "those that are for something else are no news";
}

TEST(JwkSet, WithoutAKeyThatCanBeUsedItIsRefused) {
  EXPECT_THAT(read(jwk_set({})).error().text, HasSubstr("is empty"));
  EXPECT_THAT(read(R"({"keys":{}})").error().text, HasSubstr("must be a list"));
  EXPECT_THAT(read(R"({"keys":null})").error().text, HasSubstr("must be a list"));
  EXPECT_THAT(read(jwk_set({changed(rsa(), "use", "enc"), 7})).error().text,
              HasSubstr("no key of the JWK Set can be used: the JWK is not for signatures"));
}

TEST(JwkSet, HasALimit) {
  const auto set_of = [](std::size_t count) { return serialize(json::object{{"keys", json::array(count, okp())}}); };
  EXPECT_EQ(read(set_of(kSetKeysMax))->keys.size(), kSetKeysMax);
  EXPECT_THAT(read(set_of(kSetKeysMax + 1)).error().text, HasSubstr("more than 64 keys"));
}

TEST(SigningJwk, ReadsPrivateKeys) {
  for (const KeyKind kind : kKeyKinds) {
    const auto keys = read_signing(serialize(pair_of(kind).private_jwk));
    ASSERT_TRUE(keys) << keys.error().text;
    EXPECT_EQ(std::get<PrivateKey>(keys->at(0).key).kind(), kind);
  }
  json::object without_factors = pair_of(KeyKind::Rsa).private_jwk;
  for (const char* const name : {"p", "q", "dp", "dq", "qi"}) without_factors.erase(name);
  EXPECT_TRUE(read_signing(serialize(without_factors)));
}

TEST(SigningJwk, Refuses) {
  const json::object& rsa_pair = pair_of(KeyKind::Rsa).private_jwk;
  const json::object& ec_pair = pair_of(KeyKind::P256).private_jwk;
  const json::object& okp_pair = pair_of(KeyKind::Ed25519).private_jwk;
  json::object without_q = rsa_pair;
  without_q.erase("q");
  json::object without_factors = rsa_pair;
  for (const char* const name : {"p", "q", "dp", "dq", "qi"}) without_factors.erase(name);
  const std::vector<Refused> cases{
      {"a public key", serialize(rsa()), "cannot sign"},
      {"one factor", serialize(without_q), "\"q\" must be in base64url"},
      {"more than two primes", with(rsa_pair, "oth", json::array{}), "more than two primes"},
      {"for verifying only", with(rsa_pair, "key_ops", json::array{"verify"}), "do not have \"sign\""},
      {"halves of two EC keys", with(ec_pair, "d", make_pair_of(KeyKind::P256).private_jwk.at("d")), "does not belong"},
      {"halves of two RSA keys", with(without_factors, "d", make_pair_of(KeyKind::Rsa).private_jwk.at("d")),
       "does not belong"},
      {"halves of two OKP keys", with(okp_pair, "x", make_pair_of(KeyKind::Ed25519).public_jwk.at("x")),
       "do not belong together"},
      {"a set of public keys", jwk_set({rsa(), ec()}), "no key of the JWK Set can be used: the JWK is a public key"},
  };
  for (const auto& [name, text, says] : cases) {
    const auto keys = read_signing(text);
    ASSERT_FALSE(keys) << name;
    EXPECT_THAT(keys.error().text, HasSubstr(says)) << name;
  }
}

std::string set_of(const std::vector<json::object>& keys) {
  return serialize(json::object{{"keys", json::array(keys.begin(), keys.end())}});
}

TEST(PublishedKeys, AreThoseOfTheSet) {
  const auto file = read_published_keys(set_of({rsa(), ec(), okp()}));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->keys.size(), 3U);
  EXPECT_THAT(file->warnings, IsEmpty());
}

TEST(PublishedKeys, NoneIsAnAnswerToo) {
  for (const std::string text : {R"({"keys":[]})", R"({"keys":[{"kty":"RSA","use":"enc"}]})", R"({"keys":[7]})"}) {
    const auto file = read_published_keys(text);
    ASSERT_TRUE(file) << text;
    EXPECT_THAT(file->keys, IsEmpty()) << text;
  }
}

TEST(PublishedKeys, ASecretIsNone) {
  const auto file =
      read_published_keys(R"({"keys":[{"kty":"oct","kid":"s","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlh"}]})");
  ASSERT_TRUE(file);
  EXPECT_THAT(file->keys, IsEmpty());
  EXPECT_THAT(file->warnings, ElementsAre("key 0 of the JWK Set (kid \"s\") is left out: it is a secret (\"kty\" is "
                                          "\"oct\"), and a secret that is published is none"));
}

TEST(PublishedKeys, OfAPairThePublicHalfIsUsed) {
  const auto file = read_published_keys(set_of({pair_of(KeyKind::P256).private_jwk}));
  ASSERT_TRUE(file);
  ASSERT_EQ(file->keys.size(), 1U);
  EXPECT_THAT(file->warnings, ElementsAre(HasSubstr("it publishes a private key")));
}

TEST(PublishedKeys, AKeyWithANameWithoutEndIsLeftOut) {
  auto named = ec();
  named["kid"] = std::string(1025, 'k');
  const auto file = read_published_keys(set_of({named, rsa()}));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->keys.size(), 1U);
  EXPECT_THAT(file->warnings, ElementsAre("key 0 of the JWK Set is left out: its kid is too long"));
}

TEST(PublishedKeys, WhatIsNoSetIsNoAnswer) {
  const auto key = serialize(ec());
  std::string many = key;
  for (int i = 0; i < 64; ++i) many += "," + key;
  for (const std::string& text :
       std::vector<std::string>{"", "[]", "{}", key, R"({"keys":{}})", R"({"keys":[],"keys":[]})",
                                R"({"keys":[]} )"
                                "x",
                                "<html></html>", R"({"keys":[)" + many + "]}"}) {
    EXPECT_FALSE(read_published_keys(text)) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace sidegate::token
