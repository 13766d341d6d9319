#include "pem_key.hpp"

#include "key_pairs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <functional>
#include <string>
#include <vector>

namespace sidegate::token {
namespace {

using key_pairs::Key;
using key_pairs::owned;
using key_pairs::private_key_in;
using ::testing::HasSubstr;
using ::testing::Not;

std::string written(const std::function<void(BIO*)>& write) {
  BIO* const out = BIO_new(BIO_s_mem());
  write(out);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

/// Expired in 1970.
std::string certificate_of(KeyKind kind) {
  const Key key = private_key_in(pair_of(kind).private_pem);
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate), 0);
  ASN1_TIME_set(X509_getm_notAfter(certificate), 1);
  X509_set_pubkey(certificate, key.get());
  const bool hashes_itself = kind == KeyKind::Ed25519 || kind == KeyKind::Ed448;
  if (X509_sign(certificate, key.get(), hashes_itself ? nullptr : EVP_sha256()) == 0) std::abort();
  std::string text = written([&](BIO* out) { PEM_write_bio_X509(out, certificate); });
  X509_free(certificate);
  return text;
}

/// The older forms: `RSA PRIVATE KEY`, `EC PRIVATE KEY`.
std::string traditional(KeyKind kind) {
  const Key key = private_key_in(pair_of(kind).private_pem);
  return written(
      [&](BIO* out) { PEM_write_bio_PrivateKey_traditional(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string encrypted(KeyKind kind) {
  const Key key = private_key_in(pair_of(kind).private_pem);
  return written(
      [&](BIO* out) { PEM_write_bio_PKCS8PrivateKey(out, key.get(), EVP_aes_128_cbc(), "pass", 4, nullptr, nullptr); });
}

std::string traditional_encrypted() {
  const Key key = private_key_in(pair_of(KeyKind::Rsa).private_pem);
  const auto* const passphrase = reinterpret_cast<const unsigned char*>("pass");
  return written([&](BIO* out) {
    PEM_write_bio_PrivateKey_traditional(out, key.get(), EVP_aes_128_cbc(), const_cast<unsigned char*>(passphrase), 4,
                                         nullptr, nullptr);
  });
}

std::string rsa_public_key() {
  const Key key = private_key_in(pair_of(KeyKind::Rsa).private_pem);
  unsigned char* bytes = nullptr;
  const int size = i2d_PublicKey(key.get(), &bytes);
  std::string text = written([&](BIO* out) { PEM_write_bio(out, "RSA PUBLIC KEY", "", bytes, size); });
  OPENSSL_free(bytes);
  return text;
}

std::string block(const char* name, std::string_view bytes) {
  return written([&](BIO* out) {
    PEM_write_bio(out, name, "", reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<long>(bytes.size()));
  });
}

/// The bytes of the first block of a PEM.
std::string bytes_of(const std::string& pem) {
  BIO* const in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  PEM_read_bio(in, &name, &header, &bytes, &size);
  std::string content(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(bytes);
  BIO_free(in);
  return content;
}

bool same_key(const PublicKey& key, KeyKind kind) {
  return EVP_PKEY_eq(key.get(), private_key_in(pair_of(kind).private_pem).get()) == 1;
}

TEST(PemKey, ReadsPublicKeysAndCertificates) {
  for (const KeyKind kind : kKeyKinds) {
    const std::string spki = pair_of(kind).public_pem;
    const std::string certificate = certificate_of(kind);
    for (const std::string& text :
         {spki, certificate, "Certificate:\n    Data:\n" + certificate,
          certificate + certificate_of(KeyKind::P256) + certificate_of(KeyKind::Rsa), "\n \n" + spki + "\n\n"}) {
      const auto key = read_public_pem(text, PrivateHalf::Refused);
      ASSERT_TRUE(key) << name_of(kind) << ": " << key.error().text;
      EXPECT_EQ(key->kind(), kind);
      EXPECT_TRUE(same_key(*key, kind)) << "of a chain the first";
    }
  }
  const auto rsa = read_public_pem(rsa_public_key(), PrivateHalf::Refused);
  ASSERT_TRUE(rsa) << rsa.error().text;
  EXPECT_TRUE(same_key(*rsa, KeyKind::Rsa));
}

TEST(PemKey, LinesMayEndAsOnWindows) {
  std::string text;
  for (const char letter : pair_of(KeyKind::P256).public_pem) text += letter == '\n' ? "\r\n" : std::string(1, letter);
  EXPECT_TRUE(read_public_pem(text, PrivateHalf::Refused));
}

TEST(PemKey, OfAPrivateKeyThePublicHalfIsLeft) {
  for (const KeyKind kind : kKeyKinds) {
    const auto key = read_public_pem(pair_of(kind).private_pem, PrivateHalf::LeftOut);
    ASSERT_TRUE(key) << key.error().text;
    EXPECT_TRUE(same_key(*key, kind));
    BIO* const out = BIO_new(BIO_s_null());
    EXPECT_NE(PEM_write_bio_PKCS8PrivateKey(out, key->get(), nullptr, nullptr, 0, nullptr, nullptr), 1)
        << "nothing private is kept";
    BIO_free(out);
  }
}

TEST(PemKey, APrivateKeyIsRefusedWhereverItStands) {
  const KeyPair& pair = pair_of(KeyKind::Rsa);
  for (const std::string& text :
       {pair.private_pem, traditional(KeyKind::Rsa), traditional(KeyKind::P256), encrypted(KeyKind::P256),
        traditional_encrypted(), certificate_of(KeyKind::Rsa) + pair.private_pem, pair.private_pem + pair.public_pem}) {
    const auto key = read_public_pem(text, PrivateHalf::Refused);
    ASSERT_FALSE(key) << text.substr(0, 40);
    EXPECT_THAT(key.error().text, HasSubstr("it holds a private key; only the public one is needed"));
  }
}

TEST(PemKey, ReadsPrivateKeys) {
  for (const KeyKind kind : kKeyKinds) {
    const auto key = read_private_pem(pair_of(kind).private_pem);
    ASSERT_TRUE(key) << key.error().text;
    EXPECT_EQ(key->kind(), kind);
  }
  EXPECT_EQ(read_private_pem(traditional(KeyKind::Rsa))->kind(), KeyKind::Rsa);
  const std::string parameters = block("EC PARAMETERS", "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
  EXPECT_EQ(read_private_pem(parameters + traditional(KeyKind::P256))->kind(), KeyKind::P256)
      << "`openssl ecparam -genkey` writes the curve in front";
}

struct Refused {
  std::string name;
  std::string text;
  std::string says;
};

TEST(PemKey, Refuses) {
  const KeyPair& rsa = pair_of(KeyKind::Rsa);
  const KeyPair& ec = pair_of(KeyKind::P256);
  const std::string begin = "-----BEGIN PUBLIC KEY-----\n";
  const std::string end = "-----END PUBLIC KEY-----\n";
  const auto other = [](const char* type) {
    return key_pairs::pem_of(owned(EVP_PKEY_Q_keygen(nullptr, nullptr, type)), false);
  };
  const std::vector<Refused> cases{
      {"nothing", "", "no PEM block"},
      {"a text", "hello", "no PEM block"},
      {"the beginning alone", begin, "not well-formed"},
      {"no end", rsa.public_pem.substr(0, rsa.public_pem.size() / 2), "not well-formed"},
      {"another end", begin + "AAAA\n-----END CERTIFICATE-----\n", "not well-formed"},
      {"no base64", begin + "!!!!\n" + end, "not well-formed"},
      {"no key in it", begin + "c2VjcmV0\n" + end, "no key that can be read"},
      {"a key cut off", block("PUBLIC KEY", bytes_of(rsa.public_pem).substr(0, 100)), "no key that can be read"},
      {"bytes behind it", block("PUBLIC KEY", bytes_of(rsa.public_pem) + "x"), "no key that can be read"},
      {"a certificate cut off", block("CERTIFICATE", bytes_of(certificate_of(KeyKind::Rsa)).substr(0, 100)),
       "no key that can be read"},
      {"another name on it", block("CERTIFICATE", bytes_of(rsa.public_pem)), "no key that can be read"},
      {"an EC key as RSA", block("RSA PUBLIC KEY", bytes_of(ec.public_pem)), "no key that can be read"},
      {"two keys", rsa.public_pem + ec.public_pem, "several keys"},
      {"a key behind a certificate", certificate_of(KeyKind::Rsa) + ec.public_pem, "several keys"},
      {"a request", block("CERTIFICATE REQUEST", "AAAA"), "holds no key that can be used"},
      {"1024 bits", key_pairs::make_rsa(1024).public_pem, "has 1024 bits; from 2048"},
      {"2047 bits", key_pairs::make_rsa(2047).public_pem, "has 2047 bits"},
      {"a Bitcoin curve", key_pairs::pem_of(owned(EVP_EC_gen("secp256k1")), false), "(secp256k1); P-256, P-384"},
      {"P-224", key_pairs::pem_of(owned(EVP_EC_gen("P-224")), false), "curve that is not supported"},
      {"a key for agreements", other("X25519"), "keys of the type X25519 are not supported"},
  };
  for (const auto& [name, text, says] : cases) {
    const auto key = read_public_pem(text, PrivateHalf::Refused);
    ASSERT_FALSE(key) << name;
    EXPECT_THAT(key.error().text, HasSubstr(says)) << name;
    EXPECT_THAT(key.error().text, Not(HasSubstr("c2VjcmV0"))) << name;
  }
}

TEST(PemKey, RefusesToSignWithWhatCannot) {
  EXPECT_THAT(read_private_pem(pair_of(KeyKind::Rsa).public_pem).error().text, HasSubstr("cannot sign"));
  EXPECT_THAT(read_private_pem(certificate_of(KeyKind::P256)).error().text, HasSubstr("cannot sign"));
  EXPECT_THAT(read_private_pem(encrypted(KeyKind::P256)).error().text, HasSubstr("is encrypted"));
  EXPECT_THAT(read_private_pem(traditional_encrypted()).error().text, HasSubstr("is encrypted"));
  EXPECT_THAT(read_private_pem(key_pairs::make_rsa(1024).private_pem).error().text, HasSubstr("1024 bits"));
  EXPECT_THAT(read_public_pem(encrypted(KeyKind::P256), PrivateHalf::LeftOut).error().text, HasSubstr("is encrypted"));
}

TEST(PemKey, CutAnywhereNothingIsRead) {
  const std::string text = pair_of(KeyKind::P256).public_pem;
  for (std::size_t size = 0; size + 6 < text.size(); ++size) {  // the last dashes are no part of what is read
    EXPECT_FALSE(read_public_pem(text.substr(0, size), PrivateHalf::Refused)) << size;
  }
}

}  // namespace
}  // namespace sidegate::token
