#include "readers.hpp"
#include "secret_reader.hpp"
#include "service_reader.hpp"
#include "token_source_reader.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/config/address.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace sidegate::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kAuthenticatorsMax = 256;
constexpr std::size_t kKeysMax = 64;
constexpr milliseconds kIntervalMin{10};
constexpr std::uint64_t kCachedEntriesMax = 100'000'000;
constexpr std::uint64_t kCachedBytesMax = std::uint64_t{1} << 40U;

/// A form that a key can be given in, by its word in the file.
struct FormWord {
  std::string_view word;
  Key::Form form;
  Issuer::Kind kind = Issuer::Kind::JwksUrl;
};

constexpr std::array<FormWord, 6> kFormWords{{{"secret", Key::Form::Secret},
                                              {"pem_file", Key::Form::Pem},
                                              {"jwk_file", Key::Form::Jwk},
                                              {"jwks_file", Key::Form::JwkSet},
                                              {"jwks_url", Key::Form::Issuer, Issuer::Kind::JwksUrl},
                                              {"oidc_issuer", Key::Form::Issuer, Issuer::Kind::OidcIssuer}}};

struct GivenForm {
  FormWord word;
  Cursor value;
};

/// The one of its forms that a key is given in.
std::optional<GivenForm> read_form(Block& block) {
  std::vector<GivenForm> given;
  for (const FormWord& word : kFormWords) {
    if (const auto at = block.find(word.word)) given.push_back({word, *at});
  }
  if (given.size() == 1) return given.front();
  block.cursor().error("a key is one of secret, pem_file, jwk_file, jwks_file, jwks_url and oidc_issuer");
  return std::nullopt;
}

/// The URL of an issuer, which must be one that nobody on the way can answer for.
void read_issuer_url(const Cursor& cursor, Issuer& issuer) {
  const auto url = cursor.parsed(&parse_http_url);
  if (!url) return;
  issuer.url = cursor.word();
  if (url->rest.find('#') != std::string::npos) return cursor.error("a URL that is asked for has no fragment (#)");
  if (issuer.kind == Issuer::Kind::OidcIssuer && url->rest.find('?') != std::string::npos) {
    return cursor.error("the URL of an issuer has no query");
  }
  if (!url->encrypted && !is_local(url->address) && !issuer.allow_http) {
    cursor.error("keys are fetched by https; http is for this machine, or with allow_http: true beside the URL");
  }
}

Issuer read_issuer(Block& block, const GivenForm& given) {
  Issuer issuer;
  issuer.kind = given.word.kind;
  issuer.where = given.value.where();
  if (const auto at = block.find("allow_http")) assign(issuer.allow_http, at->boolean());
  read_issuer_url(given.value, issuer);
  if (const auto at = block.find("refresh")) assign(issuer.refresh, at->duration(kIntervalMin, hours(24)));
  if (const auto at = block.find("cooldown")) assign(issuer.cooldown, at->duration(kIntervalMin, hours(24)));
  if (issuer.refresh < issuer.cooldown) {
    block.cursor().error("\"refresh\" cannot be shorter than \"cooldown\", which lies between any two fetches");
  }
  if (const auto at = block.find("ca")) issuer.ca = read_key_file(*at);
  return issuer;
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
    key.form = given->word.form;
    if (key.form == Key::Form::Issuer) {
      key.issuer = read_issuer(block, *given);
    } else {
      assign(key.secret, key.form == Key::Form::Secret ? read_secret(given->value) : read_key_file(given->value));
    }
  }
  if (const auto at = block.find("until")) key.until = at->time();
  if (const auto at = block.find("allow_weak")) {
    assign(key.allow_weak, at->boolean());
    if (key.form == Key::Form::Pem) at->error("allow_weak is for secrets; a PEM holds none");
    if (key.form == Key::Form::Issuer) at->error("allow_weak is for secrets; an issuer publishes none");
  }
  block.finish();
  if (!given) return std::nullopt;
  return key;
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
    jwt.token = read_token_sources(*at);
  }
  if (const auto at = block.require("keys", "a list such as [{secret: {env: NAME}}]")) read_keys(*at, jwt);
  if (const auto at = block.require("algorithms", "a list such as [HS256]")) read_algorithms(*at, jwt);
  const auto issuer = block.find("issuer");
  if (issuer) assign(jwt.issuer, issuer->text());
  const auto audience = block.find("audience");
  if (audience) {
    for (const Cursor& item : audience->one_or_more()) {
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
  // Whoever publishes keys publishes them for all of its tokens, whomever these are for.
  const auto is_published = [](const Key& key) { return key.form == Key::Form::Issuer; };
  if (std::none_of(jwt.keys.begin(), jwt.keys.end(), is_published)) return;
  if (!issuer) cursor.error("with jwks_url and oidc_issuer, \"issuer\" says whose tokens are accepted");
  if (!audience) {
    cursor.error("with jwks_url and oidc_issuer, \"audience\" says that tokens must be meant for this service");
  }
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
  const auto remote = block.find("remote");
  const auto introspection = block.find("introspection");
  const bool is_later = block.not_yet({"api_key", "basic", "hmac", "client_certificate", "oidc", "ldap"});
  const int kinds = int{jwt.has_value()} + int{remote.has_value()} + int{introspection.has_value()} + int{is_later};
  if (kinds > 1) entry.value.error("an authenticator is of exactly one kind; give each kind its own name");
  if (kinds == 0 && entry.value.is_map()) {
    entry.value.error("an authenticator needs its kind: \"jwt\", \"remote\" or \"introspection\"");
  }
  if (jwt) read_jwt(*jwt, authenticator.jwt);
  if (remote) {
    authenticator.kind = Authenticator::Kind::Remote;
    authenticator.service = read_remote(*remote);
  }
  if (introspection) {
    authenticator.kind = Authenticator::Kind::Introspection;
    authenticator.service = read_introspection(*introspection);
  }
  block.finish();
  return authenticator;
}

}  // namespace

std::string_view form_name(const Key& key) noexcept {
  const auto is_its = [&key](const FormWord& word) {
    return word.form == key.form && (!key.issuer || word.kind == key.issuer->kind);
  };
  return std::find_if(kFormWords.begin(), kFormWords.end(), is_its)->word;
}

void read_authenticators(Block& top, Config& config) {
  const auto cursor = top.find("authenticators");
  if (!cursor) return;
  for (const NamedValue& entry : read_names(*cursor, kAuthenticatorsMax)) {
    config.authenticators.push_back(read_authenticator(entry));
  }
}

}  // namespace sidegate::config
