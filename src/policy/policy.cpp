#include <sidegate/base/text.hpp>
#include <sidegate/http/cookies.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/policy/recognition.hpp>
#include <sidegate/policy/trace.hpp>
#include <sidegate/token/unverified_claims.hpp>

#include <algorithm>
#include <memory>

#include "authenticator.hpp"
#include "route.hpp"
#include "session_renewal.hpp"
#include "user_lookup.hpp"

namespace sidegate::policy {
namespace {

using base::Reason;
using base::Result;
using Authenticate = config::Route::Authenticate;

// RFC 6750 section 3. The reason itself is in the log only; a caller learns no more than its class.
constexpr std::string_view kChallenge = "WWW-Authenticate: Bearer realm=\"sidegate\"\r\n";
constexpr std::string_view kInvalidToken =
    "WWW-Authenticate: Bearer error=\"invalid_token\", "
    "error_description=\"The access token is expired, revoked, malformed or invalid\"\r\n";

/// Whether `origin` (RFC 6454 section 7) is the request's own host: what a browser sends for a page of ours.
bool is_own_origin(std::string_view origin, std::string_view host) noexcept {
  const auto scheme_end = origin.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const std::string_view default_port =
      base::equals_ignoring_case(origin.substr(0, scheme_end), "https") ? ":443" : ":80";
  auto authority = origin.substr(scheme_end + 3);
  if (authority.ends_with(default_port)) authority.remove_suffix(default_port.size());
  if (host.ends_with(default_port)) host.remove_suffix(default_port.size());
  return base::equals_ignoring_case(authority, host);
}

/// Notes why the rule against other sites lets a request through, or does not; and says that it does.
bool note_own_site(Trace* trace, bool own, std::string_view detail) {
  if (trace != nullptr) {
    trace->own_site = own;
    trace->own_site_detail = detail;
  }
  return own;
}

/// A cookie goes along with whatever page makes the browser send a request; so a request that may change something must
/// come from a page of the same host.
bool is_own_site(const Request& request, const Credential& credential, Trace* trace) {
  if (credential.source->kind != config::TokenSource::Kind::Cookie) {
    return note_own_site(trace, true, "the credential is no cookie, so no browser adds it by itself");
  }
  const auto method = request.head->known_method;
  const bool safe = method == http::Method::Get || method == http::Method::Head || method == http::Method::Options;
  const auto& fields = request.head->fields;
  const bool upgrades = std::any_of(fields.begin(), fields.end(),
                                    [](const auto& field) { return field.known == http::FieldName::Upgrade; });
  if (safe && !upgrades) return note_own_site(trace, true, "the method changes nothing");
  bool has_origin = false;
  for (const http::Field& field : fields) {
    if (!base::equals_ignoring_case(field.name, "origin")) continue;
    has_origin = true;
    if (!is_own_origin(field.value, request.facts->host)) {
      return note_own_site(trace, false, "Origin is not the request's own host");
    }
  }
  return note_own_site(trace, true, has_origin ? "Origin is the request's own host" : "there is no Origin");
}

/// Whether a page of another site shows what comes back inside of it, be it an image: a browser takes no new cookies of
/// ours there (Fetch Metadata sections 2.1 and 2.3).
bool is_embedded_elsewhere(const Request& request) noexcept {
  const auto says = [&request](std::string_view name, std::string_view value) {
    return std::any_of(request.head->fields.begin(), request.head->fields.end(), [&](const http::Field& field) {
      return base::equals_ignoring_case(field.name, name) && field.value == value;
    });
  };
  return says("sec-fetch-site", "cross-site") && !says("sec-fetch-dest", "document");
}

/// Whether `source` is where the credential stands. It may have been found there by another authenticator.
bool is_its_place(const Credential& credential, const config::TokenSource& source) noexcept {
  return credential.source == &source || is_same_place(*credential.source, source);
}

}  // namespace

void Scratch::reset() {
  lines.clear();
  subject.clear();
  claims.reset();
  cache.reset();
  cookies_to_remove.clear();
  cookie_to_add.clear();
  inquiries.reset();
  arena_.release();
}

void Inquiries::forget() noexcept {
  used_ = false;
  question.reset();
  retry_after = std::chrono::seconds(1);
  user_info = kNone;
  user_cache.reset();
  renewed = false;
  answer_lines.clear();
  claims = nullptr;
  answers.clear();
}

struct Policy::State {
  explicit State(std::size_t token_bytes_max) : unverified(token_bytes_max) {}

  std::vector<Authenticator> authenticators;
  std::vector<UserLookup> user_lookups;
  std::optional<SessionRenewal> renewal;
  token::UnverifiedClaims unverified;
  std::vector<Route> routes;
  std::vector<RouteTable> tables;  ///< by listener
  http::HeaderFilter filter;
  bool filter_drops_cookies = false;  ///< `strip` names Cookie: nothing of it is written anew

  Decision refuse(Reason reason, const Route* route, Scratch& scratch) const;
  /// The authenticator that a credential is for, found where several of them read.
  std::size_t owner_of(const Credential& credential, const Route& route, Scratch& scratch);
  Decision authenticate(const Request& request, const Route& route, base::UnixTime now, Scratch& scratch, Trace* trace);
  Decision forward(const Request& request, const Route& route, const Identity* identity, const Credential* credential,
                   Scratch& scratch, Trace* trace) const;
  void remove_other_places(const Request& request, const Route& route, const Credential* credential, Scratch& scratch,
                           Decision& decision) const;
};

Policy::Policy(std::unique_ptr<State> state) : state_(std::move(state)) {}
Policy::~Policy() = default;

std::unique_ptr<Policy> Policy::compile(const config::Config& config, config::Diagnostics& diagnostics,
                                        const Shared& shared) {
  auto state = std::make_unique<State>(config.limits.token_bytes_max);
  for (const auto& settings : config.authenticators) {
    state->authenticators.emplace_back(settings, config.limits.token_bytes_max, diagnostics, shared);
  }
  inquiry::ServiceBoard own_services;
  auto& services = shared.services != nullptr ? *shared.services : own_services;
  for (const auto& settings : config.user_info) {
    state->user_lookups.emplace_back(settings, config, services.at(settings));
  }
  if (config.session_refresh) state->renewal.emplace(config, services.at(*config.session_refresh));
  state->routes = compile_routes(config, diagnostics);
  for (const auto& pattern : config.strip) state->filter.add_pattern(pattern.value);
  for (const auto& header : config.inject) state->filter.add_name(header.name.value);
  for (const auto& route : config.routes) {
    for (const auto& header : route.inject) state->filter.add_name(header.name.value);
  }
  state->filter_drops_cookies =
      state->filter.drops({.name = "Cookie", .value = {}, .line = {}, .known = http::FieldName::Cookie});
  for (const auto& listener : config.listeners) {
    const auto names_it = [&](const config::Route& route) {
      return route.listener && route.listener->value == listener.name;
    };
    const bool named = std::any_of(config.routes.begin(), config.routes.end(), names_it);
    RouteTable table;
    for (std::size_t i = 0; i < config.routes.size(); ++i) {
      if (named ? names_it(config.routes[i]) : !config.routes[i].listener) table.routes.push_back(&state->routes[i]);
    }
    state->tables.push_back(std::move(table));
  }
  return std::unique_ptr<Policy>(new Policy(std::move(state)));
}

const http::HeaderFilter& Policy::filter() const noexcept {
  return state_->filter;
}

std::size_t Policy::cache_entries(std::size_t authenticator) const noexcept {
  return state_->authenticators[authenticator].cache_entries();
}

revocation::HeldCredential Policy::hold(const Decision& decision, const Scratch& scratch) {
  auto& authenticator = state_->authenticators[decision.authenticator];
  if (scratch.inquiries.claims != nullptr) {
    return authenticator.hold(decision.ends_with, decision.subject, *scratch.inquiries.claims);
  }
  boost::json::object claims;
  // They were read before, when the token was verified.
  state_->unverified.read(decision.ends_with, claims);
  return authenticator.hold(decision.ends_with, decision.subject, claims);
}

base::Result<Recognition> Policy::recognise(std::size_t authenticator, std::string_view token, base::UnixTime now) {
  return state_->authenticators[authenticator].recognise(token, now, state_->unverified);
}

void Policy::empty_caches() noexcept {
  for (Authenticator& authenticator : state_->authenticators) authenticator.empty_cache();
  for (UserLookup& lookup : state_->user_lookups) lookup.forget();
  if (state_->renewal) state_->renewal->forget();
}

Decision Policy::decide(const Request& request, base::UnixTime now, Scratch& scratch, Trace* trace) {
  scratch.reset();
  const RouteTable& table = state_->tables[request.listener];
  const auto match = table.find(request.facts->host, request.target->path, request.head->method, trace);
  // Where nobody says that they are to be kept, the origin might read them in another way.
  const bool keeps_slash = match.route != nullptr && match.route->keep_encoded_slash;
  const bool keeps_parameters = match.route != nullptr && match.route->keep_path_parameters;
  if (request.target->has_encoded_slash && !keeps_slash) {
    return state_->refuse(Reason::EncodedSlash, match.route, scratch);
  }
  if (request.target->has_path_parameters && !keeps_parameters) {
    return state_->refuse(Reason::PathParameters, match.route, scratch);
  }
  if (match.route == nullptr) {
    if (!match.place_found) return state_->refuse(Reason::NoRoute, nullptr, scratch);
    table.append_allow(request.facts->host, request.target->path, scratch.lines);
    return state_->refuse(Reason::MethodNotAllowed, nullptr, scratch);
  }
  if (match.route->authenticate == Authenticate::None) {
    return state_->forward(request, *match.route, nullptr, nullptr, scratch, trace);
  }
  return state_->authenticate(request, *match.route, now, scratch, trace);
}

Decision Policy::State::refuse(Reason reason, const Route* route, Scratch& scratch) const {
  Decision decision;
  decision.kind = Decision::Kind::Refuse;
  decision.reason = reason;
  decision.route = route != nullptr ? &route->facts : nullptr;
  if (base::status_of(reason) == 401) scratch.lines += reason == Reason::Missing ? kChallenge : kInvalidToken;
  if (reason == Reason::Unavailable) {
    scratch.lines += "Retry-After: ";
    scratch.lines += std::to_string(scratch.inquiries.retry_after.count());
    scratch.lines += "\r\n";
  }
  decision.lines = scratch.lines;
  return decision;
}

std::size_t Policy::State::owner_of(const Credential& credential, const Route& route, Scratch& scratch) {
  if (!token::has_jwt_form(credential.token)) return route.dispatch.choose_opaque(*credential.source);
  auto& room = scratch.claims.emplace(scratch.storage());
  return route.dispatch.choose(*credential.source, unverified.issuer(credential.token, room));
}

Decision Policy::State::authenticate(const Request& request, const Route& route, base::UnixTime now, Scratch& scratch,
                                     Trace* trace) {
  const auto record = [&](Decision decision, std::size_t index, Reason outcome) {
    decision.authenticator = index;
    decision.authenticator_name = authenticators[index].name();
    decision.cache = scratch.cache;
    // However it is that a credential cannot be read.
    decision.outcome = base::is_outcome(outcome) ? outcome : Reason::Malformed;
    return decision;
  };
  for (const std::size_t finder : route.authenticators) {
    const auto found = authenticators[finder].find(request.head->fields, trace);
    if (!found) return record(refuse(found.error(), &route, scratch), finder, found.error());
    if (!*found) continue;
    Credential credential = **found;
    const bool has_choice = route.dispatch.has_choice(*credential.source);
    const std::size_t index = has_choice ? owner_of(credential, route, scratch) : finder;
    if (trace != nullptr) trace->authenticator = authenticators[index].name();
    auto identity = authenticators[index].identify(credential, request, now, scratch, trace);
    const auto is_cross_site = [&] { return route.check_cross_site && !is_own_site(request, credential, trace); };
    // What another site has a browser send spends no refresh token, which would log people out.
    if (renewal && renewal->is_due(index, authenticators[index], credential, identity, request, now) &&
        !is_cross_site() && !(route.check_cross_site && is_embedded_elsewhere(request))) {
      identity = renewal->renew(authenticators[index], credential, identity, request, now, scratch, trace);
    }
    if (!identity) {
      auto decision = record(refuse(identity.error(), &route, scratch), index, identity.error());
      decision.worth_asking = authenticators[index].worth_asking();
      return decision;
    }
    if (trace != nullptr) trace->expires = identity->expires;
    if (is_cross_site()) {
      auto decision = record(refuse(Reason::CrossSite, &route, scratch), index, Reason::Accepted);
      decision.subject = identity->subject;
      return decision;
    }
    if (route.user_info && user_lookups[*route.user_info].is_for(index)) {
      const auto user = user_lookups[*route.user_info].find(*identity, credential.token, request, scratch, trace);
      scratch.inquiries.user_info = *route.user_info;
      if (!user) {
        auto decision = record(refuse(user.error(), &route, scratch), index, Reason::Accepted);
        decision.subject = identity->subject;
        return decision;
      }
      identity->user = *user;
    }
    auto decision = forward(request, route, &*identity, &credential, scratch, trace);
    decision.subject = identity->subject;
    return record(decision, index, decision.kind == Decision::Kind::Forward ? Reason::Accepted : decision.reason);
  }
  if (route.authenticate == Authenticate::Optional) {
    return forward(request, route, nullptr, nullptr, scratch, trace);
  }
  auto decision = refuse(Reason::Missing, &route, scratch);
  decision.authenticator = route.authenticators.front();
  decision.authenticator_name = authenticators[decision.authenticator].name();
  decision.outcome = Reason::Missing;
  return decision;
}

Decision Policy::State::forward(const Request& request, const Route& route, const Identity* identity,
                                const Credential* credential, Scratch& scratch, Trace* trace) const {
  Decision decision;
  decision.kind = Decision::Kind::Forward;
  decision.route = &route.facts;
  if (route.rewrite.changes_paths()) decision.path = route.rewrite.apply(request.target->path, scratch.path);
  decision.host = route.forwarded_host;
  if (identity != nullptr && route.close_at_expiry) {
    decision.ends = identity->expires;
    decision.ends_with = credential->token;
  }
  const auto note = [trace](const InjectedLine& line, InjectStep::Result result) {
    if (trace != nullptr) trace->inject.push_back({line.name, result});
  };
  for (const InjectedLine& line : route.inject) {
    if (identity == nullptr && line.value.needs_identity()) {
      note(line, InjectStep::Result::NoCaller);
      continue;
    }
    const auto begin = scratch.lines.size();
    scratch.lines += line.name;
    scratch.lines += ": ";
    const auto value_begin = scratch.lines.size();
    const auto rendered = line.value.render(identity, scratch.lines);
    if (!rendered) {
      note(line, InjectStep::Result::Unusable);
      scratch.lines.clear();
      return refuse(rendered.error(), &route, scratch);
    }
    // An empty value leaves the header out.
    const bool is_empty = !*rendered || scratch.lines.size() == value_begin;
    note(line, is_empty ? InjectStep::Result::Empty : InjectStep::Result::Set);
    if (is_empty) {
      scratch.lines.resize(begin);
    } else {
      scratch.lines += "\r\n";
    }
  }
  if (route.authenticate != Authenticate::None) remove_other_places(request, route, credential, scratch, decision);
  decision.lines = scratch.lines;
  return decision;
}

void Policy::State::remove_other_places(const Request& request, const Route& route, const Credential* credential,
                                        Scratch& scratch, Decision& decision) const {
  for (const std::size_t index : route.authenticators) {
    // What a session is renewed with is a credential as well.
    if (!route.forward_credential && renewal && renewal->is_for(index)) {
      scratch.cookies_to_remove.push_back(renewal->refresh_cookie());
    }
    for (const auto& source : authenticators[index].sources()) {
      const bool stays = credential != nullptr && route.forward_credential && is_its_place(*credential, source);
      if (stays && !scratch.inquiries.renewed) continue;
      if (stays) {
        scratch.cookie_to_add.assign(source.name);
        scratch.cookie_to_add += '=';
        scratch.cookie_to_add += credential->token;
      }
      if (source.kind == config::TokenSource::Kind::Bearer) {
        decision.forward_authorization = false;
      } else {
        scratch.cookies_to_remove.push_back(source.name);
      }
    }
  }
  if (!filter_drops_cookies && !scratch.cookies_to_remove.empty() &&
      http::append_cookies_without(request.head->fields, scratch.cookies_to_remove, scratch.lines,
                                   scratch.cookie_to_add)) {
    decision.forward_cookie = false;
  }
}

}  // namespace sidegate::policy
