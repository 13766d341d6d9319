#include "readers.hpp"
#include "secret_reader.hpp"

#include <sidegate/base/text.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

namespace sidegate::config {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kAuthenticatorsMax = 256;
constexpr std::size_t kKeysMax = 64;
constexpr std::uint64_t kCachedEntriesMax = 100'000'000;
constexpr std::uint64_t kCachedBytesMax = std::uint64_t{1} << 40U;

/// `{cookie: NAME}` or `{bearer: HEADER}`. RFC 6265 section 4.1.1: a cookie's name is a token as well.
std::optional<TokenSource> read_token_source(const Cursor& cursor) {
  if (!cursor.is_map()) {
    cursor.error_unlike("{cookie: NAME} or {bearer: Authorization}");
    return std::nullopt;
  }
  Block block(cursor);
  const auto cookie = block.find("cookie");
  const auto bearer = block.find("bearer");
  block.finish();
  if (cookie.has_value() == bearer.has_value()) {
    cursor.error("expected {cookie: NAME} or {bearer: Authorization}, one an item");
    return std::nullopt;
  }
  const Cursor& at = cookie ? *cookie : *bearer;
  auto name = at.text();
  if (!name) return std::nullopt;
  if (!base::is_token(*name)) {
    at.error_unlike(cookie ? "the name of a cookie" : "the name of a header");
    return std::nullopt;
  }
  return TokenSource{cookie ? TokenSource::Kind::Cookie : TokenSource::Kind::Bearer, *std::move(name), at.where()};
}

struct GivenForm {
  Key::Form form;
  Cursor value;
};

/// The one of its forms that a key is given in.
std::optional<GivenForm> read_form(Block& block) {
  std::vector<GivenForm> given;
  for (const auto form : {Key::Form::Secret, Key::Form::Pem, Key::Form::Jwk, Key::Form::JwkSet}) {
    if (const auto at = block.find(name_of(form))) given.push_back({form, *at});
  }
  const bool is_later = block.not_yet({"jwks_url", "oidc_issuer"});
  const bool has_option = block.not_yet({"refresh", "cooldown", "ca", "allow_http"});
  if (given.size() == 1 && !is_later) return given.front();
  if (!given.empty() || (!is_later && !has_option)) {
    block.cursor().error("a key is one of secret, pem_file, jwk_file and jwks_file");
  }
  return std::nullopt;
}

std::optional<Key> read_key(const Cursor& cursor) {
  if (!cursor.is_map()) {
    // A key given as a plain text would be shown by error_unlike.
    cursor.error("expected a key such as {secret: {env: NAME}}");
    return std::nullopt;
  }
  Key key;
  Block block(cursor);
  const auto given = read_form(block);
  if (given) {
    key.form = given->form;
    assign(key.secret, given->form == Key::Form::Secret ? read_secret(given->value) : read_key_file(given->value));
  }
  if (const auto at = block.find("until")) key.until = at->time();
  if (const auto at = block.find("allow_weak")) {
    assign(key.allow_weak, at->boolean());
    if (key.form == Key::Form::Pem) at->error("allow_weak is for secrets; a PEM holds none");
  }
  block.finish();
  if (!given) return std::nullopt;
  return key;
}

void read_token(const Cursor& cursor, JwtAuthenticator& jwt) {
  if (!cursor.is_list()) return cursor.error_unlike("a list such as [{cookie: access_token}]");
  const auto items = cursor.items();
  if (items.empty()) cursor.error("at least one place of the token is needed");
  for (const Cursor& item : items) {
    if (auto source = read_token_source(item)) jwt.token.push_back(*std::move(source));
  }
}

void read_keys(const Cursor& cursor, JwtAuthenticator& jwt) {
  if (!cursor.is_list()) {
    cursor.error("expected a list of keys such as [{secret: {env: NAME}}]");
    return;
  }
  const auto items = cursor.items();
  if (items.empty()) cursor.error("at least one key is needed");
  if (items.size() > kKeysMax) cursor.error(fmt::format("at most {} keys are allowed", kKeysMax));
  for (const Cursor& item : items) {
    if (auto key = read_key(item)) jwt.keys.push_back(*std::move(key));
  }
}

void read_algorithms(const Cursor& cursor, JwtAuthenticator& jwt) {
  const auto items = cursor.items();
  if (cursor.is_list() && items.empty()) cursor.error("at least one algorithm is needed");
  for (const Cursor& item : items) {
    if (auto name = item.located_text()) jwt.algorithms.push_back(*std::move(name));
  }
}

void read_require_claims(const Cursor& cursor, JwtAuthenticator& jwt) {
  jwt.require_claims.clear();
  for (const Cursor& item : cursor.items()) {
    if (auto name = item.text()) jwt.require_claims.push_back(*std::move(name));
  }
  const auto& names = jwt.require_claims;
  if (cursor.is_list() && std::find(names.begin(), names.end(), "exp") == names.end()) {
    cursor.warning("this list replaces the default [exp], so tokens that never expire are accepted");
  }
}

void read_verified_cache(const Cursor& cursor, VerifiedCache& cache) {
  Block block(cursor);
  if (const auto at = block.find("max_entries")) assign(cache.max_entries, at->number(0, kCachedEntriesMax));
  if (const auto at = block.find("max_bytes")) {
    const bool is_none = at->word() == "0";  // which needs no unit
    assign(cache.max_bytes, is_none ? std::uint64_t{0} : at->size(0, kCachedBytesMax));
  }
  block.finish();
}

void read_jwt(const Cursor& cursor, JwtAuthenticator& jwt) {
  Block block(cursor);
  if (const auto at =
          block.require("token", "where it stands, such as [{cookie: access_token}, {bearer: Authorization}]")) {
    read_token(*at, jwt);
  }
  if (const auto at = block.require("keys", "a list such as [{secret: {env: NAME}}]")) read_keys(*at, jwt);
  if (const auto at = block.require("algorithms", "a list such as [HS256]")) read_algorithms(*at, jwt);
  if (const auto at = block.find("issuer")) assign(jwt.issuer, at->text());
  if (const auto at = block.find("audience")) {
    for (const Cursor& item : at->one_or_more()) {
      if (auto name = item.text()) jwt.audience.push_back(*std::move(name));
    }
  }
  if (const auto at = block.find("type")) assign(jwt.type, at->text());
  if (const auto at = block.find("leeway")) assign(jwt.leeway, at->whole_seconds(seconds(0), hours(1)));
  if (const auto at = block.find("max_age")) jwt.max_age = at->whole_seconds(seconds(1), hours(24 * 3660));
  if (const auto at = block.find("require_claims")) read_require_claims(*at, jwt);
  if (const auto at = block.find("subject")) assign(jwt.subject, at->text());
  if (const auto at = block.find("roles")) assign(jwt.roles, at->text());
  if (const auto at = block.find("verified_cache")) read_verified_cache(*at, jwt.verified_cache);
  block.finish();
}

Authenticator read_authenticator(const NamedValue& entry) {
  Authenticator authenticator;
  authenticator.name = entry.name;
  authenticator.where = entry.where;
  if (entry.name == "none" || entry.name == "optional") {
    entry.value.context().diagnostics.error(
        entry.where, fmt::format("\"{}\" is a word of authenticate; choose another name", entry.name));
  }
  Block block(entry.value);
  const auto jwt = block.find("jwt");
  const bool is_later =
      block.not_yet({"remote", "introspection", "api_key", "basic", "hmac", "client_certificate", "oidc", "ldap"});
  if (jwt && is_later) entry.value.error("an authenticator is of exactly one kind; give each kind its own name");
  if (!jwt && !is_later && entry.value.is_map()) entry.value.error("an authenticator needs its kind: \"jwt\"");
  if (jwt) read_jwt(*jwt, authenticator.jwt);
  block.finish();
  return authenticator;
}

}  // namespace

std::string_view name_of(Key::Form form) noexcept {
  switch (form) {
    case Key::Form::Pem:
      return "pem_file";
    case Key::Form::Jwk:
      return "jwk_file";
    case Key::Form::JwkSet:
      return "jwks_file";
    case Key::Form::Secret:
      break;
  }
  return "secret";
}

void read_authenticators(Block& top, Config& config) {
  const auto cursor = top.find("authenticators");
  if (!cursor) return;
  for (const NamedValue& entry : read_names(*cursor, kAuthenticatorsMax)) {
    config.authenticators.push_back(read_authenticator(entry));
  }
}

}  // namespace sidegate::config
