#include "scalar.hpp"
#include "yaml_text.hpp"

#include <sidegate/config/config.hpp>
#include <sidegate/config/load.hpp>

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace sidegate::config {
namespace {

constexpr std::string_view kRedacted = "\"<redacted>\"";

/// Writes block YAML line by line. Blocks are opened and closed; an item's first line carries its dash.
class BlockWriter {
 public:
  void value(std::string_view key, std::string_view yaml) { line(fmt::format("{}: {}", key, yaml)); }
  void text(std::string_view key, std::string_view text) { value(key, yaml_scalar(text)); }
  void duration(std::string_view key, std::chrono::milliseconds duration) { value(key, duration_text(duration)); }
  void number(std::string_view key, std::uint64_t number) { value(key, std::to_string(number)); }
  /// A number of bytes of which 0 is a word of its own: no limit, or nothing at all.
  void size_or_zero(std::string_view key, std::uint64_t bytes) { value(key, bytes == 0 ? "0" : size_text(bytes)); }
  void boolean(std::string_view key, bool flag) { value(key, flag ? "true" : "false"); }

  void texts(std::string_view key, const std::vector<std::string>& all) {
    if (all.empty()) return value(key, "[]");
    open(key);
    for (const std::string& each : all) line(fmt::format("- {}", yaml_scalar(each)));
    close();
  }
  void texts(std::string_view key, const std::vector<Located<std::string>>& all) {
    std::vector<std::string> plain;
    plain.reserve(all.size());
    for (const auto& each : all) plain.push_back(each.value);
    texts(key, plain);
  }

  void open(std::string_view key) {
    line(fmt::format("{}:", key));
    ++depth_;
  }
  void close() { --depth_; }
  void open_item() {
    ++depth_;
    at_item_ = true;
  }
  void close_item() { --depth_; }

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view content) {
    out_.append(2 * (at_item_ ? depth_ - 1 : depth_), ' ');
    if (at_item_) out_ += "- ";
    at_item_ = false;
    out_ += content;
    out_ += '\n';
  }

  std::string out_;
  std::size_t depth_ = 0;
  bool at_item_ = false;
};

void write_listeners(BlockWriter& out, const Config& config) {
  out.open("listeners");
  for (const Listener& listener : config.listeners) {
    out.open(yaml_scalar(listener.name));
    out.text("address", listener.address.text());
    if (listener.address.kind == Address::Kind::Unix) out.value("mode", fmt::format("\"{:04o}\"", listener.mode));
    out.boolean("proxy_protocol", listener.proxy_protocol);
    std::vector<std::string> trusted;
    trusted.reserve(listener.trusted_proxies.size());
    for (const auto& range : listener.trusted_proxies) trusted.push_back(range.text());
    out.texts("trusted_proxies", trusted);
    out.close();
  }
  out.close();
  out.open("admin");
  out.text("address", config.admin.address.text());
  if (config.admin.token) out.value("token", kRedacted);
  out.close();
  if (!config.health) return;
  out.open("health");
  out.text("address", config.health->address.text());
  out.close();
}

void write_settings(BlockWriter& out, const Config& config) {
  out.duration("startup_timeout", config.startup_timeout);
  out.open("shutdown");
  out.duration("grace", config.shutdown.grace);
  out.duration("timeout", config.shutdown.timeout);
  out.close();
  out.open("limits");
  out.value("head", size_text(config.limits.head_bytes_max));
  out.number("headers", config.limits.fields_max);
  out.value("target", size_text(config.limits.target_bytes_max));
  out.value("token", size_text(config.limits.token_bytes_max));
  out.duration("head_timeout", config.limits.head_timeout);
  out.duration("keep_alive", config.limits.keep_alive_timeout);
  out.duration("idle", config.limits.idle_timeout);
  out.number("connections", config.limits.connections_max);
  out.size_or_zero("memory", config.limits.memory_bytes_max);
  out.close();
  out.open("log");
  out.text("level", config.log.level);
  out.text("format", config.log.format);
  out.text("path", config.log.path);
  out.close();
  out.open("access_log");
  out.text("path", config.access_log.path);
  out.boolean("query", config.access_log.query);
  out.close();
  if (config.revocations.file.empty()) return;
  out.open("revocations");
  out.text("file", config.revocations.file);
  out.close();
}

void write_upstreams(BlockWriter& out, const Config& config) {
  out.open("upstreams");
  for (const Upstream& upstream : config.upstreams) {
    out.open(yaml_scalar(upstream.name));
    std::vector<std::string> urls;
    urls.reserve(upstream.servers.size());
    for (const Server& server : upstream.servers) urls.push_back(server.url);
    out.texts("servers", urls);
    out.value("balance", "round_robin");
    out.duration("connect_timeout", upstream.connect_timeout);
    out.duration("response_timeout", upstream.response_timeout);
    out.duration("idle_timeout", upstream.idle_timeout);
    out.number("max_connections", upstream.max_connections);
    out.duration("resolve_interval", upstream.resolve_interval);
    out.close();
  }
  out.close();
}

void write_issuer(BlockWriter& out, std::string_view form, const Issuer& issuer) {
  const auto shown = issuer.shown_url();
  out.text(form, shown == issuer.url ? shown : shown + "?<redacted>");
  out.duration("refresh", issuer.refresh);
  out.duration("cooldown", issuer.cooldown);
  if (issuer.ca) out.text("ca", issuer.ca->name);
  out.boolean("allow_http", issuer.allow_http);
}

void write_keys(BlockWriter& out, const JwtAuthenticator& jwt) {
  out.open("keys");
  for (const Key& key : jwt.keys) {
    out.open_item();
    if (key.form == Key::Form::Secret) {
      out.value("secret", kRedacted);
    } else if (key.issuer) {
      write_issuer(out, form_name(key), *key.issuer);
    } else {
      out.text(form_name(key), key.secret.name);
    }
    if (key.until) out.value("until", yaml_quoted(time_text(*key.until)));
    if (key.form != Key::Form::Pem && !key.issuer) out.boolean("allow_weak", key.allow_weak);
    out.close_item();
  }
  out.close();
}

void write_token(BlockWriter& out, const std::vector<TokenSource>& sources) {
  out.open("token");
  for (const TokenSource& source : sources) {
    out.open_item();
    out.text(source.kind == TokenSource::Kind::Cookie ? "cookie" : "bearer", source.name);
    out.close_item();
  }
  out.close();
}

/// A URL without its query, which may hold what is nobody's business.
void write_url(BlockWriter& out, std::string_view key, const std::string& url) {
  const auto shown = url.substr(0, url.find('?'));
  out.text(key, shown == url ? shown : shown + "?<redacted>");
}

void write_own_credential(BlockWriter& out, const OwnCredential& credential) {
  using Kind = OwnCredential::Kind;
  if (credential.kind == Kind::None) return;
  out.open("credential");
  if (credential.kind == Kind::Bearer) {
    out.value("bearer", kRedacted);
  } else {
    const bool is_basic = credential.kind == Kind::Basic;
    out.open(is_basic ? "basic" : "api_key");
    out.text(is_basic ? "username" : "header", credential.name);
    out.value(is_basic ? "password" : "value", kRedacted);
    out.close();
  }
  out.close();
}

void write_tls(BlockWriter& out, const ClientTls& tls) {
  if (tls == ClientTls{}) return;
  out.open("tls");
  if (tls.ca) out.text("ca", tls.ca->name);
  if (!tls.server_name.empty()) out.text("server_name", tls.server_name);
  if (tls.certificate) out.text("certificate", tls.certificate->name);
  if (tls.private_key) out.text("private_key", tls.private_key->name);
  out.close();
}

/// Everything but the URL, which each kind has among its own.
void write_endpoint(BlockWriter& out, const Endpoint& endpoint) {
  out.boolean("allow_http", endpoint.allow_http);
  out.duration("timeout", endpoint.timeout);
  write_tls(out, endpoint.tls);
  const CircuitBreaker& breaker = endpoint.circuit_breaker;
  out.open("circuit_breaker");
  out.number("consecutive", breaker.consecutive);
  out.value("error_rate", fmt::format("\"{}%\"", breaker.error_rate_percent));
  out.number("of_at_least", breaker.of_at_least);
  out.duration("window", breaker.window);
  out.duration("open_for", breaker.open_for);
  out.close();
  write_own_credential(out, endpoint.credential);
}

void write_lifetimes(BlockWriter& out, const AnswerLifetimes& lifetimes) {
  out.open("cache");
  out.duration("ttl", lifetimes.ttl);
  out.duration("negative_ttl", lifetimes.negative_ttl);
  out.duration("stale_if_error", lifetimes.stale_if_error);
  out.number("max_entries", lifetimes.max_entries);
  out.close();
}

void write_send_as(BlockWriter& out, const SendAs& send_as) {
  if (send_as.kind == SendAs::Kind::None) return;
  out.open("send_as");
  out.text(send_as.kind == SendAs::Kind::Cookie   ? "cookie"
           : send_as.kind == SendAs::Kind::Bearer ? "bearer"
                                                  : "form",
           send_as.name);
  out.close();
}

void write_remote(BlockWriter& out, const TokenService& service) {
  out.open("remote");
  write_token(out, service.token);
  write_url(out, "url", service.endpoint.url);
  write_send_as(out, service.send_as);
  write_endpoint(out, service.endpoint);
  out.text("subject", service.token_subject);
  out.open("claims");
  out.text("exp", service.expiry);
  out.texts("subject", service.subject);
  out.close();
  out.text("roles", service.roles);
  write_lifetimes(out, service.cache);
  out.close();
}

void write_client(BlockWriter& out, const ClientAuthentication& client) {
  using Method = ClientAuthentication::Method;
  out.open("client");
  if (!client.id.empty()) out.text("id", client.id);
  if (client.method == Method::PrivateKeyJwt) {
    out.text("key_file", client.secret.name);
  } else {
    out.value("secret", kRedacted);
  }
  out.text("auth", client.method == Method::Basic    ? "basic"
                   : client.method == Method::Form   ? "form"
                   : client.method == Method::Bearer ? "bearer"
                                                     : "private_key_jwt");
  out.close();
}

void write_introspection(BlockWriter& out, const TokenService& service) {
  out.open("introspection");
  write_token(out, service.token);
  write_url(out, "url", service.endpoint.url);
  write_client(out, service.client);
  write_endpoint(out, service.endpoint);
  out.texts("subject", service.subject);
  if (!service.audience.empty()) out.texts("audience", service.audience);
  out.text("roles", service.roles);
  write_lifetimes(out, service.cache);
  out.close();
}

void write_user_info(BlockWriter& out, const std::vector<UserInfo>& all) {
  if (all.empty()) return;
  out.open("user_info");
  for (const UserInfo& info : all) {
    out.open(yaml_scalar(info.name));
    out.texts("for", info.authenticators);
    write_url(out, "url", info.endpoint.url);
    if (!info.batch_url.empty()) write_url(out, "batch_url", info.batch_url);
    write_send_as(out, info.send_as);
    write_endpoint(out, info.endpoint);
    write_lifetimes(out, info.cache);
    out.value("on_error", info.deny_on_error ? "deny" : "continue");
    out.close();
  }
  out.close();
}

void write_session_refresh(BlockWriter& out, const std::optional<SessionRefresh>& refresh) {
  if (!refresh) return;
  out.open("session_refresh");
  out.texts("for", refresh->authenticators);
  out.text("cookie", refresh->cookie);
  out.text("refresh_cookie", refresh->refresh_cookie);
  write_url(out, "url", refresh->endpoint.url);
  out.duration("threshold", refresh->threshold);
  write_endpoint(out, refresh->endpoint);
  out.close();
}

void write_jwt(BlockWriter& out, const JwtAuthenticator& jwt) {
  out.open("jwt");
  write_token(out, jwt.token);
  write_keys(out, jwt);
  out.texts("algorithms", jwt.algorithms);
  if (!jwt.issuer.empty()) out.text("issuer", jwt.issuer);
  if (!jwt.audience.empty()) out.texts("audience", jwt.audience);
  if (!jwt.type.empty()) out.text("type", jwt.type);
  out.duration("leeway", jwt.leeway);
  if (jwt.max_age) out.duration("max_age", *jwt.max_age);
  out.texts("require_claims", jwt.require_claims);
  out.text("subject", jwt.subject);
  out.text("roles", jwt.roles);
  out.open("verified_cache");
  out.number("max_entries", jwt.verified_cache.max_entries);
  out.size_or_zero("max_bytes", jwt.verified_cache.max_bytes);
  out.close();
  out.close();
}

void write_inject(BlockWriter& out, const std::vector<InjectedHeader>& headers) {
  if (headers.empty()) return;
  out.open("inject");
  for (const InjectedHeader& header : headers)
    out.value(yaml_scalar(header.name.value), yaml_quoted(header.value.value));
  out.close();
}

void write_authenticate(BlockWriter& out, const Route& route) {
  switch (route.authenticate) {
    case Route::Authenticate::None:
      return out.value("authenticate", "none");
    case Route::Authenticate::Optional:
      return out.value("authenticate", "optional");
    case Route::Authenticate::Required:
      return out.texts("authenticate", route.authenticators);
  }
}

void write_rewrite(BlockWriter& out, const Rewrite& rewrite) {
  if (!rewrite.strip_prefix && !rewrite.prefix && !rewrite.host) return;
  out.open("rewrite");
  if (rewrite.strip_prefix) out.text("strip_prefix", rewrite.strip_prefix->value);
  if (rewrite.prefix) out.text("prefix", rewrite.prefix->value);
  if (rewrite.host) out.text("host", rewrite.host->value);
  out.close();
}

void write_route(BlockWriter& out, const Route& route) {
  out.open_item();
  out.text("name", route.name);
  if (route.listener) out.text("listener", route.listener->value);
  if (!route.hosts.empty()) out.texts("host", route.hosts);
  out.texts("path", route.paths);
  if (!route.methods.empty()) out.texts("methods", route.methods);
  write_authenticate(out, route);
  if (route.user_info) out.text("user_info", route.user_info->value);
  out.text("upstream", route.upstream.value);
  write_inject(out, route.inject);
  write_rewrite(out, route.rewrite);
  if (route.timeout) out.duration("timeout", *route.timeout);
  if (route.max_body_bytes) out.value("max_body", size_text(*route.max_body_bytes));
  out.value("retry", "false");
  out.boolean("forward_credential", route.forward_credential);
  out.boolean("close_at_expiry", route.close_at_expiry);
  out.text("csrf", route.check_cross_site ? "on-cookie" : "none");
  out.value("encoded_slash", route.keep_encoded_slash ? "keep" : "reject");
  out.value("path_parameters", route.keep_path_parameters ? "keep" : "reject");
  out.value("shadow", "false");
  out.close_item();
}

}  // namespace

std::string to_yaml(const Config& config) {
  BlockWriter out;
  out.value("version", "1");
  out.number("workers", config.workers);
  write_listeners(out, config);
  write_settings(out, config);
  out.boolean("watch", config.watch);
  write_upstreams(out, config);
  if (!config.authenticators.empty()) {
    out.open("authenticators");
    for (const Authenticator& authenticator : config.authenticators) {
      out.open(yaml_scalar(authenticator.name));
      switch (authenticator.kind) {
        case Authenticator::Kind::Jwt:
          write_jwt(out, authenticator.jwt);
          break;
        case Authenticator::Kind::Remote:
          write_remote(out, authenticator.service);
          break;
        case Authenticator::Kind::Introspection:
          write_introspection(out, authenticator.service);
          break;
      }
      out.close();
    }
    out.close();
  }
  write_user_info(out, config.user_info);
  write_session_refresh(out, config.session_refresh);
  write_inject(out, config.inject);
  out.texts("strip", config.strip);
  out.open("routes");
  for (const Route& route : config.routes) write_route(out, route);
  out.close();
  return out.take();
}

}  // namespace sidegate::config
