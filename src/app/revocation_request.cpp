#include "revocation_request.hpp"

#include <sidegate/policy/recognition.hpp>
#include <sidegate/revocation/request.hpp>
#include <sidegate/telemetry/log.hpp>
#include <sidegate/token/inspection.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sidegate::app {
namespace {

namespace json = boost::json;
using base::Reason;
using base::UnixTime;
using revocation::Rule;

/// How long a rule lasts where nobody says how long, nor the token.
constexpr std::chrono::hours kUsualTime{24};

admin::Outcome error(unsigned status, std::string_view text) {
  return {status, json::serialize(json::object{{"error", text}})};
}

AskedRevocation refuse(unsigned status, std::string_view text) {
  AskedRevocation asked;
  asked.refusal = error(status, text);
  return asked;
}

/// The authenticators that a request is about, by their places; empty where it names none that there is.
std::vector<std::size_t> authenticators_of(const revocation::Request& request, const config::Config& config) {
  const auto& all = config.authenticators;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!request.authenticator || all[i].name == *request.authenticator) places.push_back(i);
  }
  return places;
}

/// By its `jti`, which says more to a person and costs less to look for; by what it says where it has none.
Rule rule_for(const policy::Recognition& recognition, const std::optional<UnixTime>& expires, UnixTime now) {
  const auto& credential = recognition.credential;
  const bool has_jti = !credential.jti.empty() && credential.jti.size() <= revocation::kNameBytesMax;
  const bool lives = recognition.expires && *recognition.expires > now;
  const UnixTime usual = lives ? *recognition.expires : now + kUsualTime;
  return {.authenticator = credential.authenticator,
          .kind = has_jti ? Rule::Kind::Jti : Rule::Kind::Token,
          .name = has_jti ? credential.jti : credential.digest,
          .expires = expires.value_or(usual)};
}

AskedRevocation revoke_token(const revocation::Request& request, const std::vector<std::size_t>& authenticators,
                             policy::Policy& policy, UnixTime now) {
  AskedRevocation asked;
  Reason refused = Reason::Malformed;
  for (const std::size_t place : authenticators) {
    const auto recognition = policy.recognise(place, request.token.reveal(), now);
    if (!recognition) {
      // An authenticator that cannot tell may yet turn out to be the one.
      if (refused != Reason::Unavailable) refused = recognition.error();
      continue;
    }
    asked.rules.push_back(rule_for(*recognition, request.expires, now));
    asked.subject = recognition->credential.subject;
  }
  if (!asked.rules.empty()) return asked;
  if (refused == Reason::Unavailable) {
    return refuse(503,
                  "the keys that the token could be verified with are not there; \"jti\" and \"subject\" need none");
  }
  return refuse(422, "no authenticator accepts the token: " + std::string(base::name_of(refused)));
}

}  // namespace

AskedRevocation read_revocation(const std::string& body, const config::Config& config, policy::Policy& policy,
                                UnixTime now) {
  const auto request = revocation::read_request(body, now);
  if (!request) return refuse(422, request.error().text);
  const auto authenticators = authenticators_of(*request, config);
  if (authenticators.empty()) {
    return refuse(422, request->authenticator ? "\"authenticator\": there is none of this name"
                                              : "the configuration has no authenticator");
  }
  if (request->kind == Rule::Kind::Token) return revoke_token(*request, authenticators, policy, now);
  if (authenticators.size() > 1) return refuse(422, "\"authenticator\" is missing: there are several");
  AskedRevocation asked;
  asked.rules.push_back({.authenticator = config.authenticators[authenticators.front()].name,
                         .kind = request->kind,
                         .name = request->name,
                         .issued_before = request->issued_before,
                         .expires = request->expires.value_or(now + kUsualTime)});
  return asked;
}

admin::Outcome answer_to(const AskedRevocation& asked, const revocation::Revocations::Addition& addition) {
  using Result = revocation::Revocations::Addition::Result;
  switch (addition.result) {
    case Result::TooMany:
      return error(409, "there are " + std::to_string(revocation::kRulesMax) +
                            " revocations already; one rule for a \"subject\" takes the place of many");
    case Result::InMemory:
      return error(500, "it is revoked, but only until the next start, since it could not be written: " + addition.why);
    case Result::Kept:
      break;
  }
  json::array names;
  UnixTime expires = UnixTime::min();
  for (const Rule& rule : asked.rules) {
    names.emplace_back(rule.authenticator);
    expires = std::max(expires, rule.expires);
  }
  json::object answer{{"status", "revoked"}};
  answer["authenticator"] = names.size() == 1 ? json::value(names.front()) : json::value(names);
  answer["kind"] = revocation::name_of(asked.rules.front().kind);
  answer["expires"] = token::rfc3339(expires);
  return {200, json::serialize(answer)};
}

void audit(const AskedRevocation& asked) {
  for (const Rule& rule : asked.rules) {
    const std::string expires = token::rfc3339(rule.expires);
    const std::string issued_before = token::rfc3339(rule.issued_before);
    std::vector<telemetry::Field> fields{{"authenticator", rule.authenticator}, {"kind", name_of(rule.kind)}};
    if (rule.kind != Rule::Kind::Token) fields.emplace_back(name_of(rule.kind), rule.name);
    if (rule.kind == Rule::Kind::Subject) fields.emplace_back("issued_before", issued_before);
    if (!asked.subject.empty()) fields.emplace_back("subject", asked.subject);
    fields.emplace_back("expires", expires);
    telemetry::audit(telemetry::Level::Info, "a credential was revoked", fields);
  }
}

std::vector<std::string> unknown_authenticators(const std::vector<Rule>& rules, const config::Config& config) {
  std::vector<std::string> names;
  for (const Rule& rule : rules) {
    const auto& all = config.authenticators;
    const bool is_known =
        std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == rule.authenticator; });
    if (!is_known && (names.empty() || names.back() != rule.authenticator)) names.push_back(rule.authenticator);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace sidegate::app
