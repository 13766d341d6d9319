#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/check_list.hpp>

#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>

#include <memory>
#include <string_view>

namespace sidegate::token {

/// A token that was verified: the claims are those of the very bytes that the signature covers.
struct VerifiedJwt {
  boost::json::object claims;  ///< in the storage that was passed to `verify`
  /// The moment from which `verify` would refuse it: the earliest of `exp`, `iat` + `max_age` (the leeway added to
  /// both) and the key's `until`.
  base::UnixTime expires = base::UnixTime::max();
};

/// Verifies JSON Web Tokens in compact form (RFC 7515, RFC 7519) against the keys and rules of one authenticator.
///
/// Algorithms and keys are fetched and parsed once, here; `verify` allocates nothing but what `storage` gives, and
/// keeps keyed contexts that it re-uses. So it belongs to one thread.
class JwtVerifier {
 public:
  /// Compiles the rules. What does not fit (an unknown algorithm, a weak secret) goes into `diagnostics`, and the
  /// result is then of no use.
  JwtVerifier(const config::JwtAuthenticator& settings, config::Diagnostics& diagnostics);
  ~JwtVerifier();
  JwtVerifier(JwtVerifier&&) noexcept;
  JwtVerifier& operator=(JwtVerifier&&) noexcept;

  /// The claims of `token`, or why it is refused, in the order of the checks: its structure and header (Malformed), its
  /// signature (BadSignature), its claims as JSON (Malformed), and what they say, in the order that `check_claims`
  /// documents. `token` is at most `Limits::token_bytes_max` long; that is the caller's check. The checks that were
  /// made are noted in `checks`.
  base::Result<VerifiedJwt> verify(std::string_view token, base::UnixTime now, boost::json::storage_ptr storage,
                                   CheckList* checks = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::token
