#pragma once

#include "openssl_support.hpp"

#include <sidegate/base/result.hpp>
#include <sidegate/token/algorithm.hpp>
#include <sidegate/token/public_key.hpp>

#include <openssl/evp.h>

#include <cstddef>
#include <string_view>
#include <utility>

namespace sidegate::token {

/// A public key that is ready to check the signatures of one algorithm (RFC 7518 sections 3.3 to 3.5, RFC 8037 section
/// 3.1).
///
/// Hash, padding and key are set once, here. Hashing and verifying are two steps with a context each, since OpenSSL 3.0
/// starts these again at less than one EVP_DigestVerify costs, whichever way it is prepared. EdDSA hashes for itself
/// and has only that call. The contexts have a state, so it belongs to one thread. We allocate nothing; OpenSSL does.
class PublicKeyVerifier {
 public:
  /// `algorithm` is one of those of the key's kind. The message says what OpenSSL refused.
  static base::OrMessage<PublicKeyVerifier> create(Algorithm algorithm, PublicKey key);

  /// Whether the key's other half made `signature` over `message`. False too when OpenSSL fails.
  bool verify(std::string_view message, std::string_view signature) noexcept;

 private:
  using DigestContext = OpenSslPtr<EVP_MD_CTX, &EVP_MD_CTX_free>;
  using KeyContext = OpenSslPtr<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;

  PublicKeyVerifier(Scheme scheme, PublicKey key, DigestContext digest, KeyContext context) noexcept;

  bool verify_hash(std::string_view message, std::string_view signature) noexcept;
  bool verify_whole(std::string_view message, std::string_view signature) noexcept;

  Scheme scheme_;
  std::size_t signature_bytes_;
  PublicKey key_;
  DigestContext digest_;
  KeyContext context_;  ///< none for EdDSA
};

}  // namespace sidegate::token
