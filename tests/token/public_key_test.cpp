#include "forging.hpp"
#include "key_pairs.hpp"

#include <sidegate/token/base64url.hpp>
#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/key_material.hpp>
#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>

namespace sidegate::token {
namespace {

using base::Reason;
using base::UnixTime;
using boost::json::serialize;

constexpr UnixTime kNow{std::chrono::seconds(1'790'000'000)};

AlgorithmSet all_algorithms() {
  AlgorithmSet all;
  for (const Algorithm algorithm : kAlgorithms) all.insert(algorithm);
  return all;
}

KeyMaterial key_in(std::string_view bytes) {
  auto file = read_key_file(bytes);
  EXPECT_TRUE(file) << file.error().text;
  return file->keys.at(0);
}

SigningKey signing_key_in(std::string_view bytes) {
  auto keys = read_signing_keys(bytes);
  EXPECT_TRUE(keys) << keys.error().text;
  return keys->at(0);
}

JwsVerifier verifier_with(std::string_view bytes, AlgorithmSet algorithms = all_algorithms()) {
  JwsVerifier verifier({algorithms, {}});
  const auto added = verifier.add_key(key_in(bytes));
  EXPECT_TRUE(added) << added.error().text;
  return verifier;
}

std::string header_for(Algorithm algorithm) {
  return R"({"alg":")" + std::string(name_of(algorithm)) + R"("})";
}

std::string signed_by(KeyKind kind, Algorithm algorithm, std::string_view payload = "{}") {
  const auto token = sign_jws(header_for(algorithm), payload, algorithm, signing_key_in(pair_of(kind).private_pem));
  EXPECT_TRUE(token) << token.error().text;
  return *token;
}

TEST(PublicKey, EveryAlgorithmVerifiesWhatItSigned) {
  for (const KeyKind kind : kKeyKinds) {
    const KeyPair& pair = pair_of(kind);
    for (const std::string& file : {pair.public_pem, pair.private_pem, serialize(pair.public_jwk),
                                    serialize(pair.private_jwk), jwk_set({pair.public_jwk})}) {
      auto verifier = verifier_with(file);
      for (const Algorithm algorithm : kAlgorithms) {
        if (!algorithms_of(kind).contains(algorithm)) continue;
        SCOPED_TRACE(std::string(name_of(kind)) + " " + std::string(name_of(algorithm)));
        for (const std::string& signer : {pair.private_pem, serialize(pair.private_jwk)}) {
          const auto token = sign_jws(header_for(algorithm), "{}", algorithm, signing_key_in(signer));
          ASSERT_TRUE(token) << token.error().text;
          ASSERT_TRUE(verifier.verify(*token, kNow));
          ASSERT_EQ(verifier.verify(flipped(*token, &TokenParts::signature, 40), kNow).error(), Reason::BadSignature);
          ASSERT_EQ(verifier.verify(flipped(*token, &TokenParts::payload, 0), kNow).error(), Reason::BadSignature);
        }
      }
    }
  }
}

TEST(PublicKey, AnotherKeyOfTheSameKindIsRefused) {
  for (const KeyKind kind : kKeyKinds) {
    auto verifier = verifier_with(make_pair_of(kind).public_pem);
    for (const Algorithm algorithm : kAlgorithms) {
      if (!algorithms_of(kind).contains(algorithm)) continue;
      EXPECT_EQ(verifier.verify(signed_by(kind, algorithm), kNow).error(), Reason::BadSignature) << name_of(algorithm);
    }
  }
}

// RFC 7518 section 3.4: ES256 is P-256 with SHA-256, and nothing else is.
TEST(PublicKey, FitsNoOtherAlgorithm) {
  for (const KeyKind kind : kKeyKinds) {
    for (const Algorithm algorithm : kAlgorithms) {
      JwsVerifier verifier({{algorithm}, {}});
      const auto added = verifier.add_key(key_in(pair_of(kind).public_pem));
      EXPECT_EQ(added.has_value(), algorithms_of(kind).contains(algorithm)) << name_of(kind) << name_of(algorithm);
      if (!added) {
        EXPECT_THAT(added.error().text, testing::HasSubstr(std::string(name_of(kind))));
      }
    }
  }
}

TEST(PublicKey, ASignatureUnderAnotherAlgorithmIsRefused) {
  const std::string token = signed_by(KeyKind::Rsa, Algorithm::RS256);
  auto verifier = verifier_with(pair_of(KeyKind::Rsa).public_pem);
  for (const Algorithm claimed : kAlgorithms) {
    const std::string other = key_pairs::encoded(header_for(claimed)) + token.substr(token.find('.'));
    EXPECT_EQ(verifier.verify(other, kNow).has_value(), claimed == Algorithm::RS256) << name_of(claimed);
  }
}

// CVE-2026-39999 and its like: the public key, known to all, as the secret of an HMAC.
TEST(PublicKey, IsNeverTheSecretOfAnHmac) {
  for (const KeyKind kind : kKeyKinds) {
    const KeyPair& pair = pair_of(kind);
    for (const std::string& text : {pair.public_pem, serialize(pair.public_jwk)}) {
      auto verifier = verifier_with(text);
      for (const Algorithm algorithm : {Algorithm::HS256, Algorithm::HS384, Algorithm::HS512}) {
        const auto forged = sign_jws(header_for(algorithm), "{}", algorithm, text);
        ASSERT_TRUE(forged);
        EXPECT_EQ(verifier.verify(*forged, kNow).error(), Reason::BadSignature);
      }
    }
  }
}

// RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1: each signature has one length.
TEST(PublicKey, SignaturesHaveOneLength) {
  for (const KeyKind kind : kKeyKinds) {
    auto verifier = verifier_with(pair_of(kind).public_pem);
    for (const Algorithm algorithm : kAlgorithms) {
      if (!algorithms_of(kind).contains(algorithm)) continue;
      SCOPED_TRACE(std::string(name_of(kind)) + " " + std::string(name_of(algorithm)));
      const std::string token = signed_by(kind, algorithm);
      const std::string begin = token.substr(0, token.rfind('.') + 1);
      const std::string signature = *decode_base64url(token.substr(begin.size()));
      for (std::size_t size = 0; size < signature.size(); ++size) {
        ASSERT_FALSE(verifier.verify(begin + key_pairs::encoded(signature.substr(0, size)), kNow)) << size;
      }
      for (const std::string& longer : {signature + '\0', '\0' + signature, signature + signature}) {
        ASSERT_FALSE(verifier.verify(begin + key_pairs::encoded(longer), kNow));
      }
      ASSERT_TRUE(verifier.verify(token, kNow));
    }
  }
}

// CVE-2022-21449: an ECDSA signature of zeros signed everything.
TEST(PublicKey, SignaturesOfNothingAreRefused) {
  for (const KeyKind kind : kKeyKinds) {
    auto verifier = verifier_with(pair_of(kind).public_pem);
    for (const Algorithm algorithm : kAlgorithms) {
      if (!algorithms_of(kind).contains(algorithm)) continue;
      const std::string token = signed_by(kind, algorithm);
      const std::string begin = token.substr(0, token.rfind('.') + 1);
      const std::size_t size = decoded_size(token.size() - begin.size());
      for (const char byte : {'\0', '\1', '\xff'}) {
        EXPECT_FALSE(verifier.verify(begin + key_pairs::encoded(std::string(size, byte)), kNow)) << name_of(algorithm);
      }
    }
  }
}

// The queue of errors belongs to the thread, and TLS looks into it.
TEST(PublicKey, LeavesNoErrorsBehind) {
  for (const KeyKind kind : kKeyKinds) {
    auto verifier = verifier_with(pair_of(kind).public_pem);
    EXPECT_EQ(ERR_peek_error(), 0UL) << name_of(kind);
    for (const Algorithm algorithm : kAlgorithms) {
      if (!algorithms_of(kind).contains(algorithm)) continue;
      const std::string token = signed_by(kind, algorithm);
      EXPECT_TRUE(verifier.verify(token, kNow));
      EXPECT_FALSE(verifier.verify(flipped(token, &TokenParts::signature, 0), kNow));
      EXPECT_EQ(ERR_peek_error(), 0UL) << name_of(algorithm);
    }
  }
}

TEST(PublicKey, KeysOfEveryKindStandBesideEachOther) {
  JwsVerifier verifier({all_algorithms(), {}});
  ASSERT_TRUE(verifier.add_key({base::Secret(std::string(64, 's')), {}, {}, {}}));
  for (const KeyKind kind : kKeyKinds) ASSERT_TRUE(verifier.add_key(key_in(pair_of(kind).public_pem)));
  for (const KeyKind kind : kKeyKinds) {
    for (const Algorithm algorithm : kAlgorithms) {
      if (!algorithms_of(kind).contains(algorithm)) continue;
      EXPECT_TRUE(verifier.verify(signed_by(kind, algorithm), kNow));
    }
  }
  EXPECT_TRUE(
      verifier.verify(*sign_jws(header_for(Algorithm::HS512), "{}", Algorithm::HS512, std::string(64, 's')), kNow));
}

}  // namespace
}  // namespace sidegate::token
