#pragma once

#include <sidegate/base/secret.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/token/token_digest.hpp>

#include <memory>
#include <string>

namespace sidegate::inquiry {

/// A digest of all that an answer of one service depends on: for a token and a refresh token of the token, for a user
/// of the authenticator, the subject and, where the caller's own token is sent along, that. So nobody keeps a token.
using Key = token::TokenDigest::Bytes;

/// Something that a service knows. The same key of the same service is the same question.
struct Question {
  std::shared_ptr<Service> service;
  Key key{};
  /// What is asked about or with: the token; of a session its refresh token; of a user the caller's own token where it
  /// is sent along, else empty.
  base::Secret token{};
  std::string subject{};  ///< of a user
};

}  // namespace sidegate::inquiry
