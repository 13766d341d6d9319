#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/check_list.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/issuer_keys.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace sidegate::token {

/// A token that was verified: the claims are those of the very bytes that the signature covers.
struct VerifiedJwt {
  const boost::json::object* claims = nullptr;  ///< as long as the room that `verify` was given, up to its next call
  Validity validity;  ///< when `verify` accepts it: what the claims say, and the key's `until`
};

/// Verifies JSON Web Tokens in compact form (RFC 7515, RFC 7519) against the keys and rules of one authenticator.
///
/// Algorithms and keys are fetched and parsed once, here, and keyed contexts are kept and re-used. Tokens that were
/// verified are remembered, as far as `verified_cache` of the settings lets it, so that their signature is not checked
/// again. So it belongs to one thread. Once warm, `verify` allocates nothing but what the storage of the room gives,
/// and the memory of a token that it comes to remember.
class JwtVerifier {
 public:
  /// Compiles the rules. What does not fit (an unknown algorithm, a weak secret) goes into `diagnostics`, and the
  /// result is then of no use.
  ///
  /// The keys of issuers are those that `issuers` holds at the time of each `verify`; without it there are none.
  JwtVerifier(const config::JwtAuthenticator& settings, config::Diagnostics& diagnostics,
              IssuerBoard* issuers = nullptr);
  ~JwtVerifier();
  JwtVerifier(JwtVerifier&&) noexcept;
  JwtVerifier& operator=(JwtVerifier&&) noexcept;

  /// The claims of `token`, or why it is refused, in the order of the checks: its structure and header (Malformed), its
  /// signature (BadSignature), its claims as JSON (Malformed), and what they say, in the order that `check_claims`
  /// documents. `token` is at most `Limits::token_bytes_max` long; that is the caller's check.
  ///
  /// `room` gets the claims, in its own storage, of a token that is not remembered; it is void after a refusal. The
  /// checks that were made are noted in `checks`: with it all are made, whatever is remembered.
  ///
  /// Unavailable: an issuer may have the key that is lacking, and cannot be asked for it; or there is no key at all.
  base::Result<VerifiedJwt> verify(std::string_view token, base::UnixTime now, boost::json::object& room,
                                   CheckList* checks = nullptr);

  /// The issuers that may have the key which the last token lacked, where asking them may help; empty otherwise.
  std::span<const std::shared_ptr<IssuerKeys>> worth_asking() const noexcept;

  /// What the cache had for the last token; nothing where it was not asked.
  std::optional<base::CacheResult> last_lookup() const noexcept;

  std::size_t cache_entries() const noexcept;
  void empty_cache() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::token
