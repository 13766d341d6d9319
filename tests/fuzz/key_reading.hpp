#pragma once

#include <sidegate/token/key_material.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>

#include "property.hpp"

namespace sidegate::fuzz {

/// The bytes by which a public key is known.
inline std::string bytes_of(const token::PublicKey& key) {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key.get(), &bytes);
  std::string text(reinterpret_cast<const char*>(bytes), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(bytes);
  return text;
}

/// What every public key that was read is: long enough, and nothing but public.
inline Defect is_public_key(const token::PublicKey& key) {
  if (bytes_of(key).empty()) return "a public key cannot be written";
  const bool is_rsa = key.kind() == token::KeyKind::Rsa;
  const int bits = EVP_PKEY_get_bits(key.get());
  if (is_rsa != (EVP_PKEY_is_a(key.get(), "RSA") == 1)) return "a key is of another kind than it says";
  if (is_rsa && (bits < 2048 || bits > 16'384)) return "an RSA key has " + std::to_string(bits) + " bits";
  unsigned char* bytes = nullptr;
  const bool is_private = i2d_PrivateKey(key.get(), &bytes) > 0;
  OPENSSL_free(bytes);
  ERR_clear_error();
  return is_private ? "a public key has a private half" : Defect{};
}

/// The queue of errors belongs to the thread, and what is left there is taken for somebody else's.
inline Defect leaves_no_errors() {
  if (ERR_peek_error() == 0) return {};
  ERR_clear_error();
  return "an error of OpenSSL is left behind";
}

}  // namespace sidegate::fuzz
