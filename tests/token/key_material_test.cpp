#include "key_pairs.hpp"

#include <sidegate/token/key_material.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sidegate::token {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Accepted {
  std::string name;
  std::string bytes;
  std::vector<std::string> secrets;
};

TEST(KeyFile, Reads) {
  using namespace std::string_literals;
  const std::vector<Accepted> cases{
      {"raw bytes", "secret", {"secret"}},
      {"one newline at the end is dropped", "secret\n", {"secret"}},
      {"only one", "secret\n\n", {"secret\n"}},
      {"bytes that are no text", "\0\xff\n\x01"s, {"\0\xff\n\x01"s}},
      {"a brace does not make a JWK", "{secret", {"{secret"}},
      {"a JWK", R"({"kty":"oct","k":"c2VjcmV0"})", {"secret"}},
      {"a JWK with everything",
       "\n {\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"use\":\"sig\",\"alg\":\"HS256\",\"kid\":\"a\"}\n",
       {"secret"}},
      {"a set", R"({"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"oct","k":"b3RoZXI"}]})", {"secret", "other"}},
      {"a set with a key of another type", R"({"keys":[{"kty":"EC"},{"kty":"oct","k":"c2VjcmV0"},7]})", {"secret"}},
      {"a text that speaks of keys", R"(the "keys" of {)", {R"(the "keys" of {)"}},
  };
  for (const auto& [name, bytes, secrets] : cases) {
    const auto file = read_key_file(bytes);
    ASSERT_TRUE(file) << name << ": " << file.error().text;
    std::vector<std::string> found;
    for (const auto& key : file->keys) found.emplace_back(std::get<base::Secret>(key.key).reveal());
    EXPECT_EQ(found, secrets) << name;
  }
}

TEST(KeyFile, AJwkSaysWhatItIsFor) {
  const auto file = read_key_file(R"({"kty":"oct","k":"c2VjcmV0","alg":"HS384","kid":"2026-11"})");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->keys.at(0).id, "2026-11");
  EXPECT_EQ(file->keys.at(0).algorithm, Algorithm::HS384);
}

struct Refused {
  std::string name;
  std::string bytes;
  std::string says;
};

TEST(KeyFile, Refuses) {
  const std::vector<Refused> cases{
      {"nothing", "", "empty"},
      {"a newline only", "\n", "empty"},
      {"a PEM cut off", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", "not well-formed"},
      {"a short RSA key", R"({"kty":"RSA","n":"c2VjcmV0","e":"AQAB"})", "has 47 bits"},
      {"a set of others", R"({"keys":[{"kty":"EC"},{"kty":"RSA"}]})", "no key of the JWK Set can be used"},
      {"an empty set", R"({"keys":[]})", "empty"},
      {"a set that is no list", R"({"keys":{"k":"c2VjcmV0"}})", "must be a list"},
      {"no k", R"({"kty":"oct"})", "base64url"},
      {"k with padding", R"({"kty":"oct","k":"c2VjcmV0cw=="})", "base64url"},
      {"an empty k", R"({"kty":"oct","k":""})", "base64url"},
      {"for encryption", R"({"kty":"oct","k":"c2VjcmV0","use":"enc"})", "not for signatures"},
      {"another algorithm", R"({"kty":"oct","k":"c2VjcmV0","alg":"A128KW"})", "unknown algorithm"},
      {"a member twice", R"({"kty":"oct","k":"c2VjcmV0","k":"c2VjcmV0"})", "twice"},
      {"cut off", R"({"kty":"oct","k":"c2VjcmV0")", "not valid JSON"},
  };
  for (const auto& [name, bytes, says] : cases) {
    const auto keys = read_key_file(bytes);
    ASSERT_FALSE(keys) << name;
    EXPECT_THAT(keys.error().text, HasSubstr(says)) << name;
    EXPECT_THAT(keys.error().text, Not(HasSubstr("c2VjcmV0"))) << name;
  }
}

// Whatever stands around it: what looks like the key of a pair is never the secret of an HMAC.
TEST(KeyFile, TellsTheFormByWhatItBeginsWith) {
  EXPECT_EQ(form_of("secret"), KeyForm::Raw);
  EXPECT_EQ(form_of("{\"secret\":1}"), KeyForm::Raw);
  EXPECT_EQ(form_of(" \n{\"kty\":\"oct\"}"), KeyForm::Jwk);
  EXPECT_EQ(form_of("{\"keys\":[]}"), KeyForm::Jwk);
  EXPECT_EQ(form_of("\t-----BEGIN PUBLIC KEY-----"), KeyForm::Pem);
  EXPECT_EQ(form_of("Certificate:\n    Data:\n-----BEGIN CERTIFICATE-----\n"), KeyForm::Pem);
}

TEST(KeyFile, TakesThePublicHalfOfAPem) {
  for (const KeyKind kind : kKeyKinds) {
    for (const std::string& text : {pair_of(kind).public_pem, pair_of(kind).private_pem}) {
      const auto file = read_key_file(text);
      ASSERT_TRUE(file) << file.error().text;
      EXPECT_EQ(std::get<PublicKey>(file->keys.at(0).key).kind(), kind);
    }
  }
}

TEST(KeyMaterial, SaysWhyItFitsNoAlgorithm) {
  const KeyMaterial secret{base::Secret("secret"), {}, {}, {}};
  EXPECT_EQ(explain_misfit(secret, {Algorithm::RS256, Algorithm::ES256}),
            "a secret is for HS256, HS384, HS512; accepted here: RS256, ES256");
  KeyMaterial pair = read_key_file(pair_of(KeyKind::Rsa).public_pem)->keys.at(0);
  pair.algorithm = Algorithm::PS256;
  EXPECT_EQ(explain_misfit(pair, {Algorithm::RS256}),
            "a public key (RSA), by its \"alg\", is for PS256; accepted here: RS256");
}

}  // namespace
}  // namespace sidegate::token
