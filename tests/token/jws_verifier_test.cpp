#include "rfc_vectors.hpp"

#include <sidegate/token/base64url.hpp>
#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace sidegate::token {
namespace {

using base::Reason;
using base::UnixTime;
using std::chrono::seconds;

constexpr UnixTime kNow{seconds(1'790'000'000)};
const std::string kSecret(64, 'k');
const std::string kOtherSecret(64, 'o');

KeyMaterial key_of(std::string secret, std::string id = {}) {
  return {base::Secret(std::move(secret)), std::move(id), {}, {}};
}

JwsRules all_algorithms(std::string type = {}) {
  JwsRules rules;
  for (const Algorithm algorithm : kAlgorithms) rules.algorithms.insert(algorithm);
  rules.type = std::move(type);
  return rules;
}

JwsRules only(Algorithm algorithm) {
  JwsRules rules;
  rules.algorithms.insert(algorithm);
  return rules;
}

JwsVerifier verifier_with(const KeyMaterial& key, JwsRules rules = all_algorithms()) {
  JwsVerifier verifier(std::move(rules));
  EXPECT_TRUE(verifier.add_key(key));
  return verifier;
}

std::string signed_with(std::string_view header, std::string_view payload = "{}", std::string_view secret = kSecret,
                        Algorithm algorithm = Algorithm::HS256) {
  return *sign_jws(header, payload, algorithm, secret);
}

constexpr std::string_view kA1Key =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

TEST(JwsVerifier, EveryBitOfATokenCounts) {
  auto verifier = verifier_with(key_of(*decode_base64url(kA1Key)));
  for (std::size_t i = 0; i < kRfc7515A1.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string token = kRfc7515A1;
      token[i] = static_cast<char>(static_cast<unsigned char>(token[i]) ^ (1U << bit));
      ASSERT_FALSE(verifier.verify(token, kNow)) << "byte " << i << " bit " << bit;
    }
  }
  EXPECT_TRUE(verifier.verify(kRfc7515A1, kNow));
}

TEST(JwsVerifier, CutAnywhereATokenIsRefused) {
  auto verifier = verifier_with(key_of(*decode_base64url(kA1Key)));
  for (std::size_t size = 0; size < kRfc7515A1.size(); ++size) {
    ASSERT_FALSE(verifier.verify(kRfc7515A1.substr(0, size), kNow)) << size;
    ASSERT_FALSE(verifier.verify(kRfc7515A1.substr(size + 1), kNow)) << size;
  }
}

struct StructureCase {
  std::string name;
  std::string token;
};

TEST(JwsVerifier, StructureThatIsNotACompactJwsIsMalformed) {
  const std::string good = signed_with(R"({"alg":"HS256"})");
  const std::vector<StructureCase> cases{
      {"nothing", ""},
      {"opaque", "0123456789abcdef"},
      {"two parts", good.substr(0, good.rfind('.'))},
      {"four parts", good + ".AAAA"},
      {"five parts, an encrypted token", "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA"},
      {"full stops only", ".."},
      {"no header", good.substr(good.find('.'))},
      {"padding", good + '='},
      {"a blank before it", ' ' + good},
      {"a line feed after it", good + '\n'},
      {"JSON serialization", R"({"payload":"e30","signatures":[]})"},
  };
  auto verifier = verifier_with(key_of(kSecret));
  for (const auto& [name, token] : cases) {
    const auto verified = verifier.verify(token, kNow);
    ASSERT_FALSE(verified) << name;
    EXPECT_EQ(verified.error(), Reason::Malformed) << name;
  }
  EXPECT_TRUE(verifier.verify(good, kNow));
}

struct HeaderCase {
  std::string name;
  std::string header;
  Reason expected;
};

TEST(JwsVerifier, HeaderRules) {
  std::string many = R"({"alg":"HS256")";
  for (int i = 0; i < 64; ++i) many += ",\"m" + std::to_string(i) + "\":0";
  const std::vector<HeaderCase> cases{
      {"plain", R"({"alg":"HS256"})", Reason::Accepted},
      {"any typ", R"({"alg":"HS256","typ":"whatever"})", Reason::Accepted},
      {"members that nobody knows", R"({"alg":"HS256","x":{"y":[1]}})", Reason::Accepted},
      {"keys and addresses of keys are not looked at",
       R"({"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"jku":"http://evil/","x5u":"http://evil/","x5c":["AAAA"]})",
       Reason::Accepted},
      {"a key id that no key has", R"({"alg":"HS256","kid":"other"})", Reason::Accepted},
      {"b64 true, which is the default", R"({"alg":"HS256","b64":true})", Reason::Accepted},
      {"no alg", R"({"typ":"JWT"})", Reason::Malformed},
      {"an empty alg", R"({"alg":""})", Reason::Malformed},
      {"alg is a list", R"({"alg":["HS256"]})", Reason::Malformed},
      {"alg is null", R"({"alg":null})", Reason::Malformed},
      {"alg twice", R"({"alg":"none","alg":"HS256"})", Reason::Malformed},
      {"kid is a number", R"({"alg":"HS256","kid":1})", Reason::Malformed},
      {"typ is a number", R"({"alg":"HS256","typ":1})", Reason::Malformed},
      {"crit", R"({"alg":"HS256","crit":["exp"],"exp":1})", Reason::Malformed},
      {"crit, empty", R"({"alg":"HS256","crit":[]})", Reason::Malformed},
      {"an unencoded payload", R"({"alg":"HS256","b64":false})", Reason::Malformed},
      {"b64 is no boolean", R"({"alg":"HS256","b64":"true"})", Reason::Malformed},
      {"a list", R"(["alg"])", Reason::Malformed},
      {"no JSON", "alg=HS256", Reason::Malformed},
      {"more members than it may have", many + '}', Reason::Malformed},
      {"none", R"({"alg":"none"})", Reason::BadSignature},
      {"None", R"({"alg":"None"})", Reason::BadSignature},
      {"an algorithm in another case", R"({"alg":"hs256"})", Reason::BadSignature},
      {"an algorithm of another kind of key", R"({"alg":"RS256"})", Reason::BadSignature},
      {"another hash than the one that signed", R"({"alg":"HS512"})", Reason::BadSignature},
  };
  for (const auto& [name, header, expected] : cases) {
    auto verifier = verifier_with(key_of(kSecret, "mine"));
    const auto verified = verifier.verify(signed_with(header), kNow);
    EXPECT_EQ(verified ? Reason::Accepted : verified.error(), expected) << name;
  }
}

TEST(JwsVerifier, OnlyTheAlgorithmsOfTheRulesAreAccepted) {
  constexpr std::array kAll{Algorithm::HS256, Algorithm::HS384, Algorithm::HS512};
  for (const Algorithm allowed : kAll) {
    auto verifier = verifier_with(key_of(kSecret), only(allowed));
    for (const Algorithm used : kAll) {
      const std::string header = R"({"alg":")" + std::string(name_of(used)) + R"("})";
      const auto verified = verifier.verify(signed_with(header, "{}", kSecret, used), kNow);
      EXPECT_EQ(verified ? Reason::Accepted : verified.error(),
                used == allowed ? Reason::Accepted : Reason::BadSignature);
    }
  }
}

TEST(JwsVerifier, TypeIsComparedWithoutCaseAndWithoutApplication) {
  const std::vector<HeaderCase> cases{
      {"the same", R"({"alg":"HS256","typ":"at+jwt"})", Reason::Accepted},
      {"another case", R"({"alg":"HS256","typ":"AT+JWT"})", Reason::Accepted},
      {"in full", R"({"alg":"HS256","typ":"Application/at+jwt"})", Reason::Accepted},
      {"another", R"({"alg":"HS256","typ":"JWT"})", Reason::Malformed},
      {"none", R"({"alg":"HS256"})", Reason::Malformed},
      {"another family", R"({"alg":"HS256","typ":"text/at+jwt"})", Reason::Malformed},
      {"the prefix alone", R"({"alg":"HS256","typ":"application/"})", Reason::Malformed},
  };
  for (const std::string type : {"at+jwt", "application/at+jwt"}) {
    for (const auto& [name, header, expected] : cases) {
      auto verifier = verifier_with(key_of(kSecret), all_algorithms(type));
      const auto verified = verifier.verify(signed_with(header), kNow);
      EXPECT_EQ(verified ? Reason::Accepted : verified.error(), expected) << name;
    }
  }
}

TEST(JwsVerifier, ThePayloadMayBeAnything) {
  auto verifier = verifier_with(key_of(kSecret));
  for (const std::string& payload : {std::string(), std::string("\0\xff", 2), std::string(100'000, 'x')}) {
    const auto verified = verifier.verify(signed_with(R"({"alg":"HS256"})", payload), kNow);
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->payload, payload);
  }
}

TEST(JwsVerifier, ASignatureOverOtherBytesIsRefused) {
  auto verifier = verifier_with(key_of(kSecret));
  const std::string mine = signed_with(R"({"alg":"HS256"})", R"({"sub":"me"})");
  const std::string yours = signed_with(R"({"alg":"HS256"})", R"({"sub":"you"})", kOtherSecret);
  const std::string mixed = yours.substr(0, yours.rfind('.')) + mine.substr(mine.rfind('.'));
  EXPECT_EQ(verifier.verify(mixed, kNow).error(), Reason::BadSignature);
  EXPECT_EQ(verifier.verify(yours, kNow).error(), Reason::BadSignature);
}

TEST(JwsVerifier, EveryKeyIsTriedUnlessTheIdNamesOne) {
  JwsVerifier verifier(all_algorithms());
  ASSERT_TRUE(verifier.add_key(key_of(kSecret, "first")));
  ASSERT_TRUE(verifier.add_key(key_of(kOtherSecret, "second")));
  const auto accepted = [&](std::string_view header, std::string_view secret) {
    return verifier.verify(signed_with(header, "{}", secret), kNow).has_value();
  };
  EXPECT_TRUE(accepted(R"({"alg":"HS256"})", kSecret));
  EXPECT_TRUE(accepted(R"({"alg":"HS256"})", kOtherSecret));
  EXPECT_TRUE(accepted(R"({"alg":"HS256","kid":"third"})", kOtherSecret));
  EXPECT_TRUE(accepted(R"({"alg":"HS256","kid":"second"})", kOtherSecret));
  EXPECT_FALSE(accepted(R"({"alg":"HS256","kid":"first"})", kOtherSecret));
}

TEST(JwsVerifier, AKeyIsNotUsedFromItsUntilOn) {
  KeyMaterial old = key_of(kOtherSecret);
  old.until = kNow;
  JwsVerifier verifier(all_algorithms());
  ASSERT_TRUE(verifier.add_key(key_of(kSecret)));
  ASSERT_TRUE(verifier.add_key(old));
  const std::string token = signed_with(R"({"alg":"HS256"})", "{}", kOtherSecret);
  const auto before = verifier.verify(token, kNow - seconds(1));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->expires, kNow);
  EXPECT_EQ(verifier.verify(token, kNow).error(), Reason::BadSignature);
  EXPECT_TRUE(verifier.verify(signed_with(R"({"alg":"HS256"})"), kNow));
}

TEST(JwsVerifier, AKeyOfOneAlgorithmIsUsedForNoOther) {
  KeyMaterial key = key_of(kSecret);
  key.algorithm = Algorithm::HS512;
  auto verifier = verifier_with(key);
  EXPECT_TRUE(verifier.verify(signed_with(R"({"alg":"HS512"})", "{}", kSecret, Algorithm::HS512), kNow));
  EXPECT_EQ(verifier.verify(signed_with(R"({"alg":"HS256"})"), kNow).error(), Reason::BadSignature);
  JwsVerifier other(only(Algorithm::HS256));
  EXPECT_FALSE(other.add_key(key));
}

TEST(JwsVerifier, WithNoKeyEverythingIsRefused) {
  JwsVerifier verifier(all_algorithms());
  EXPECT_FALSE(verifier.add_key(key_of("")));
  EXPECT_EQ(verifier.verify(signed_with(R"({"alg":"HS256"})"), kNow).error(), Reason::BadSignature);
  EXPECT_EQ(verifier.verify("eyJhbGciOiJub25lIn0.e30.", kNow).error(), Reason::BadSignature);
}

// The header of the last accepted token is remembered: what it says must not be given to a token with another header.
TEST(JwsVerifier, TheRememberedHeaderIsOnlyThatOfTheSameText) {
  auto verifier = verifier_with(key_of(kSecret));
  const std::string plain = signed_with(R"({"alg":"HS256"})");
  const std::string with_id = signed_with(R"({"alg":"HS512","kid":"a key id that is longer than a short string"})",
                                          "{}", kSecret, Algorithm::HS512);
  const std::string none = "eyJhbGciOiJub25lIn0" + plain.substr(plain.find('.'));
  const std::string critical = signed_with(R"({"alg":"HS256","crit":["x"]})");
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(verifier.verify(plain, kNow));
    EXPECT_EQ(verifier.verify(none, kNow).error(), Reason::BadSignature);
    EXPECT_TRUE(verifier.verify(plain, kNow));
    EXPECT_EQ(verifier.verify(critical, kNow).error(), Reason::Malformed);
    EXPECT_TRUE(verifier.verify(with_id, kNow));
    EXPECT_TRUE(verifier.verify(with_id, kNow));
  }
}

}  // namespace
}  // namespace sidegate::token
