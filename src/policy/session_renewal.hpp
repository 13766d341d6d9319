#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/token/token_digest.hpp>
#include <sidegate/token/unverified_claims.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "answer_memo.hpp"
#include "authenticator.hpp"
#include "authenticator_set.hpp"

namespace sidegate::policy {

/// Keeps sessions of browsers alive: a token in a cookie that has expired, or soon will, is replaced by the one that
/// the service gives for the refresh token beside it.
class SessionRenewal {
 public:
  SessionRenewal(const config::Config& config, std::shared_ptr<inquiry::Service> service);

  /// Whether the session of whoever sent `credential` is to be renewed before the request goes on. `identity` is what
  /// came of the credential; only one that holds apart from `exp`, and is not revoked, is renewed.
  bool is_due(std::size_t index, Authenticator& authenticator, const Credential& credential,
              const base::Result<Identity>& identity, const Request& request, base::UnixTime now);

  /// Who the caller is by the new token, which then takes the place of the one in `credential`. Where there is none,
  /// `identity` stays if the old token still holds; otherwise Expired, or Unavailable where the service cannot tell or
  /// has to be asked first, and then `scratch` has the question. After `is_due`.
  base::Result<Identity> renew(Authenticator& authenticator, Credential& credential,
                               const base::Result<Identity>& identity, const Request& request, base::UnixTime now,
                               Scratch& scratch, Trace* trace);

  bool is_for(std::size_t authenticator) const noexcept { return authenticators_.contains(authenticator); }
  /// The cookie of the refresh token.
  const std::string& refresh_cookie() const noexcept { return settings_.refresh_cookie; }
  void forget() noexcept { memo_.clear(); }

 private:
  base::Result<Identity> accept(Authenticator& authenticator, Credential& credential, const inquiry::Answer& answer,
                                const Request& request, base::UnixTime now, Scratch& scratch) const;

  config::SessionRefresh settings_;
  AuthenticatorSet authenticators_;
  AnswerMemo memo_;
  token::TokenDigest digest_;
  token::UnverifiedClaims unverified_;
  std::string_view refresh_token_;  ///< between `is_due` and `renew`
  std::string subject_;             ///< of the old token, the same
};

}  // namespace sidegate::policy
