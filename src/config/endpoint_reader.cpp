#include "endpoint_reader.hpp"

#include "header_name.hpp"
#include "secret_reader.hpp"
#include "token_source_reader.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/config/address.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace sidegate::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::uint64_t kEntriesMax = 100'000'000;
constexpr std::uint64_t kFailuresMax = 1'000'000;

std::optional<unsigned> read_percentage(const Cursor& cursor) {
  const auto text = cursor.text();
  if (!text) return std::nullopt;
  const auto number =
      text->ends_with('%') ? base::parse_decimal(std::string_view(*text).substr(0, text->size() - 1)) : std::nullopt;
  if (number && *number >= 1 && *number <= 100) return static_cast<unsigned>(*number);
  cursor.error_unlike("a share from 1% to 100%");
  return std::nullopt;
}

void read_circuit_breaker(const Cursor& cursor, CircuitBreaker& breaker) {
  Block block(cursor);
  if (const auto at = block.find("consecutive")) assign(breaker.consecutive, at->number(1, kFailuresMax));
  if (const auto at = block.find("error_rate")) assign(breaker.error_rate_percent, read_percentage(*at));
  if (const auto at = block.find("of_at_least")) assign(breaker.of_at_least, at->number(1, kFailuresMax));
  if (const auto at = block.find("window")) assign(breaker.window, at->duration(milliseconds(10), hours(1)));
  if (const auto at = block.find("open_for")) assign(breaker.open_for, at->duration(milliseconds(10), hours(1)));
  block.finish();
}

void read_tls(const Cursor& cursor, ClientTls& tls) {
  Block block(cursor);
  if (const auto at = block.find("ca")) tls.ca = read_key_file(*at);
  if (const auto at = block.find("server_name")) assign(tls.server_name, at->text());
  const auto certificate = block.find("certificate");
  const auto private_key = block.find("private_key");
  if (certificate) tls.certificate = read_key_file(*certificate);
  if (private_key) tls.private_key = read_key_file(*private_key);
  block.finish();
  if (certificate.has_value() != private_key.has_value()) {
    cursor.error("a certificate and its private_key are given together");
  }
}

/// One that stands in a header as it is.
std::optional<SecretReference> read_header_secret(const Cursor& cursor) {
  auto reference = read_secret(cursor);
  if (!reference) return std::nullopt;
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  const std::string_view secret = reference->secret.reveal();
  if (std::all_of(secret.begin(), secret.end(), is_visible)) return reference;
  cursor.error("the secret holds what no header can: a space, a line end or the like");
  return std::nullopt;
}

OwnCredential read_api_key(const Cursor& cursor) {
  OwnCredential credential{.kind = OwnCredential::Kind::ApiKey, .name = {}, .secret = {}};
  Block block(cursor);
  if (const auto at = block.require("header", "such as X-API-Key")) {
    assign(credential.name, read_field_name(*at, "the name of a header"));
    if (!credential.name.empty() && why_not_injected(credential.name)) {
      at->error(fmt::format("{} means something else; an API key has a header of its own, such as X-API-Key",
                            credential.name));
    }
  }
  if (const auto at = block.require("value", "a secret")) assign(credential.secret, read_header_secret(*at));
  block.finish();
  return credential;
}

OwnCredential read_basic(const Cursor& cursor) {
  OwnCredential credential{.kind = OwnCredential::Kind::Basic, .name = {}, .secret = {}};
  Block block(cursor);
  if (const auto at = block.require("username")) assign(credential.name, at->text());
  if (const auto at = block.require("password", "a secret")) assign(credential.secret, read_secret(*at));
  block.finish();
  // RFC 7617 section 2: the first colon ends it.
  if (credential.name.find(':') != std::string::npos) cursor.error("a user name has no colon");
  return credential;
}

}  // namespace

std::string read_service_url(const Cursor& cursor, bool allow_http) {
  const auto url = cursor.parsed(&parse_http_url);
  if (!url) return {};
  if (url->rest.find('#') != std::string::npos) cursor.error("a URL that is asked for has no fragment (#)");
  if (!url->encrypted && !is_local(url->address) && !allow_http) {
    cursor.error("tokens are sent there by https; http is for this machine, or with allow_http: true beside the URL");
  }
  return std::string(cursor.word());
}

Endpoint read_endpoint(Block& block, std::string_view url_hint) {
  Endpoint endpoint;
  endpoint.where = block.cursor().where();
  if (const auto at = block.find("allow_http")) assign(endpoint.allow_http, at->boolean());
  if (const auto at = block.require("url", url_hint)) {
    endpoint.where = at->where();
    endpoint.url = read_service_url(*at, endpoint.allow_http);
  }
  if (const auto at = block.find("timeout")) assign(endpoint.timeout, at->duration(milliseconds(10), minutes(5)));
  if (const auto at = block.find("tls")) read_tls(*at, endpoint.tls);
  if (const auto at = block.find("circuit_breaker")) read_circuit_breaker(*at, endpoint.circuit_breaker);
  return endpoint;
}

OwnCredential read_own_credential(const Cursor& cursor) {
  if (!cursor.is_map()) {
    // It may be a secret, which error_unlike would show.
    cursor.error("expected a credential such as {api_key: {header: X-API-Key, value: {env: NAME}}}");
    return {};
  }
  Block block(cursor);
  const auto api_key = block.find("api_key");
  const auto bearer = block.find("bearer");
  const auto basic = block.find("basic");
  const bool is_later = block.not_yet({"hmac", "client_credentials"});
  block.finish();
  const int given = int{api_key.has_value()} + int{bearer.has_value()} + int{basic.has_value()};
  if (given != 1) {
    if (!is_later) cursor.error("a credential is one of api_key, bearer and basic");
    return {};
  }
  if (api_key) return read_api_key(*api_key);
  if (basic) return read_basic(*basic);
  OwnCredential credential{.kind = OwnCredential::Kind::Bearer, .name = {}, .secret = {}};
  assign(credential.secret, read_header_secret(*bearer));
  return credential;
}

void read_lifetimes(const Cursor& cursor, AnswerLifetimes& lifetimes) {
  Block block(cursor);
  const auto read = [&block](std::string_view key, milliseconds& lifetime) {
    if (const auto at = block.find(key)) assign(lifetime, at->duration(milliseconds(0), hours(24)));
  };
  read("ttl", lifetimes.ttl);
  read("negative_ttl", lifetimes.negative_ttl);
  read("stale_if_error", lifetimes.stale_if_error);
  if (const auto at = block.find("max_entries")) assign(lifetimes.max_entries, at->number(0, kEntriesMax));
  block.finish();
}

}  // namespace sidegate::config
