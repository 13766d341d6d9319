#include "tokens.hpp"

#include "random_text.hpp"

#include <sidegate/token/signer.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace sidegate::demo {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kIdBytes = 16;

token::JwtVerifier make_verifier(const base::Secret& key, std::vector<std::string> required_claims) {
  config::JwtAuthenticator rules;
  rules.keys.push_back(
      {.secret = {.kind = config::SecretReference::Kind::Plain, .name = {}, .secret = key, .where = {}},
       .until = std::nullopt});
  rules.algorithms.push_back({"HS256", {}});
  rules.require_claims = std::move(required_claims);
  rules.subject = rules.require_claims.back();
  rules.verified_cache = {.max_entries = 0, .max_bytes = 0};  // few tokens, each for a short time
  config::Diagnostics diagnostics("demo");
  return {rules, diagnostics};
}

std::string text_of(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

std::string sign(const json::object& claims, const base::Secret& key) {
  auto token = token::sign_jwt(claims, token::Algorithm::HS256, key.reveal());
  // Our own claims and our own key: there is nothing in them that could not be signed.
  if (!token) std::abort();
  return *std::move(token);
}

/// 0 where the claim is missing or no number: nobody has that id.
std::int64_t number_of(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  const std::int64_t* number = value == nullptr ? nullptr : value->if_int64();
  return number == nullptr ? 0 : *number;
}

}  // namespace

Tokens::Tokens(const base::Secret& signing_key, Clock clock)
    : access_key_(signing_key),
      refresh_key_(random_hex(kKeyBytes)),
      access_verifier_(make_verifier(access_key_, {"exp", "user_id"})),
      refresh_verifier_(make_verifier(refresh_key_, {"exp", "jti", "user_id"})),
      clock_(std::move(clock)) {}

std::string Tokens::make_access(const Person& person) const {
  const auto now = clock_();
  return sign(json::object{{"user_id", person.id},
                           {"user_type", "staff"},
                           {"email", person.email},
                           {"iat", now.time_since_epoch().count()},
                           {"exp", (now + kAccessLifetime).time_since_epoch().count()},
                           {"jti", random_hex(kIdBytes)}},
              access_key_);
}

std::string Tokens::make_refresh(const Person& person) {
  const auto now = clock_();
  if (sessions_.size() == kSessionsMax) sessions_.pop_front();
  sessions_.push_back(random_hex(kIdBytes));
  return sign(json::object{{"user_id", person.id},
                           {"iat", now.time_since_epoch().count()},
                           {"exp", (now + kRefreshLifetime).time_since_epoch().count()},
                           {"jti", sessions_.back()}},
              refresh_key_);
}

std::optional<AccessClaims> Tokens::verify_access(std::string_view token) {
  json::object room;
  const auto verified = access_verifier_.verify(token, clock_(), room);
  if (!verified) return std::nullopt;
  return AccessClaims{number_of(*verified->claims, "user_id"), text_of(*verified->claims, "user_type"),
                      text_of(*verified->claims, "email"), verified->validity.until};
}

std::optional<Tokens::RefreshClaims> Tokens::read_refresh(std::string_view token) {
  json::object room;
  const auto verified = refresh_verifier_.verify(token, clock_(), room);
  if (!verified) return std::nullopt;
  return RefreshClaims{number_of(*verified->claims, "user_id"), text_of(*verified->claims, "jti")};
}

const Person* Tokens::verify_refresh(std::string_view token) {
  const auto claims = read_refresh(token);
  if (!claims || std::find(sessions_.begin(), sessions_.end(), claims->id) == sessions_.end()) return nullptr;
  return find_person(claims->user_id);
}

void Tokens::end_session(std::string_view refresh_token) {
  if (const auto claims = read_refresh(refresh_token)) std::erase(sessions_, claims->id);
}

}  // namespace sidegate::demo
