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
  };
  for (const auto& [name, bytes, secrets] : cases) {
    const auto keys = read_key_file(bytes);
    ASSERT_TRUE(keys) << name << ": " << keys.error().text;
    std::vector<std::string> found;
    for (const auto& key : *keys) found.emplace_back(key.secret.reveal());
    EXPECT_EQ(found, secrets) << name;
  }
}

TEST(KeyFile, AJwkSaysWhatItIsFor) {
  const auto keys = read_key_file(R"({"kty":"oct","k":"c2VjcmV0","alg":"HS384","kid":"2026-11"})");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->at(0).id, "2026-11");
  EXPECT_EQ(keys->at(0).algorithm, Algorithm::HS384);
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
      {"a PEM", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n", "not supported yet"},
      {"an RSA key", R"({"kty":"RSA","n":"c2VjcmV0","e":"AQAB"})", "\"RSA\" are not supported yet"},
      {"a set of others", R"({"keys":[{"kty":"EC"},{"kty":"RSA"}]})", "not supported yet"},
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

}  // namespace
}  // namespace sidegate::token
