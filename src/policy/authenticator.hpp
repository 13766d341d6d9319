#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/http/head.hpp>
#include <sidegate/policy/identity.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/policy/recognition.hpp>
#include <sidegate/token/jwt_verifier.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "revocation_check.hpp"
#include "token_inquiry.hpp"

namespace sidegate::token {
class UnverifiedClaims;
}

namespace sidegate::policy {

/// A credential as it was found on a request. Never logged.
struct Credential {
  std::string_view token;
  const config::TokenSource* source = nullptr;
};

/// Finds its credential on a request and says who the caller is. An authenticator answers in one of three ways: not
/// mine
/// (`find` gives nothing), yes (an identity), or no (a reason).
class Authenticator {
 public:
  Authenticator(const config::Authenticator& settings, std::size_t token_bytes_max, config::Diagnostics& diagnostics,
                const Shared& shared);

  const std::string& name() const noexcept { return name_; }
  const std::vector<config::TokenSource>& sources() const noexcept { return sources_; }

  /// The first of its places that holds a credential. An error is one that can be read in two ways: the request is
  /// refused with it.
  base::Result<std::optional<Credential>> find(const std::vector<http::Field>& fields, Trace* trace = nullptr) const;

  /// Who the caller is that holds `credential`. The subject is put into `scratch`; the claims live until the next
  /// call.
  base::Result<Identity> identify(const Credential& credential, const Request& request, base::UnixTime now,
                                  Scratch& scratch, Trace* trace = nullptr);

  /// Whom the claims of a verified token name; it is put into `storage`.
  base::Result<std::string_view> subject_of(const boost::json::object& claims, std::string& storage) const;

  bool is_revoked(std::string_view token, std::string_view subject, const boost::json::object& claims,
                  base::UnixTime now) {
    return revocation_.find(token, subject, claims, now).has_value();
  }

  /// As `Policy::hold`, of a token that was verified.
  revocation::HeldCredential hold(std::string_view token, std::string_view subject, const boost::json::object& claims) {
    return revocation_.hold(token, subject, claims);
  }

  /// As `Policy::recognise`. `reader` is lent.
  base::Result<Recognition> recognise(std::string_view token, base::UnixTime now, token::UnverifiedClaims& reader);

  /// The issuers that may have the key which the last token lacked, where asking them may help.
  std::span<const std::shared_ptr<token::IssuerKeys>> worth_asking() const noexcept;

  std::size_t cache_entries() const noexcept { return verifier_ ? verifier_->cache_entries() : 0; }
  void empty_cache() noexcept;

 private:
  /// Fills in who the caller is by what a service says.
  base::Result<void> inquire(std::string_view token, const Request& request, base::UnixTime now, Scratch& scratch,
                             Identity& identity, token::CheckList* checks);
  void note_place(Trace& trace, const config::TokenSource& source,
                  const base::Result<std::optional<std::string_view>>& token, bool decides) const;

  std::string name_;
  std::vector<config::TokenSource> sources_;
  std::string subject_claim_;
  std::string roles_claim_;
  std::size_t token_bytes_max_;
  std::chrono::seconds leeway_;
  std::optional<token::JwtVerifier> verifier_;  ///< of a `jwt`
  std::optional<TokenInquiry> inquiry_;         ///< of the kinds that a service decides
  RevocationCheck revocation_;
};

}  // namespace sidegate::policy
