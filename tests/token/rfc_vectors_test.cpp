#include "rfc_vectors.hpp"

#include "forging.hpp"

#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/key_material.hpp>
#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::token {
namespace {

using base::Reason;
using base::UnixTime;

constexpr UnixTime kNow{std::chrono::seconds(1'790'000'000)};

JwsVerifier verifier_with(std::string_view jwk, std::string_view algorithm) {
  JwsVerifier verifier({{*find_algorithm(algorithm)}, {}});
  const auto file = read_key_file(jwk);
  EXPECT_TRUE(file) << file.error().text;
  const auto added = verifier.add_key(file->keys.at(0));
  EXPECT_TRUE(added) << added.error().text;
  return verifier;
}

const RfcVector& vector_called(std::string_view name) {
  return *std::find_if(kRfcVectors.begin(), kRfcVectors.end(), [&](const auto& vector) { return vector.name == name; });
}

std::string signature_of(std::string_view name) {
  return parts_of(vector_called(name).token).signature;
}

TEST(RfcVectors, AreVerified) {
  for (const RfcVector& vector : kRfcVectors) {
    SCOPED_TRACE(vector.name);
    auto verifier = verifier_with(vector.jwk, vector.algorithm);
    const auto verified = verifier.verify(vector.token, kNow);
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->payload.starts_with(vector.payload_begins));
    EXPECT_EQ(verified->expires, UnixTime::max());
  }
}

TEST(RfcVectors, WithOneBitChangedAreRefused) {
  for (const RfcVector& vector : kRfcVectors) {
    SCOPED_TRACE(vector.name);
    auto verifier = verifier_with(vector.jwk, vector.algorithm);
    for (std::size_t byte = 0; byte < 256; ++byte) {
      ASSERT_FALSE(verifier.verify(flipped(vector.token, &TokenParts::header, byte), kNow)) << "header, byte " << byte;
      ASSERT_EQ(verifier.verify(flipped(vector.token, &TokenParts::payload, byte), kNow).error(), Reason::BadSignature)
          << "payload, byte " << byte;
      ASSERT_EQ(verifier.verify(flipped(vector.token, &TokenParts::signature, byte), kNow).error(),
                Reason::BadSignature)
          << "signature, byte " << byte;
    }
    EXPECT_TRUE(verifier.verify(vector.token, kNow)) << "and the same again after refusals";
  }
}

TEST(RfcVectors, AreForNoKeyButTheirOwn) {
  for (const RfcVector& vector : kRfcVectors) {
    for (const RfcVector& other : kRfcVectors) {
      if (other.algorithm != vector.algorithm) continue;
      auto verifier = verifier_with(other.jwk, other.algorithm);
      EXPECT_EQ(verifier.verify(vector.token, kNow).has_value(), other.jwk == vector.jwk)
          << vector.name << " with the key of " << other.name;
    }
  }
}

TEST(RfcVectors, AreMadeAgainByTheirPrivateKeys) {
  for (const auto& [name, jwk, header, vector_name] : kRfcSigners) {
    SCOPED_TRACE(name);
    const RfcVector& vector = vector_called(vector_name);
    const auto keys = read_signing_keys(jwk);
    ASSERT_TRUE(keys) << keys.error().text;
    const std::string payload = *decode_base64url(parts_of(vector.token).payload);
    EXPECT_EQ(*sign_jws(header, payload, *find_algorithm(vector.algorithm), keys->at(0)), vector.token);
    // RFC 8037 A.2: the public key is the private one without `d`.
    const auto public_half = read_key_file(jwk);
    ASSERT_TRUE(public_half);
    EXPECT_EQ(std::get<PublicKey>(public_half->keys.at(0).key),
              std::get<PublicKey>(read_key_file(vector.jwk)->keys.at(0).key));
  }
}

// RFC 7515 A.5.
TEST(RfcVectors, TheUnsecuredOneIsRefused) {
  for (const RfcVector& vector : kRfcVectors) {
    auto verifier = verifier_with(vector.jwk, vector.algorithm);
    EXPECT_EQ(verifier.verify("eyJhbGciOiJub25lIn0." + kJoePayload + '.', kNow).error(), Reason::BadSignature);
  }
}

// RFC 7520 section 4.5: its signature is that of 4.4.
TEST(RfcVectors, TheOneWithDetachedContentIsVerifiedOnlyWithTheContentPutBack) {
  auto verifier = verifier_with(kHobbitonSecret, "HS256");
  const std::string detached = kRfc7520Header44 + ".." + kRfc7520Signature44;
  EXPECT_EQ(verifier.verify(detached, kNow).error(), Reason::BadSignature);
  EXPECT_TRUE(verifier.verify(kRfc7520Header44 + '.' + kFrodoPayload + '.' + kRfc7520Signature44, kNow));
}

std::string member(std::string_view name, std::string_view text) {
  return '"' + std::string(name) + R"(":")" + std::string(text) + '"';
}

// RFC 7515 section 7.2: JSON is for other uses; what signs a request is compact.
TEST(RfcVectors, ThoseInJsonAreRefused) {
  const std::string es256 = member("protected", "eyJhbGciOiJFUzI1NiJ9") +
                            R"(,"header":{"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"},)" +
                            member("signature", signature_of("RFC 7515 A.3"));
  const std::string rs256 = member("protected", "eyJhbGciOiJSUzI1NiJ9") + R"(,"header":{"kid":"2010-12-29"},)" +
                            member("signature", signature_of("RFC 7515 A.2"));
  const std::string secret_id = R"("kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037")";
  const std::string joe = member("payload", kJoePayload);
  const std::string frodo = member("payload", kFrodoPayload);
  const std::string s47 = "xuLifqLGiblpv9zBpuZczWhNj1gARaLV3UxvxhJxZuk";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"RFC 7515 A.6", '{' + joe + R"(,"signatures":[{)" + rs256 + "},{" + es256 + "}]}"},
      {"RFC 7515 A.7", '{' + joe + ',' + es256 + '}'},
      {"RFC 7520 section 4.5, flattened",
       '{' + member("protected", kRfc7520Header44) + ',' + member("signature", kRfc7520Signature44) + '}'},
      {"RFC 7520 section 4.6", '{' + frodo + ',' + member("protected", "eyJhbGciOiJIUzI1NiJ9") + R"(,"header":{)" +
                                   secret_id + "}," + member("signature", kRfc7520Signature46) + '}'},
      {"RFC 7520 section 4.7",
       '{' + frodo + R"(,"header":{)" + secret_id + R"(,"alg":"HS256"},)" + member("signature", s47) + '}'},
      {"RFC 7520 section 4.7 with full stops instead", '.' + kFrodoPayload + '.' + s47},
      {"RFC 7520 section 4.8", '{' + frodo + R"(,"signatures":[{)" + member("protected", kRfc7520Header44) + ',' +
                                   member("signature", kRfc7520Signature44) + "},{" +
                                   member("protected", "eyJhbGciOiJSUzI1NiJ9") + ',' +
                                   member("signature", kRfc7520Signature48) + "}]}"},
  };
  for (const auto& [name, token] : cases) {
    if (token.starts_with('{')) {
      ASSERT_NO_THROW(boost::json::parse(token)) << name;
    }
    for (const RfcVector& vector : kRfcVectors) {
      auto verifier = verifier_with(vector.jwk, vector.algorithm);
      EXPECT_EQ(verifier.verify(token, kNow).error(), Reason::Malformed) << name;
    }
  }
}

}  // namespace
}  // namespace sidegate::token
