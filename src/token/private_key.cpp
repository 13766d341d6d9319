#include <sidegate/token/private_key.hpp>

#include "ecdsa_signature.hpp"
#include "key_check.hpp"
#include "openssl_support.hpp"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

namespace sidegate::token {
namespace {

constexpr std::string_view kFailure = "the key cannot sign";

/// From the DER sequence that OpenSSL makes to r and s one behind the other (RFC 7518 section 3.4).
base::OrMessage<std::string> from_der(std::string_view der, std::size_t coordinate) {
  const unsigned char* next = octets(der);
  const OpenSslPtr<ECDSA_SIG, &ECDSA_SIG_free> parts(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der.size())));
  if (!parts) return openssl_failure(kFailure);
  std::string raw(2 * coordinate, '\0');
  auto* const r = reinterpret_cast<unsigned char*>(raw.data());
  const auto size = static_cast<int>(coordinate);
  if (BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), r, size) != size ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), r + coordinate, size) != size) {
    return openssl_failure(kFailure);
  }
  return {boost::system::in_place_value, std::move(raw)};
}

bool set_padding(EVP_PKEY_CTX* context, Scheme scheme) {
  return scheme != Scheme::RsaPss || (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
                                      EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0);
}

}  // namespace

base::OrMessage<PrivateKey> PrivateKey::create(std::shared_ptr<EVP_PKEY> key) {
  const auto kind = check_key(*key);
  if (!kind) return kind.error();
  return PrivateKey(std::move(key), *kind);
}

base::OrMessage<std::string> PrivateKey::sign(Algorithm algorithm, std::string_view message) const {
  const std::string digest(digest_name(algorithm));
  const OpenSslPtr<EVP_MD_CTX, &EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;
  if (!context ||
      EVP_DigestSignInit_ex(context.get(), &settings, digest.empty() ? nullptr : digest.c_str(), nullptr, nullptr,
                            key_.get(), nullptr) != 1 ||
      !set_padding(settings, scheme_of(algorithm))) {
    return openssl_failure(kFailure);
  }
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
  std::string signature(size, '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSign(context.get(), bytes, &size, octets(message), message.size()) != 1) {
    return openssl_failure(kFailure);
  }
  signature.resize(size);
  if (scheme_of(algorithm) != Scheme::Ecdsa) return {boost::system::in_place_value, std::move(signature)};
  return from_der(signature, coordinate_bytes(EVP_PKEY_get_bits(key_.get())));
}

}  // namespace sidegate::token
