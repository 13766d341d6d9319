#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/reason.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/token/check_list.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::policy {

/// What keeps a route from a request.
enum class Mismatch { None, Path, Host, Method };

/// A route that was looked at.
struct RouteStep {
  std::size_t route = 0;  ///< its place in the configuration
  Mismatch mismatch = Mismatch::None;
};

/// A place where a credential was looked for.
struct PlaceStep {
  enum class Found { Nothing, Credential, Unreadable };
  std::string_view authenticator;
  const config::TokenSource* source = nullptr;
  Found found = Found::Nothing;
  bool decides = false;   ///< the first credential that was found does
  base::Reason reason{};  ///< of Found::Unreadable
};

/// A header to inject: set, or why it is not.
struct InjectStep {
  enum class Result { Set, NoCaller, Empty, Unusable };
  std::string_view name;
  Result result = Result::Set;
};

/// How `Policy::decide` came to its decision, for whoever asks for it: what was looked at, in order, and what came of
/// it. What is not in it was not looked at. The views live as long as the policy. No credential stands in it; of a
/// token its claims may.
struct Trace {
  std::vector<RouteStep> routes;
  std::vector<PlaceStep> places;
  std::string_view authenticator;  ///< whom the credential is for, where one was found
  token::CheckList token;
  base::UnixTime expires = base::UnixTime::max();
  std::optional<bool> own_site;  ///< whether the rule against other sites lets the request through, once it was asked
  std::string own_site_detail;
  std::optional<bool> renewed;  ///< whether the session was, once it was due
  std::string renewal_detail;
  std::string user_detail;  ///< what came of looking the caller up; empty: nobody did
  std::vector<InjectStep> inject;
};

}  // namespace sidegate::policy
