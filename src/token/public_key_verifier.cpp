#include "public_key_verifier.hpp"

#include "ecdsa_signature.hpp"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <array>
#include <string>

namespace sidegate::token {
namespace {

using Digest = OpenSslPtr<EVP_MD, &EVP_MD_free>;

/// The one length that a signature has. That of ECDSA is two coordinates; for the others OpenSSL says it: the modulus,
/// 64 bytes of Ed25519, 114 of Ed448.
std::size_t signature_bytes(Scheme scheme, const PublicKey& key) noexcept {
  if (scheme == Scheme::Ecdsa) return 2 * coordinate_bytes(EVP_PKEY_get_bits(key.get()));
  return static_cast<std::size_t>(EVP_PKEY_get_size(key.get()));
}

/// RFC 7518 section 3.5: the salt is as long as the hash, and MGF1 has the same hash.
bool set_padding(EVP_PKEY_CTX* context, Scheme scheme, const EVP_MD* digest) {
  switch (scheme) {
    case Scheme::RsaPkcs1:
      return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    case Scheme::RsaPss:
      return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
    case Scheme::Hmac:
    case Scheme::Ecdsa:
    case Scheme::Eddsa:
      break;
  }
  return true;
}

}  // namespace

PublicKeyVerifier::PublicKeyVerifier(Scheme scheme, PublicKey key, DigestContext digest, KeyContext context) noexcept
    : scheme_(scheme),
      signature_bytes_(signature_bytes(scheme, key)),
      key_(std::move(key)),
      digest_(std::move(digest)),
      context_(std::move(context)) {}

base::OrMessage<PublicKeyVerifier> PublicKeyVerifier::create(Algorithm algorithm, PublicKey key) {
  constexpr std::string_view kFailure = "the key cannot be used";
  const Scheme scheme = scheme_of(algorithm);
  DigestContext hashing(EVP_MD_CTX_new());
  if (!hashing) return openssl_failure(kFailure);
  if (scheme == Scheme::Eddsa) return PublicKeyVerifier(scheme, std::move(key), std::move(hashing), nullptr);

  const Digest digest(EVP_MD_fetch(nullptr, std::string(digest_name(algorithm)).c_str(), nullptr));
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  const bool ready = digest && context && EVP_DigestInit_ex2(hashing.get(), digest.get(), nullptr) == 1 &&
                     EVP_PKEY_verify_init(context.get()) == 1 && set_padding(context.get(), scheme, digest.get()) &&
                     EVP_PKEY_CTX_set_signature_md(context.get(), digest.get()) > 0;
  if (!ready) return openssl_failure(kFailure);
  return PublicKeyVerifier(scheme, std::move(key), std::move(hashing), std::move(context));
}

bool PublicKeyVerifier::verify(std::string_view message, std::string_view signature) noexcept {
  if (signature.size() != signature_bytes_) return false;
  const bool good = scheme_ == Scheme::Eddsa ? verify_whole(message, signature) : verify_hash(message, signature);
  if (!good) ERR_clear_error();
  return good;
}

bool PublicKeyVerifier::verify_hash(std::string_view message, std::string_view signature) noexcept {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  if (EVP_DigestInit_ex2(digest_.get(), nullptr, nullptr) != 1 ||
      EVP_DigestUpdate(digest_.get(), message.data(), message.size()) != 1 ||
      EVP_DigestFinal_ex(digest_.get(), hash.data(), &size) != 1) {
    return false;
  }
  if (scheme_ != Scheme::Ecdsa) {
    return EVP_PKEY_verify(context_.get(), octets(signature), signature.size(), hash.data(), size) == 1;
  }
  EcdsaDer buffer;
  const auto der = to_der(signature, buffer);
  return EVP_PKEY_verify(context_.get(), der.data(), der.size(), hash.data(), size) == 1;
}

bool PublicKeyVerifier::verify_whole(std::string_view message, std::string_view signature) noexcept {
  return EVP_DigestVerifyInit_ex(digest_.get(), nullptr, nullptr, nullptr, nullptr, key_.get(), nullptr) == 1 &&
         EVP_DigestVerify(digest_.get(), octets(signature), signature.size(), octets(message), message.size()) == 1;
}

}  // namespace sidegate::token
