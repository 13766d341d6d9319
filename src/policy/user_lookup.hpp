#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/token/token_digest.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "answer_memo.hpp"
#include "authenticator_set.hpp"

namespace sidegate::policy {

/// What is known of a caller beside the token: one entry of `user_info`.
class UserLookup {
 public:
  UserLookup(const config::UserInfo& settings, const config::Config& config, std::shared_ptr<inquiry::Service> service);

  /// Whether it knows the subjects that this authenticator named.
  bool is_for(std::size_t authenticator) const noexcept { return authenticators_.contains(authenticator); }

  /// The user; null where there is none of that name, or it cannot be told and that is no reason to refuse. Unavailable
  /// where it is one, or where the service has to be asked first, and then `scratch` has the question. `token` is the
  /// caller's own.
  base::Result<const boost::json::object*> find(const Identity& identity, std::string_view token,
                                                const Request& request, Scratch& scratch, Trace* trace);

  void forget() noexcept { memo_.clear(); }

 private:
  AuthenticatorSet authenticators_;
  AnswerMemo memo_;
  token::TokenDigest digest_;
  bool sends_token_;
  bool deny_on_error_;
  std::string key_text_;
};

}  // namespace sidegate::policy
