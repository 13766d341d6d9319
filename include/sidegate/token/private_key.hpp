#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/algorithm.hpp>
#include <sidegate/token/public_key.hpp>

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sidegate::token {

/// A private key, which signs. For commands and tests: a gateway has none.
class PrivateKey {
 public:
  /// `key` holds both halves. The message says why it is not to be used, as that of a PublicKey does.
  static base::OrMessage<PrivateKey> create(std::shared_ptr<EVP_PKEY> key);

  KeyKind kind() const noexcept { return kind_; }

  /// The signature of `message` as JWS wants it (RFC 7518 section 3, RFC 8037 section 3.1). `algorithm` is one of those
  /// of the kind.
  base::OrMessage<std::string> sign(Algorithm algorithm, std::string_view message) const;

 private:
  PrivateKey(std::shared_ptr<EVP_PKEY> key, KeyKind kind) noexcept : key_(std::move(key)), kind_(kind) {}

  std::shared_ptr<EVP_PKEY> key_;
  KeyKind kind_;
};

}  // namespace sidegate::token
