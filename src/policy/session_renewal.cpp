#include "session_renewal.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/http/cookies.hpp>
#include <sidegate/policy/trace.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/subject.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::policy {
namespace {

using base::Reason;
using base::Result;
using base::UnixTime;
using inquiry::Answer;

/// Whether the token ends within `threshold`, which is at most a fifth of its lifetime.
bool ends_soon(const boost::json::object& claims, std::chrono::seconds threshold, UnixTime now) {
  const auto expires = token::date_in(claims, "exp");
  if (!expires) return false;
  const auto issued = token::date_in(claims, "iat");
  return *expires - now <= (issued ? std::min(threshold, (*expires - *issued) / 5) : threshold);
}

/// Whether it can stand in a Set-Cookie field as it is.
bool is_field_value(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// RFC 6265 section 4.1.1: what the value of a cookie may hold.
bool is_cookie_value(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c <= ' ' || c >= 0x7F || c == '"' || c == ',' || c == ';' || c == '\\'; });
}

bool is_usable(const inquiry::RenewedSession& session) noexcept {
  return !session.access.empty() && is_cookie_value(session.access.reveal()) &&
         is_cookie_value(session.refresh.reveal()) &&
         std::all_of(session.cookies.begin(), session.cookies.end(),
                     [](const base::Secret& cookie) { return is_field_value(cookie.reveal()); });
}

/// Whether the caller's own connection is encrypted, as a proxy tells that is believed.
bool is_encrypted(const Request& request) noexcept {
  const auto& fields = request.head->fields;
  return request.peer_is_trusted && std::any_of(fields.begin(), fields.end(), [](const http::Field& field) {
           return base::equals_ignoring_case(field.name, "x-forwarded-proto") &&
                  base::equals_ignoring_case(field.value, "https");
         });
}

/// Whether browsers take such a cookie only where it is `Secure`.
bool has_secure_prefix(std::string_view name) noexcept {
  const auto starts_with = [name](std::string_view prefix) {
    return base::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
  };
  return starts_with("__Secure-") || starts_with("__Host-");
}

void append_cookie(std::string_view name, std::string_view value, const Request& request, std::string& lines) {
  lines += "Set-Cookie: ";
  lines += name;
  lines += '=';
  lines += value;
  lines += "; HttpOnly; SameSite=Lax; Path=/";
  if (is_encrypted(request) || has_secure_prefix(name)) lines += "; Secure";
  lines += "\r\n";
}

}  // namespace

SessionRenewal::SessionRenewal(const config::Config& config, std::shared_ptr<inquiry::Service> service)
    : settings_(*config.session_refresh),
      authenticators_(settings_.authenticators, config),
      memo_(std::move(service)),
      unverified_(config.limits.token_bytes_max) {}

bool SessionRenewal::is_due(std::size_t index, Authenticator& authenticator, const Credential& credential,
                            const Result<Identity>& identity, const Request& request, UnixTime now) {
  if (credential.source->kind != config::TokenSource::Kind::Cookie || credential.source->name != settings_.cookie) {
    return false;
  }
  if (!is_for(index)) return false;
  if (!identity && identity.error() != Reason::Expired) return false;
  if (identity && !ends_soon(*identity->claims, settings_.threshold, now)) return false;
  const auto refresh = http::find_cookie(request.head->fields, settings_.refresh_cookie);
  if (!refresh || !*refresh) return false;
  refresh_token_ = **refresh;
  boost::json::object claims;
  if (identity) {
    subject_.assign(identity->subject);
  } else {
    // Expired is found last: all else is well with it.
    if (!unverified_.read(credential.token, claims)) return false;
    const auto subject = authenticator.subject_of(claims, subject_);
    if (!subject || authenticator.is_revoked(credential.token, subject_, claims, now)) return false;
  }
  if (!token::has_jwt_form(refresh_token_) || !unverified_.read(refresh_token_, claims)) return true;
  return !authenticator.is_revoked(refresh_token_, subject_, claims, now);
}

Result<Identity> SessionRenewal::renew(Authenticator& authenticator, Credential& credential,
                                       const Result<Identity>& identity, const Request& request, UnixTime now,
                                       Scratch& scratch, Trace* trace) {
  const auto tell = [&](bool renewed, std::string_view what) {
    if (trace == nullptr) return;
    trace->renewed = renewed;
    trace->renewal_detail = what;
  };
  const auto key = digest_.of(refresh_token_);
  if (!key) return identity;
  auto found = memo_.find(*key, request);
  if (found.answer == nullptr) {
    tell(false, "the service was not asked");
    scratch.inquiries.ask(memo_.question(*key, refresh_token_));
    return Reason::Unavailable;
  }
  const Answer& answer = scratch.inquiries.hold(std::move(found.answer));
  if (answer.verdict == Answer::Verdict::Yes) {
    auto accepted = accept(authenticator, credential, answer, request, now, scratch);
    tell(accepted.has_value(), accepted ? "the session is renewed; the request goes on with the new token"
                                        : "the new token is not accepted, or names somebody else");
    if (accepted || !identity) return accepted ? accepted : identity;
    // What was found out about the old token has given way to the new one.
    return authenticator.identify(credential, request, now, scratch, nullptr);
  }
  const bool refused = answer.verdict == Answer::Verdict::No;
  tell(false, refused ? "the service refuses the refresh token" : "the service cannot tell");
  if (identity || refused) return identity;
  scratch.inquiries.retry_after = answer.retry_after;
  return Reason::Unavailable;
}

Result<Identity> SessionRenewal::accept(Authenticator& authenticator, Credential& credential, const Answer& answer,
                                        const Request& request, UnixTime now, Scratch& scratch) const {
  if (answer.session == nullptr || !is_usable(*answer.session)) return Reason::Rejected;
  const auto& session = *answer.session;
  const Credential fresh{session.access.reveal(), credential.source};
  auto identity = authenticator.identify(fresh, request, now, scratch, nullptr);
  if (!identity) return identity;
  if (identity->subject != subject_) return Reason::Rejected;
  credential = fresh;
  auto& inquiries = scratch.inquiries;
  inquiries.renewed = true;
  for (const auto& cookie : session.cookies) {
    inquiries.answer_lines += "Set-Cookie: ";
    inquiries.answer_lines += cookie.reveal();
    inquiries.answer_lines += "\r\n";
  }
  if (!session.sets_access) {
    append_cookie(settings_.cookie, session.access.reveal(), request, inquiries.answer_lines);
  }
  if (!session.refresh.empty()) {
    append_cookie(settings_.refresh_cookie, session.refresh.reveal(), request, inquiries.answer_lines);
  }
  return identity;
}

}  // namespace sidegate::policy
