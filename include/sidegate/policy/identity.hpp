#pragma once

#include <sidegate/base/clock.hpp>

#include <boost/json/object.hpp>

#include <string_view>

namespace sidegate::policy {

/// Who the caller is, as one authenticator found it. It lives as long as the decision is made: the claims may be a
/// cache's, which lets go of them for another token. The subject lives in the decision's `Scratch`.
struct Identity {
  std::string_view authenticator;
  std::string_view subject;                        ///< never empty
  const boost::json::object* claims = nullptr;     ///< of the very bytes that were verified
  const boost::json::object* user = nullptr;       ///< what `user_info` knows of them; null: nothing
  std::string_view roles_claim;                    ///< where in the claims the roles stand
  base::UnixTime expires = base::UnixTime::max();  ///< the moment from which the credential is refused
};

}  // namespace sidegate::policy
