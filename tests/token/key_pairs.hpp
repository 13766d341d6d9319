#pragma once

#include <sidegate/token/base64url.hpp>
#include <sidegate/token/public_key.hpp>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/// Key pairs made by OpenSSL, one of each kind a run, in the forms that key files have.
namespace sidegate::token {

struct KeyPair {
  std::string private_pem;  ///< PKCS #8
  std::string public_pem;   ///< SubjectPublicKeyInfo
  boost::json::object private_jwk;
  boost::json::object public_jwk;
};

inline constexpr std::array kKeyKinds{KeyKind::Rsa,  KeyKind::P256,    KeyKind::P384,
                                      KeyKind::P521, KeyKind::Ed25519, KeyKind::Ed448};

namespace key_pairs {

using Key = std::shared_ptr<EVP_PKEY>;

inline Key owned(EVP_PKEY* key) {
  if (key == nullptr) std::abort();
  return {key, &EVP_PKEY_free};
}

inline std::string pem_of(const Key& key, bool is_private) {
  BIO* const out = BIO_new(BIO_s_mem());
  if (is_private) {
    PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    PEM_write_bio_PUBKEY(out, key.get());
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

inline Key private_key_in(const std::string& pem) {
  BIO* const in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  return owned(key);
}

inline std::string encoded(std::string_view bytes) {
  std::string text;
  append_base64url(text, bytes);
  return text;
}

/// A number of a key, of so many bytes; 0 for as many as it needs.
inline std::string number(const Key& key, const char* name, std::size_t bytes = 0) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key.get(), name, &value) != 1) std::abort();
  std::string raw(bytes == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : bytes, '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(raw.size()));
  BN_free(value);
  return encoded(raw);
}

inline std::string raw(const Key& key, int (*get)(const EVP_PKEY*, unsigned char*, std::size_t*)) {
  std::array<unsigned char, 64> bytes{};
  std::size_t size = bytes.size();
  if (get(key.get(), bytes.data(), &size) != 1) std::abort();
  return encoded({reinterpret_cast<const char*>(bytes.data()), size});
}

inline KeyPair pair_from(const Key& key, boost::json::object public_jwk,
                         std::initializer_list<std::pair<const char*, std::string>> private_members) {
  KeyPair pair{pem_of(key, true), pem_of(key, false), public_jwk, public_jwk};
  for (const auto& [name, value] : private_members) pair.private_jwk.emplace(name, value);
  return pair;
}

inline KeyPair make_rsa(unsigned bits) {
  const Key key = owned(EVP_RSA_gen(bits));
  return pair_from(
      key, {{"kty", "RSA"}, {"n", number(key, OSSL_PKEY_PARAM_RSA_N)}, {"e", number(key, OSSL_PKEY_PARAM_RSA_E)}},
      {{"d", number(key, OSSL_PKEY_PARAM_RSA_D)},
       {"p", number(key, OSSL_PKEY_PARAM_RSA_FACTOR1)},
       {"q", number(key, OSSL_PKEY_PARAM_RSA_FACTOR2)},
       {"dp", number(key, OSSL_PKEY_PARAM_RSA_EXPONENT1)},
       {"dq", number(key, OSSL_PKEY_PARAM_RSA_EXPONENT2)},
       {"qi", number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1)}});
}

inline KeyPair make_ec(const char* curve, std::size_t bytes) {
  const Key key = owned(EVP_EC_gen(curve));
  return pair_from(key,
                   {{"kty", "EC"},
                    {"crv", curve},
                    {"x", number(key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)},
                    {"y", number(key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)}},
                   {{"d", number(key, OSSL_PKEY_PARAM_PRIV_KEY, bytes)}});
}

inline KeyPair make_okp(const char* curve) {
  const Key key = owned(EVP_PKEY_Q_keygen(nullptr, nullptr, curve));
  return pair_from(key, {{"kty", "OKP"}, {"crv", curve}, {"x", raw(key, &EVP_PKEY_get_raw_public_key)}},
                   {{"d", raw(key, &EVP_PKEY_get_raw_private_key)}});
}

}  // namespace key_pairs

inline KeyPair make_pair_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::Rsa:
      return key_pairs::make_rsa(2048);
    case KeyKind::P256:
      return key_pairs::make_ec("P-256", 32);
    case KeyKind::P384:
      return key_pairs::make_ec("P-384", 48);
    case KeyKind::P521:
      return key_pairs::make_ec("P-521", 66);
    case KeyKind::Ed25519:
      return key_pairs::make_okp("Ed25519");
    case KeyKind::Ed448:
      break;
  }
  return key_pairs::make_okp("Ed448");
}

/// The same one at every call.
inline const KeyPair& pair_of(KeyKind kind) {
  static const std::array<KeyPair, kKeyKinds.size()> pairs = [] {
    std::array<KeyPair, kKeyKinds.size()> made;
    for (const KeyKind each : kKeyKinds) made[static_cast<std::size_t>(each)] = make_pair_of(each);
    return made;
  }();
  return pairs[static_cast<std::size_t>(kind)];
}

/// `jwk` with another member, or with another value of it.
template <class Value>
boost::json::object changed(boost::json::object jwk, std::string_view name, const Value& value) {
  if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
    jwk[name] = std::string_view(value);
  } else {
    jwk[name] = value;
  }
  return jwk;
}

template <class Value>
std::string with(const boost::json::object& jwk, std::string_view name, const Value& value) {
  return boost::json::serialize(changed(jwk, name, value));
}

inline std::string jwk_set(std::initializer_list<boost::json::value> keys) {
  boost::json::array items;
  for (const boost::json::value& key : keys) items.push_back(key);
  return boost::json::serialize(boost::json::object{{"keys", std::move(items)}});
}

}  // namespace sidegate::token
