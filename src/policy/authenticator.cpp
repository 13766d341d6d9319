#include "authenticator.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/http/cookies.hpp>
#include <sidegate/policy/trace.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/subject.hpp>
#include <sidegate/token/unverified_claims.hpp>

namespace sidegate::policy {
namespace {

using base::Reason;
using base::Result;

/// The token of `Authorization: Bearer TOKEN` (RFC 6750 section 2.1), the scheme in any case; nothing for another
/// scheme and for a scheme alone. Two such fields are ambiguous: which one an origin reads cannot be known.
Result<std::optional<std::string_view>> find_bearer(const std::vector<http::Field>& fields) noexcept {
  static constexpr std::string_view kScheme = "bearer ";
  const http::Field* found = nullptr;
  for (const http::Field& field : fields) {
    if (field.known != http::FieldName::Authorization) continue;
    if (found != nullptr) return Reason::SeveralAuthorizations;
    found = &field;
  }
  const bool is_bearer = found != nullptr && found->value.size() > kScheme.size() &&
                         base::equals_ignoring_case(found->value.substr(0, kScheme.size()), kScheme);
  if (!is_bearer) return std::optional<std::string_view>{};
  const auto token = base::trim_blanks(found->value.substr(kScheme.size()));
  return token.empty() ? std::optional<std::string_view>{} : token;
}

/// Why a token is refused that others of the same authenticator are not, in words.
std::string_view in_words(revocation::Rule::Kind kind) noexcept {
  switch (kind) {
    case revocation::Rule::Kind::Jti:
      return "revoked by its jti";
    case revocation::Rule::Kind::Subject:
      return "revoked with all tokens of its subject that were issued before a moment, or do not say when";
    case revocation::Rule::Kind::Token:
      return "this very token was revoked";
  }
  return "";
}

}  // namespace

Authenticator::Authenticator(const config::Authenticator& settings, std::size_t token_bytes_max,
                             config::Diagnostics& diagnostics, const Shared& shared)
    : name_(settings.name),
      sources_(settings.token()),
      subject_claim_(settings.jwt.subject),
      roles_claim_(settings.jwt.roles),
      token_bytes_max_(token_bytes_max),
      leeway_(settings.jwt.leeway),
      revocation_(shared.revocations, settings.name) {
  if (settings.kind == config::Authenticator::Kind::Jwt) {
    verifier_.emplace(settings.jwt, diagnostics, shared.issuers);
  } else {
    roles_claim_ = settings.service.roles;
    inquiry::ServiceBoard own;
    inquiry_.emplace((shared.services != nullptr ? *shared.services : own).at(settings));
  }
  for (const auto& source : sources_) {
    if (source.kind == config::TokenSource::Kind::Bearer && !base::equals_ignoring_case(source.name, "Authorization")) {
      diagnostics.error(source.where,
                        "a bearer token is read from the field Authorization only, not from \"" + source.name + "\"");
    }
  }
}

Result<std::optional<Credential>> Authenticator::find(const std::vector<http::Field>& fields, Trace* trace) const {
  // Every place is looked at: one that can be read in two ways refuses the request, whichever place decides.
  std::optional<Credential> first;
  for (const auto& source : sources_) {
    const auto token =
        source.kind == config::TokenSource::Kind::Cookie ? http::find_cookie(fields, source.name) : find_bearer(fields);
    if (trace != nullptr) note_place(*trace, source, token, !first);
    if (!token) return token.error();
    if (*token && !first) first = Credential{**token, &source};
  }
  return first;
}

void Authenticator::note_place(Trace& trace, const config::TokenSource& source,
                               const Result<std::optional<std::string_view>>& token, bool decides) const {
  PlaceStep step{.authenticator = name_, .source = &source};
  if (!token) {
    step.found = PlaceStep::Found::Unreadable;
    step.reason = token.error();
  } else if (*token) {
    step.found = PlaceStep::Found::Credential;
    step.decides = decides;
  }
  trace.places.push_back(step);
}

Result<Identity> Authenticator::identify(const Credential& credential, const Request& request, base::UnixTime now,
                                         Scratch& scratch, Trace* trace) {
  token::CheckList* const checks = trace != nullptr ? &trace->token : nullptr;
  const auto size = [&] {
    return std::to_string(credential.token.size()) + " bytes, of " + std::to_string(token_bytes_max_) + " at most";
  };
  if (credential.token.size() > token_bytes_max_) {
    return fail(checks, token::CheckName::Size, Reason::TokenTooLarge, size);
  }
  pass(checks, token::CheckName::Size, size);
  Identity identity;
  identity.authenticator = name_;
  identity.roles_claim = roles_claim_;
  if (!verifier_) {
    const auto known = inquire(credential.token, request, now, scratch, identity, checks);
    if (!known) return known.error();
  } else {
    auto& room = scratch.claims.emplace(scratch.storage());
    const auto verified = verifier_->verify(credential.token, now, room, checks);
    scratch.cache = verifier_->last_lookup();
    if (!verified) return verified.error();
    const auto subject = token::subject_of(*verified->claims, subject_claim_, scratch.subject);
    if (!subject) {
      return fail(checks, token::CheckName::Subject, subject.error(),
                  [&] { return subject_claim_ + " is missing, or names nobody: a text or a whole number is wanted"; });
    }
    pass(checks, token::CheckName::Subject, [&] { return subject_claim_ + " is " + token::in_quotes(*subject); });
    identity.subject = *subject;
    identity.claims = verified->claims;
    identity.expires = verified->validity.until;
  }
  if (const auto rule = revocation_.find(credential.token, identity.subject, *identity.claims, now)) {
    return fail(checks, token::CheckName::Revocation, Reason::Revoked, in_words(*rule));
  }
  pass(checks, token::CheckName::Revocation, "not revoked");
  return identity;
}

Result<void> Authenticator::inquire(std::string_view token, const Request& request, base::UnixTime now,
                                    Scratch& scratch, Identity& identity, token::CheckList* checks) {
  static const boost::json::object kNothing;
  const auto answer = inquiry_->ask(token, request, now, scratch, checks);
  if (!answer) return answer.error();
  identity.subject = scratch.subject.assign((*answer)->subject);
  identity.claims = (*answer)->claims != nullptr ? (*answer)->claims.get() : &kNothing;
  identity.expires = (*answer)->valid_until;
  scratch.inquiries.claims = identity.claims;
  pass(checks, token::CheckName::Subject, [&] { return "the caller is " + token::in_quotes(identity.subject); });
  return {};
}

Result<std::string_view> Authenticator::subject_of(const boost::json::object& claims, std::string& storage) const {
  return token::subject_of(claims, subject_claim_, storage);
}

std::span<const std::shared_ptr<token::IssuerKeys>> Authenticator::worth_asking() const noexcept {
  if (!verifier_) return {};
  return verifier_->worth_asking();
}

void Authenticator::empty_cache() noexcept {
  if (verifier_) verifier_->empty_cache();
  if (inquiry_) inquiry_->forget();
}

Result<Recognition> Authenticator::recognise(std::string_view token, base::UnixTime now,
                                             token::UnverifiedClaims& reader) {
  if (token.size() > token_bytes_max_) return Reason::TokenTooLarge;
  boost::json::object claims;
  // Whose it is only the service could tell, and whether it holds: it is known by itself.
  if (!verifier_) return Recognition{revocation_.hold(token, {}, claims), std::nullopt};
  token::CheckList checks;  // with it nothing is remembered
  const auto verified = verifier_->verify(token, now, claims, &checks);
  // Both are found once all else is known to be well.
  const bool is_ours = verified || verified.error() == Reason::Expired || verified.error() == Reason::NotYetValid;
  if (!is_ours) return verified.error();
  if (!reader.read(token, claims)) return Reason::Malformed;
  std::string storage;
  const auto subject = subject_of(claims, storage);
  if (!subject) return subject.error();
  Recognition recognition{revocation_.hold(token, *subject, claims), std::nullopt};
  if (const auto date = token::date_in(claims, "exp")) recognition.expires = *date + leeway_;
  return recognition;
}

}  // namespace sidegate::policy
