#pragma once

#include "hmac_key.hpp"
#include "public_key_verifier.hpp"

#include <sidegate/base/result.hpp>
#include <sidegate/token/algorithm.hpp>
#include <sidegate/token/key_material.hpp>

#include <string_view>
#include <utility>
#include <variant>

namespace sidegate::token {

/// A key that is ready to check signatures of the one algorithm that it is bound to. Belongs to one thread.
class VerificationKey {
 public:
  /// `algorithm` is one of `algorithms_for(key)`. The message says what is wrong with the key.
  static base::OrMessage<VerificationKey> create(Algorithm algorithm, const KeyMaterial& key);

  Algorithm algorithm() const noexcept { return algorithm_; }

  /// Whether `signature` was made over `message` with this key and this algorithm. False too when OpenSSL fails.
  bool verify(std::string_view message, std::string_view signature) noexcept;

 private:
  using Key = std::variant<HmacKey, PublicKeyVerifier>;

  VerificationKey(Algorithm algorithm, Key key) noexcept : algorithm_(algorithm), key_(std::move(key)) {}

  Algorithm algorithm_;
  Key key_;
};

}  // namespace sidegate::token
