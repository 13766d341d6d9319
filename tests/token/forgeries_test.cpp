#include "forging.hpp"

#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Tokens that somebody made who has none of the private keys, or that a lenient verifier takes for another's.
namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Reason;
using base::UnixTime;
using key_pairs::encoded;
using key_pairs::Key;
using key_pairs::private_key_in;

constexpr UnixTime kNow{std::chrono::seconds(1'790'000'000)};
const std::string kSecret(64, 's');

Key openssl_key(KeyKind kind) {
  return private_key_in(pair_of(kind).private_pem);
}

SigningKey signing_key(const KeyPair& pair) {
  return read_signing_keys(pair.private_pem)->at(0);
}

/// With a key of each kind, called by the kind, and the secret, called `secret`; or with the keys of some kinds only.
JwsVerifier verifier_of(const std::vector<KeyKind>& kinds = {kKeyKinds.begin(), kKeyKinds.end()}) {
  JwsVerifier verifier({kHmacAlgorithms | kPublicKeyAlgorithms, {}});
  EXPECT_TRUE(verifier.add_key({base::Secret(kSecret), "secret", {}, {}}));
  for (const KeyKind kind : kinds) {
    KeyMaterial key = read_key_file(pair_of(kind).public_pem)->keys.at(0);
    key.id = name_of(kind);
    EXPECT_TRUE(verifier.add_key(key));
  }
  return verifier;
}

json::object header_of(Algorithm algorithm) {
  return {{"alg", name_of(algorithm)}};
}

/// The signing input of a token that says it is made with `algorithm`.
std::string claiming(Algorithm algorithm, std::string_view payload = "{}") {
  return encoded(serialize(header_of(algorithm))) + '.' + encoded(payload);
}

/// The token with a signature that OpenSSL made over what it claims.
std::string openssl_token(Algorithm claimed, KeyKind kind, const EVP_MD* hash,
                          const std::function<void(EVP_PKEY_CTX*)>& set_padding = {}) {
  const std::string input = claiming(claimed);
  return input + '.' + encoded(openssl_signature(openssl_key(kind), hash, input, set_padding));
}

std::string signed_by(const KeyPair& pair, Algorithm algorithm, const json::object& header,
                      std::string_view payload = "{}") {
  const auto token = sign_jws(serialize(header), payload, algorithm, signing_key(pair));
  EXPECT_TRUE(token) << token.error().text;
  return *token;
}

std::string good_token(KeyKind kind, Algorithm algorithm, std::string_view payload = "{}") {
  return signed_by(pair_of(kind), algorithm, header_of(algorithm), payload);
}

void expect_forged(JwsVerifier& verifier, const std::string& token, std::string_view name) {
  const auto verified = verifier.verify(token, kNow);
  ASSERT_FALSE(verified) << name;
  EXPECT_EQ(base::name_of(verified.error()), base::name_of(Reason::BadSignature)) << name;
}

// RFC 7515 section 10.1, CVE-2018-0114: a key that a token brings along proves nothing.
TEST(Forgeries, WithAKeyOfTheirOwn) {
  auto verifier = verifier_of();
  for (const KeyKind kind : kKeyKinds) {
    const KeyPair theirs = make_pair_of(kind);
    for (const Algorithm algorithm : kAlgorithms) {
      if (!algorithms_of(kind).contains(algorithm)) continue;
      const json::object bare = header_of(algorithm);
      const json::object named = changed(theirs.public_jwk, "kid", name_of(kind));
      const json::value chain{encoded(theirs.public_pem)};
      const std::vector<std::pair<std::string_view, json::object>> headers{
          {"no key", bare},
          {"our kid", changed(bare, "kid", name_of(kind))},
          {"a kid that nobody has", changed(bare, "kid", "theirs")},
          {"jwk", changed(bare, "jwk", theirs.public_jwk)},
          {"jwk with both halves", changed(bare, "jwk", theirs.private_jwk)},
          {"jwk with our kid", changed(changed(bare, "jwk", named), "kid", name_of(kind))},
          {"jku", changed(bare, "jku", "https://evil.example/jwks")},
          {"x5u", changed(bare, "x5u", "https://evil.example/chain.pem")},
          {"x5c", changed(bare, "x5c", json::array{chain})},
          {"a set", changed(bare, "keys", json::array{theirs.public_jwk})},
          {"epk", changed(bare, "epk", theirs.public_jwk)},
      };
      for (const auto& [name, header] : headers) {
        expect_forged(verifier, signed_by(theirs, algorithm, header), name);
        EXPECT_TRUE(verifier.verify(signed_by(pair_of(kind), algorithm, header), kNow)) << name << " of ours";
      }
    }
  }
}

TEST(Forgeries, WithASecretOfTheirOwn) {
  auto verifier = verifier_of();
  const std::string theirs(64, 't');
  const json::object bare = header_of(Algorithm::HS256);
  const json::object jwk{{"kty", "oct"}, {"k", encoded(theirs)}, {"kid", "secret"}};
  for (const json::object& header :
       {bare, changed(bare, "kid", "secret"), changed(bare, "jwk", jwk),
        changed(changed(bare, "jwk", jwk), "kid", "secret"), changed(bare, "k", encoded(theirs)),
        changed(bare, "kid", "/dev/null"), changed(bare, "kid", "../../secret"), changed(bare, "kid", "' OR '1'='1")}) {
    const std::string name = serialize(header);
    expect_forged(verifier, *sign_jws(name, "{}", Algorithm::HS256, theirs), name);
    expect_forged(verifier, sealed(encoded(name), encoded("{}"), ""), name + " with an empty secret");
    expect_forged(verifier, sealed(encoded(name), encoded("{}"), std::string(1, '\0')), name + " with a NUL");
  }
}

std::string der_of(const Key& key, int (*write)(const EVP_PKEY*, unsigned char**)) {
  unsigned char* bytes = nullptr;
  const int size = write(key.get(), &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::max(size, 0)));
  OPENSSL_free(bytes);
  return der;
}

/// All in which the public half of a key is known to everybody.
std::vector<std::pair<std::string, std::string>> public_texts(KeyKind kind) {
  const KeyPair& pair = pair_of(kind);
  const std::string& pem = pair.public_pem;
  std::vector<std::pair<std::string, std::string>> texts{
      {"PEM", pem},
      {"PEM without the last line feed", pem.substr(0, pem.size() - 1)},
      {"the base64 of the PEM", pem.substr(pem.find('\n') + 1, pem.rfind("-----END") - pem.find('\n') - 2)},
      {"DER", der_of(openssl_key(kind), &i2d_PUBKEY)},
      {"JWK", serialize(pair.public_jwk)},
      {"JWK Set", jwk_set({pair.public_jwk})},
  };
  for (const auto& member : pair.public_jwk) {
    const std::string text(member.value().as_string());
    texts.emplace_back("the text of a member", text);
    if (const auto bytes = decode_base64url(text); bytes && !bytes->empty()) {
      texts.emplace_back("the bytes of a member", *bytes);
    }
  }
  if (kind != KeyKind::Ed25519 && kind != KeyKind::Ed448) {
    texts.emplace_back("the key alone as DER", der_of(openssl_key(kind), &i2d_PublicKey));
  }
  return texts;
}

// CVE-2015-9235 and its like: the public key as the secret of an HMAC, beside a secret that is one.
TEST(Forgeries, WithAPublicKeyAsTheSecret) {
  auto verifier = verifier_of();
  for (const KeyKind kind : kKeyKinds) {
    for (const auto& [name, text] : public_texts(kind)) {
      for (const Algorithm algorithm : {Algorithm::HS256, Algorithm::HS384, Algorithm::HS512}) {
        for (const std::string_view key_id : {std::string_view(), name_of(kind), std::string_view("secret")}) {
          const auto header = key_id.empty() ? header_of(algorithm) : changed(header_of(algorithm), "kid", key_id);
          expect_forged(verifier, *sign_jws(serialize(header), "{}", algorithm, text), name);
        }
      }
    }
  }
  EXPECT_TRUE(verifier.verify(*sign_jws(R"({"alg":"HS256"})", "{}", Algorithm::HS256, kSecret), kNow));
}

// RFC 7518 sections 3.3 to 3.5: the algorithm is the hash and the padding as well.
TEST(Forgeries, OfAnotherHashOrPaddingThanTheySay) {
  const auto pss = [](int salt, const EVP_MD* mask) {
    return [salt, mask](EVP_PKEY_CTX* settings) {
      EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, salt);
      EVP_PKEY_CTX_set_rsa_mgf1_md(settings, mask);
    };
  };
  const EVP_MD* const sha256 = EVP_sha256();
  const EVP_MD* const sha384 = EVP_sha384();
  const EVP_MD* const sha512 = EVP_sha512();
  auto verifier = verifier_of();
  for (const std::string& good : {openssl_token(Algorithm::RS256, KeyKind::Rsa, sha256),
                                  openssl_token(Algorithm::PS256, KeyKind::Rsa, sha256, pss(32, sha256)),
                                  openssl_token(Algorithm::EdDSA, KeyKind::Ed448, nullptr)}) {
    EXPECT_TRUE(verifier.verify(good, kNow)) << "what follows would prove nothing";
  }
  const std::vector<std::pair<std::string_view, std::string>> cases{
      {"RS256 as PS256", openssl_token(Algorithm::PS256, KeyKind::Rsa, sha256)},
      {"PS256 as RS256", openssl_token(Algorithm::RS256, KeyKind::Rsa, sha256, pss(32, sha256))},
      {"RS512 as RS256", openssl_token(Algorithm::RS256, KeyKind::Rsa, sha512)},
      {"RS256 as RS512", openssl_token(Algorithm::RS512, KeyKind::Rsa, sha256)},
      {"RSA with SHA-1 as RS256", openssl_token(Algorithm::RS256, KeyKind::Rsa, EVP_sha1())},
      {"PS256 without a salt", openssl_token(Algorithm::PS256, KeyKind::Rsa, sha256, pss(0, sha256))},
      {"PS256 with a short salt", openssl_token(Algorithm::PS256, KeyKind::Rsa, sha256, pss(31, sha256))},
      {"PS256 with a long salt", openssl_token(Algorithm::PS256, KeyKind::Rsa, sha256, pss(33, sha256))},
      {"PS256 with the longest salt",
       openssl_token(Algorithm::PS256, KeyKind::Rsa, sha256, pss(RSA_PSS_SALTLEN_MAX, sha256))},
      {"PS256 with the mask of another hash",
       openssl_token(Algorithm::PS256, KeyKind::Rsa, sha256, pss(32, EVP_sha1()))},
      {"PS384 as PS256", openssl_token(Algorithm::PS256, KeyKind::Rsa, sha384, pss(48, sha384))},
      {"RSA as EdDSA", openssl_token(Algorithm::EdDSA, KeyKind::Rsa, sha256)},
      {"Ed25519 as ES256", openssl_token(Algorithm::ES256, KeyKind::Ed25519, nullptr)},
  };
  for (const auto& [name, token] : cases) expect_forged(verifier, token, name);
}

TEST(Forgeries, OfAnotherCurveThanTheySay) {
  auto verifier = verifier_of();
  const auto relabelled = [](const std::string& token, Algorithm algorithm) {
    TokenParts parts = parts_of(token);
    parts.header = encoded(serialize(header_of(algorithm)));
    return parts.token();
  };
  const std::vector<std::pair<KeyKind, Algorithm>> curves{
      {KeyKind::P256, Algorithm::ES256}, {KeyKind::P384, Algorithm::ES384}, {KeyKind::P521, Algorithm::ES512}};
  for (const auto& [kind, algorithm] : curves) {
    for (const auto& [other, claimed] : curves) {
      if (other == kind) continue;
      expect_forged(verifier, relabelled(good_token(kind, algorithm), claimed), name_of(claimed));
    }
  }
  // Both are EdDSA: the keys are what differs.
  const std::string long_one = good_token(KeyKind::Ed448, Algorithm::EdDSA);
  const std::string short_one = good_token(KeyKind::Ed25519, Algorithm::EdDSA);
  auto with_short = verifier_of({KeyKind::Ed25519});
  auto with_long = verifier_of({KeyKind::Ed448});
  expect_forged(with_short, long_one, "Ed448 for Ed25519");
  expect_forged(with_long, short_one, "Ed25519 for Ed448");
  EXPECT_TRUE(with_short.verify(short_one, kNow));
  EXPECT_TRUE(with_long.verify(long_one, kNow));
}

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

Number number_of(std::string_view bytes) {
  return {BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr),
          &BN_free};
}

std::string bytes_of(const BIGNUM& number, std::size_t size) {
  std::string bytes(size, '\0');
  if (BN_bn2binpad(&number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) < 0) return {};
  return bytes;
}

/// Both added up in as many bytes as the first has; empty where they do not fit.
std::string sum(std::string_view bytes, const BIGNUM& addend) {
  const Number total = number_of(bytes);
  BN_add(total.get(), total.get(), &addend);
  return bytes_of(*total, bytes.size());
}

struct Curve {
  KeyKind kind;
  Algorithm algorithm;
  int nid;
  const EVP_MD* hash;
};

// CVE-2022-21449; SEC 1 section 4.1.4: r and s are from 1 to the order less 1.
TEST(Forgeries, EcdsaWithNumbersOutOfRange) {
  const std::vector<Curve> curves{{KeyKind::P256, Algorithm::ES256, NID_X9_62_prime256v1, EVP_sha256()},
                                  {KeyKind::P384, Algorithm::ES384, NID_secp384r1, EVP_sha384()},
                                  {KeyKind::P521, Algorithm::ES512, NID_secp521r1, EVP_sha512()}};
  auto verifier = verifier_of();
  for (const auto& [kind, algorithm, nid, hash] : curves) {
    SCOPED_TRACE(name_of(algorithm));
    const std::string token = good_token(kind, algorithm);
    const std::string signature = *decode_base64url(parts_of(token).signature);
    const std::size_t half = signature.size() / 2;
    const std::string r = signature.substr(0, half);
    const std::string s = signature.substr(half);
    const std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(EC_GROUP_new_by_curve_name(nid), &EC_GROUP_free);
    const BIGNUM& order = *EC_GROUP_get0_order(group.get());
    const std::string zero(half, '\0');
    const std::string one = std::string(half - 1, '\0') + '\1';
    const std::string n = bytes_of(order, half);
    const std::string der = openssl_signature(openssl_key(kind), hash, parts_of(token).signing_input());
    std::vector<std::pair<std::string_view, std::string>> cases{
        {"DER", der},
        {"DER filled up with zeros", der + std::string(std::max(2 * half, der.size()) - der.size(), '\0')},
        {"r is 0", zero + s},
        {"s is 0", r + zero},
        {"both are 0", zero + zero},
        {"r is the order", n + s},
        {"s is the order", r + n},
        {"both are the order", n + n},
        {"both are 1", one + one},
        {"exchanged", s + r},
        {"r alone", r},
        {"a zero before both", '\0' + r + '\0' + s},
        {"the first byte of both left out", r.substr(1) + s.substr(1)},
    };
    // Only P-521 has room for that in its bytes: the order has 521 bits of 528.
    if (const std::string more = sum(r, order); !more.empty()) cases.emplace_back("r and the order", more + s);
    if (const std::string more = sum(s, order); !more.empty()) cases.emplace_back("s and the order", r + more);
    EXPECT_EQ(cases.size() > 13, kind == KeyKind::P521);
    for (const auto& [name, forged] : cases) expect_forged(verifier, resigned(token, forged), name);
    EXPECT_TRUE(verifier.verify(token, kNow));
  }
}

// RFC 8017 section 8.2.2: a signature is less than the modulus.
TEST(Forgeries, RsaWithANumberOutOfRange) {
  auto verifier = verifier_of();
  const std::string modulus = *decode_base64url(std::string(pair_of(KeyKind::Rsa).public_jwk.at("n").as_string()));
  const Number n = number_of(modulus);
  for (const Algorithm algorithm : {Algorithm::RS256, Algorithm::PS256}) {
    // The sum fits where the signature is small enough, which up to half of them are.
    std::string token;
    std::string forged;
    for (int i = 0; forged.empty(); ++i) {
      token = good_token(KeyKind::Rsa, algorithm, std::to_string(i));
      forged = sum(*decode_base64url(parts_of(token).signature), *n);
      ASSERT_LT(i, 1000);
    }
    EXPECT_TRUE(verifier.verify(token, kNow));
    expect_forged(verifier, resigned(token, forged), "the modulus added");
    expect_forged(verifier, resigned(token, modulus), "the modulus");
    BN_sub_word(n.get(), 1);
    expect_forged(verifier, resigned(token, bytes_of(*n, modulus.size())), "the modulus less 1");
    BN_add_word(n.get(), 1);
  }
}

// RFC 8032 section 5.1.7: S is less than the order of the base point, or one signature would make another.
TEST(Forgeries, EddsaWithANumberOutOfRange) {
  auto verifier = verifier_of();
  const std::string token = good_token(KeyKind::Ed25519, Algorithm::EdDSA);
  const std::string signature = *decode_base64url(parts_of(token).signature);
  // 2^252 + 27742317777372353535851937790883648493
  BIGNUM* order = nullptr;
  BN_dec2bn(&order, "7237005577332262213973186563042994240857116359379907606001950938285454250989");
  const Number owned(order, &BN_free);
  std::string s = signature.substr(32);
  std::reverse(s.begin(), s.end());  // it is little-endian
  std::string more = sum(s, *order);
  std::reverse(more.begin(), more.end());
  ASSERT_EQ(more.size(), 32U);
  expect_forged(verifier, resigned(token, signature.substr(0, 32) + more), "the order added");
  EXPECT_TRUE(verifier.verify(token, kNow));
}

}  // namespace
}  // namespace sidegate::token
