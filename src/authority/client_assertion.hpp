#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/token/signer.hpp>

#include <string>
#include <string_view>

namespace sidegate::authority {

/// Proves who asks by a signature (RFC 7523 section 2.2): a token of Sidegate's own for each question.
class ClientAssertion {
 public:
  /// `key_file` holds a private key of a pair; `id` is the client's, `audience` whoever is asked. The message says why
  /// nothing can be signed with it.
  static base::OrMessage<ClientAssertion> create(std::string_view key_file, std::string id, std::string audience);

  base::OrMessage<base::Secret> make(base::UnixTime now) const;

 private:
  ClientAssertion(token::SigningKey key, token::Algorithm algorithm, std::string id, std::string audience)
      : key_(std::move(key)), algorithm_(algorithm), id_(std::move(id)), audience_(std::move(audience)) {}

  token::SigningKey key_;
  token::Algorithm algorithm_;
  std::string id_;
  std::string audience_;
};

}  // namespace sidegate::authority
