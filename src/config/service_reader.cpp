#include "service_reader.hpp"

#include "endpoint_reader.hpp"
#include "header_name.hpp"
#include "readers.hpp"
#include "secret_reader.hpp"
#include "token_source_reader.hpp"

#include <sidegate/config/address.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

/// Those who are asked while a request waits.
namespace sidegate::config {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kUserInfoMax = 64;
constexpr std::string_view kTokenHint = "where it stands, such as [{cookie: access_token}, {bearer: Authorization}]";
constexpr std::string_view kPlaceholder = "{subject}";

std::vector<std::string> read_names_of_members(const Cursor& cursor) {
  std::vector<std::string> names;
  for (const Cursor& item : cursor.one_or_more()) {
    if (auto name = item.text()) names.push_back(*std::move(name));
  }
  return names;
}

/// One of the ways in which the caller's own token is sent on.
SendAs read_send_as(const Cursor& cursor, bool takes_form) {
  struct Word {
    std::string_view word;
    SendAs::Kind kind;
    std::string_view what;
  };
  static constexpr std::array<Word, 3> kWords{{{"cookie", SendAs::Kind::Cookie, "the name of a cookie"},
                                               {"bearer", SendAs::Kind::Bearer, "the name of a header"},
                                               {"form", SendAs::Kind::Form, "the name of a field of a form"}}};
  const std::string forms =
      fmt::format("one of {{cookie: NAME}}{} and {{bearer: Authorization}}", takes_form ? ", {form: FIELD}" : "");
  if (!cursor.is_map()) {
    cursor.error_unlike(forms);
    return {};
  }
  Block block(cursor);
  std::vector<SendAs> given;
  for (const Word& word : kWords) {
    if (word.kind == SendAs::Kind::Form && !takes_form) continue;
    const auto at = block.find(word.word);
    if (!at) continue;
    SendAs& send_as = given.emplace_back(SendAs{word.kind, {}});
    assign(send_as.name, read_field_name(*at, word.what));
    if (word.kind == SendAs::Kind::Bearer && !send_as.name.empty() && send_as.name != "Authorization") {
      at->error("a bearer token is sent in the field Authorization");
    }
  }
  block.finish();
  if (given.size() == 1) return given.front();
  cursor.error("expected " + forms);
  return {};
}

bool stands_in_authorization(const OwnCredential& credential) {
  using Kind = OwnCredential::Kind;
  if (credential.kind == Kind::ApiKey) return canonical_header(credential.name) == "authorization";
  return credential.kind != Kind::None;
}

std::vector<Located<std::string>> read_for(Block& block) {
  std::vector<Located<std::string>> names;
  const auto at = block.require("for", "a list of authenticators");
  if (!at) return names;
  const auto items = at->items();
  if (at->is_list() && items.empty()) at->error("at least one authenticator is needed");
  for (const Cursor& item : items) {
    if (auto name = item.located_text()) names.push_back(*std::move(name));
  }
  return names;
}

void read_members(const Cursor& cursor, TokenService& service) {
  Block block(cursor);
  if (const auto at = block.find("exp")) assign(service.expiry, at->text());
  if (const auto at = block.find("subject")) service.subject = read_names_of_members(*at);
  block.finish();
}

ClientAuthentication read_client(const Cursor& cursor) {
  using Method = ClientAuthentication::Method;
  ClientAuthentication client;
  Block block(cursor);
  const auto auth = block.find("auth");
  if (auth) {
    if (const auto word = auth->one_of({"basic", "form", "bearer", "private_key_jwt"})) {
      client.method = *word == "basic"    ? Method::Basic
                      : *word == "form"   ? Method::Form
                      : *word == "bearer" ? Method::Bearer
                                          : Method::PrivateKeyJwt;
    }
  }
  const auto id = client.method == Method::Bearer ? block.find("id") : block.require("id", "the client's id");
  if (id) assign(client.id, id->text());
  const bool has_key = client.method == Method::PrivateKeyJwt;
  const auto other = block.find(has_key ? "secret" : "key_file");
  if (other) {
    other->error(has_key ? "with private_key_jwt the client has a key_file, and no secret"
                         : "a key_file is for auth: private_key_jwt");
  } else if (has_key) {
    if (const auto at = block.require("key_file", "the client's private key, as a JWK or PEM")) {
      assign(client.secret, read_key_file(*at));
    }
  } else if (const auto at = block.require("secret", "a secret")) {
    assign(client.secret, read_secret(*at));
  }
  block.finish();
  return client;
}

void check_place_of_subject(const Cursor& cursor, const std::string& url) {
  const auto place = url.find(kPlaceholder);
  const auto path_end = url.find('?');
  const bool is_once = place != std::string::npos && url.find(kPlaceholder, place + 1) == std::string::npos;
  const bool is_segment = is_once && place > 0 && url[place - 1] == '/' && place < path_end &&
                          (place + kPlaceholder.size() == url.size() ||
                           std::string_view("/?").find(url[place + kPlaceholder.size()]) != std::string_view::npos);
  if (!is_segment) cursor.error("the URL holds {subject} once, as a segment of its path");
}

UserInfo read_user_info(const NamedValue& entry) {
  UserInfo info;
  info.name = entry.name;
  info.where = entry.where;
  info.cache = {.ttl = seconds(60), .stale_if_error = minutes(10)};
  Block block(entry.value);
  info.authenticators = read_for(block);
  info.endpoint = read_endpoint(block, "such as https://auth.example/users/{subject}/");
  if (const auto at = block.find("url"); at && !info.endpoint.url.empty())
    check_place_of_subject(*at, info.endpoint.url);
  const auto batch = block.find("batch_url");
  if (batch) {
    info.batch_url = read_service_url(*batch, info.endpoint.allow_http);
    const auto single = parse_http_url(info.endpoint.url);
    const auto several = parse_http_url(info.batch_url);
    if (single && several && (single->encrypted != several->encrypted || single->address != several->address)) {
      batch->error("\"url\" and \"batch_url\" are of the same service: scheme, host and port");
    }
    if (info.batch_url.find(kPlaceholder) != std::string::npos) {
      batch->error("subjects stand in the body of a batch, not in its URL");
    }
  }
  const auto credential = block.find("credential");
  const auto send_as = block.find("send_as");
  if (credential) info.endpoint.credential = read_own_credential(*credential);
  if (send_as) info.send_as = read_send_as(*send_as, false);
  if (credential.has_value() == send_as.has_value()) {
    entry.value.error(
        "user information is asked for with either \"credential\", Sidegate's own, or \"send_as\", the caller's");
  } else if (batch && send_as) {
    batch->error("a batch is about several callers, so it needs \"credential\"");
  }
  if (const auto at = block.find("cache")) read_lifetimes(*at, info.cache);
  if (const auto at = block.find("on_error")) {
    if (const auto word = at->one_of({"continue", "deny"})) info.deny_on_error = *word == "deny";
  }
  block.finish();
  return info;
}

}  // namespace

TokenService read_remote(const Cursor& cursor) {
  TokenService service;
  service.cache.stale_if_error = minutes(10);
  Block block(cursor);
  if (const auto at = block.require("token", kTokenHint)) service.token = read_token_sources(*at);
  service.endpoint = read_endpoint(block, "where the Auth Service validates tokens");
  service.send_as = {SendAs::Kind::Bearer, "Authorization"};
  if (const auto at = block.find("send_as")) service.send_as = read_send_as(*at, true);
  if (const auto at = block.find("credential")) {
    service.endpoint.credential = read_own_credential(*at);
    if (stands_in_authorization(service.endpoint.credential) && service.send_as.kind == SendAs::Kind::Bearer) {
      at->error("the caller's token stands in Authorization already; use an api_key, or another send_as");
    }
  }
  if (const auto at = block.find("subject")) {
    assign(service.token_subject, at->text());
    service.subject = {service.token_subject};
  }
  if (const auto at = block.find("claims")) read_members(*at, service);
  if (const auto at = block.find("roles")) assign(service.roles, at->text());
  if (const auto at = block.find("cache")) read_lifetimes(*at, service.cache);
  block.finish();
  return service;
}

TokenService read_introspection(const Cursor& cursor) {
  TokenService service;
  service.subject = {"sub", "username", "client_id"};
  Block block(cursor);
  if (const auto at = block.require("token", kTokenHint)) service.token = read_token_sources(*at);
  service.endpoint = read_endpoint(block, "the introspection endpoint");
  if (const auto at = block.require("client", "such as {id: sidegate, secret: {env: NAME}, auth: basic}")) {
    service.client = read_client(*at);
  }
  if (const auto at = block.find("subject")) service.subject = read_names_of_members(*at);
  if (const auto at = block.find("audience")) service.audience = read_names_of_members(*at);
  if (const auto at = block.find("roles")) assign(service.roles, at->text());
  if (const auto at = block.find("cache")) read_lifetimes(*at, service.cache);
  block.finish();
  return service;
}

void read_user_info(Block& top, Config& config) {
  const auto cursor = top.find("user_info");
  if (!cursor) return;
  for (const NamedValue& entry : read_names(*cursor, kUserInfoMax)) config.user_info.push_back(read_user_info(entry));
}

void read_session_refresh(Block& top, Config& config) {
  const auto cursor = top.find("session_refresh");
  if (!cursor) return;
  SessionRefresh refresh;
  refresh.where = cursor->where();
  Block block(*cursor);
  refresh.authenticators = read_for(block);
  if (const auto at = block.find("cookie")) assign(refresh.cookie, read_field_name(*at, "the name of a cookie"));
  if (const auto at = block.find("refresh_cookie")) {
    assign(refresh.refresh_cookie, read_field_name(*at, "the name of a cookie"));
  }
  if (refresh.cookie == refresh.refresh_cookie) {
    cursor->error("\"cookie\" and \"refresh_cookie\" are two cookies");
  }
  refresh.endpoint = read_endpoint(block, "where the Auth Service gives new tokens");
  if (const auto at = block.find("credential")) refresh.endpoint.credential = read_own_credential(*at);
  if (const auto at = block.find("threshold")) {
    assign(refresh.threshold, at->whole_seconds(seconds(1), std::chrono::hours(24)));
  }
  block.finish();
  config.session_refresh = std::move(refresh);
}

}  // namespace sidegate::config
