#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/algorithm.hpp>

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace sidegate::token {

/// The kinds of key pairs that tokens are signed with (RFC 7518 section 6, RFC 8037 section 2).
enum class KeyKind : std::uint8_t { Rsa, P256, P384, P521, Ed25519, Ed448 };

/// What people call them: `RSA`, `EC P-256`, `Ed25519`.
std::string_view name_of(KeyKind kind) noexcept;

/// What a key of this kind can be used with; an elliptic curve is bound to one algorithm (RFC 7518 section 3.4).
AlgorithmSet algorithms_of(KeyKind kind) noexcept;

/// A public key, parsed once. Copies share what OpenSSL made, which is never changed; so they may be used on any
/// thread.
class PublicKey {
 public:
  /// Copies the public half of `key`. The message says why it is not to be used: another kind or curve, an RSA key of
  /// less than 2048 bits (RFC 7518 section 3.3) or one that OpenSSL would not verify with.
  static base::OrMessage<PublicKey> create(EVP_PKEY& key);

  KeyKind kind() const noexcept { return kind_; }
  EVP_PKEY* get() const noexcept { return key_.get(); }

  /// Whether both verify the same signatures.
  bool operator==(const PublicKey& other) const noexcept;

 private:
  PublicKey(std::shared_ptr<EVP_PKEY> key, KeyKind kind) noexcept : key_(std::move(key)), kind_(kind) {}

  std::shared_ptr<EVP_PKEY> key_;
  KeyKind kind_;
};

}  // namespace sidegate::token
