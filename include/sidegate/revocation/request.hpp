#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/revocation/rule.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sidegate::revocation {

/// What an operator wants to be revoked.
struct Request {
  std::optional<std::string> authenticator;
  Rule::Kind kind = Rule::Kind::Jti;
  std::string name;                       ///< of Kind::Jti and Kind::Subject
  base::Secret token;                     ///< of Kind::Token
  base::UnixTime issued_before{};         ///< of Kind::Subject
  std::optional<base::UnixTime> expires;  ///< later than now
};

/// Reads `{"authenticator": …, "jti": … | "subject": …, "issued_before": … | "token": …, "expires": …}`. The message
/// names the member that is wrong, and repeats nothing.
base::OrMessage<Request> read_request(std::string_view json, base::UnixTime now);

}  // namespace sidegate::revocation
