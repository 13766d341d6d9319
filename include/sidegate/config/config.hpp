#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/ip_address.hpp>
#include <sidegate/base/limits.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/config/diagnostics.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The configuration as plain values, in the words of the YAML file. It is made once by `load`, never changed after,
/// and holds nothing compiled: each room compiles its own part (patterns, keys, templates).
namespace sidegate::config {

/// Where to listen or connect.
struct Address {
  enum class Kind { Tcp, Unix };
  Kind kind = Kind::Tcp;
  std::string host;        ///< a name or an IP literal without brackets; empty for unix
  std::uint16_t port = 0;  ///< 0 lets the system choose
  std::string path;        ///< of a unix socket

  /// `host:port`, `[v6]:port` or `unix:/path`.
  std::string text() const;

  bool operator==(const Address&) const = default;
};

/// A secret with where it came from. The secret itself is never printed.
struct SecretReference {
  enum class Kind { Plain, Environment, File };
  Kind kind = Kind::Plain;
  std::string name;     ///< of the variable, or the absolute path of the file; empty for a plain string
  base::Secret secret;  ///< what it held when the configuration was loaded
  Location where;

  /// Where the secret comes from, in words that may be shown: `env NAME`, `file PATH` or `text`.
  std::string source() const;

  bool operator==(const SecretReference&) const = default;
};

struct Listener {
  std::string name;
  Address address;
  unsigned mode = 0660;  ///< of a unix socket
  bool proxy_protocol = false;
  std::vector<base::IpRange> trusted_proxies{};  ///< only their X-Forwarded-* and PROXY headers are believed
  Location where;
};

struct Server {
  std::string url;  ///< as written; the `server` label of metrics
  Address address;
  Location where;

  bool operator==(const Server&) const = default;
};

struct Upstream {
  std::string name;
  std::vector<Server> servers;
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds response_timeout{30'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::size_t max_connections = 1024;  ///< per server and worker
  std::chrono::milliseconds resolve_interval{30'000};
  Location where;

  bool operator==(const Upstream&) const = default;
};

/// One place where a credential may stand.
struct TokenSource {
  enum class Kind { Cookie, Bearer };
  Kind kind = Kind::Cookie;
  std::string name;  ///< of the cookie, or of the header field
  Location where{};

  bool operator==(const TokenSource&) const = default;
};

/// Where an issuer publishes its keys, and how often it is asked for them.
struct Issuer {
  enum class Kind { JwksUrl, OidcIssuer };
  Kind kind = Kind::JwksUrl;
  std::string
      url;  ///< of the JWK Set, or the issuer's own (OpenID Connect Discovery 1.0 section 4); https unless local
  std::chrono::milliseconds refresh{600'000};  ///< from one fetch to the next at the latest
  std::chrono::milliseconds cooldown{10'000};  ///< from one fetch to the next at least
  std::optional<SecretReference> ca;           ///< a PEM file: who signs the issuer's certificate; none: the system's
  bool allow_http = false;                     ///< plain http to another machine
  Location where;

  /// The URL as it may be shown: without its query.
  std::string shown_url() const { return url.substr(0, url.find('?')); }
};

struct Key {
  enum class Form { Secret, Pem, Jwk, JwkSet, Issuer };
  SecretReference secret;               ///< the secret of an HMAC, or the file that holds the key
  std::optional<base::UnixTime> until;  ///< not used from this moment on
  bool allow_weak = false;              ///< a secret shorter than its hash is accepted
  Form form = Form::Secret;             ///< how the text is read
  std::optional<Issuer> issuer{};       ///< of Form::Issuer, which has no `secret`

  /// Where it stands in the configuration.
  const Location& where() const noexcept { return issuer ? issuer->where : secret.where; }
  /// Where it comes from, in words that may be shown.
  std::string source() const { return issuer ? issuer->shown_url() : secret.source(); }
};

/// The key of the configuration that it is written with: `secret`, `pem_file`, `jwk_file`, `jwks_file`, `jwks_url`,
/// `oidc_issuer`.
std::string_view form_name(const Key& key) noexcept;

/// What each worker may keep of the tokens that it has verified; nothing where one of the two is 0.
struct VerifiedCache {
  std::size_t max_entries = 65'536;
  std::size_t max_bytes = std::size_t{16} * 1024 * 1024;

  bool enabled() const noexcept { return max_entries != 0 && max_bytes != 0; }
};

struct JwtAuthenticator {
  std::vector<TokenSource> token;
  std::vector<Key> keys;
  std::vector<Located<std::string>> algorithms;
  std::string issuer;                 ///< empty: any
  std::vector<std::string> audience;  ///< empty: any
  std::string type;                   ///< expected `typ`; empty: any
  std::chrono::seconds leeway{0};
  std::optional<std::chrono::seconds> max_age;
  std::vector<std::string> require_claims{"exp"};
  std::string subject = "sub";
  std::string roles = "roles";
  VerifiedCache verified_cache;
};

/// What Sidegate shows of itself where it asks somebody.
struct OwnCredential {
  enum class Kind { None, ApiKey, Bearer, Basic };
  Kind kind = Kind::None;
  std::string name;        ///< the header of an API key, or the user name of Basic
  SecretReference secret;  ///< the key, the token or the password

  bool operator==(const OwnCredential&) const = default;
};

/// Whom to trust behind an https URL, and what to show of oneself.
struct ClientTls {
  std::optional<SecretReference> ca;           ///< a PEM file of those that are trusted; none: the system's
  std::string server_name;                     ///< in place of the URL's host, for SNI and the certificate
  std::optional<SecretReference> certificate;  ///< a PEM file, with the chain; together with `private_key`
  std::optional<SecretReference> private_key;

  bool operator==(const ClientTls&) const = default;
};

/// When somebody who fails is not asked for a while. Failures are counted by different questions.
struct CircuitBreaker {
  unsigned consecutive = 5;
  unsigned error_rate_percent = 50;
  unsigned of_at_least = 20;  ///< the rate counts from so many questions within the window on
  std::chrono::milliseconds window{10'000};
  std::chrono::milliseconds open_for{5'000};

  bool operator==(const CircuitBreaker&) const = default;
};

/// How long answers are used.
struct AnswerLifetimes {
  std::chrono::milliseconds ttl{30'000};
  std::chrono::milliseconds negative_ttl{5'000};
  std::chrono::milliseconds stale_if_error{0};
  std::size_t max_entries = 100'000;

  bool operator==(const AnswerLifetimes&) const = default;
};

/// Somebody who is asked over HTTP.
struct Endpoint {
  std::string url;  ///< https unless local or `allow_http`
  bool allow_http = false;
  std::chrono::milliseconds timeout{2'000};  ///< for one question, whatever it takes
  ClientTls tls;
  CircuitBreaker circuit_breaker;
  OwnCredential credential;
  Location where;

  /// The URL as it may be shown: without its query.
  std::string shown_url() const { return url.substr(0, url.find('?')); }

  bool operator==(const Endpoint&) const = default;
};

/// Where the caller's own token stands when it is sent on.
struct SendAs {
  enum class Kind { None, Cookie, Bearer, Form };
  Kind kind = Kind::None;
  std::string name;  ///< of the cookie, the header field, or the form's field

  bool operator==(const SendAs&) const = default;
};

/// How Sidegate proves to an introspection endpoint who it is (RFC 6749 section 2.3, RFC 7523 section 2.2).
struct ClientAuthentication {
  enum class Method { Basic, Form, Bearer, PrivateKeyJwt };
  Method method = Method::Basic;
  std::string id;
  SecretReference secret;  ///< the client's secret, the bearer token, or the file of its private key

  bool operator==(const ClientAuthentication&) const = default;
};

/// Somebody who says whether a token holds, and whose it is: `remote`, or `introspection` (RFC 7662).
struct TokenService {
  std::vector<TokenSource> token;
  Endpoint endpoint;
  SendAs send_as;                           ///< of `remote`
  ClientAuthentication client;              ///< of `introspection`
  std::string expiry = "exp";               ///< the member of the answer
  std::vector<std::string> subject{"sub"};  ///< members of the answer; the first that it has names the caller
  std::string token_subject = "sub";        ///< of `remote`: the claim of a token that the answer says nothing of
  std::string roles = "roles";
  std::vector<std::string> audience{};  ///< of `introspection`: the answer's `aud` names one of these; empty: any
  AnswerLifetimes cache{};

  bool operator==(const TokenService&) const = default;
};

struct Authenticator {
  enum class Kind { Jwt, Remote, Introspection };

  std::string name;
  JwtAuthenticator jwt{};  ///< of Kind::Jwt
  Location where{};
  Kind kind = Kind::Jwt;
  TokenService service{};  ///< of the other kinds

  /// Where its credential may stand.
  const std::vector<TokenSource>& token() const noexcept { return kind == Kind::Jwt ? jwt.token : service.token; }
};

/// Where to look up what is known of a caller.
struct UserInfo {
  std::string name;
  std::vector<Located<std::string>> authenticators;  ///< `for`: whose subjects it knows
  Endpoint endpoint;                                 ///< its URL holds `{subject}`
  std::string batch_url{};                           ///< empty: each subject is looked up by itself
  SendAs send_as{};                                  ///< the caller's own token, in place of `endpoint.credential`
  AnswerLifetimes cache{.ttl = std::chrono::milliseconds(60'000)};
  bool deny_on_error = false;
  Location where{};

  bool operator==(const UserInfo&) const = default;
};

/// How sessions of browsers are kept alive.
struct SessionRefresh {
  std::vector<Located<std::string>> authenticators;  ///< `for`
  std::string cookie = "access_token";
  std::string refresh_cookie = "refresh_token";
  Endpoint endpoint;
  std::chrono::seconds threshold{300};
  Location where{};

  bool operator==(const SessionRefresh&) const = default;
};

/// A header that is set on the forwarded request, and its template.
struct InjectedHeader {
  Located<std::string> name;
  Located<std::string> value;
};

/// How the target and the host of a forwarded request differ from those that were asked for.
struct Rewrite {
  std::optional<Located<std::string>> strip_prefix;  ///< whole segments, taken off first
  std::optional<Located<std::string>> prefix;        ///< put before what is left
  std::optional<Located<std::string>> host;          ///< the value of Host in place of the caller's
};

struct Route {
  enum class Authenticate { None, Optional, Required };

  std::string name;  ///< as given, or made from its place: `route-3`
  std::optional<Located<std::string>> listener;
  std::vector<Located<std::string>> paths;
  std::vector<Located<std::string>> hosts;    ///< empty: any
  std::vector<Located<std::string>> methods;  ///< empty: any
  Authenticate authenticate = Authenticate::Required;
  std::vector<Located<std::string>> authenticators;  ///< names, in the order they are tried; Optional has all there are
  Located<std::string> upstream;
  std::vector<InjectedHeader> inject;  ///< beside the global ones; the same name replaces them
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::uint64_t> max_body_bytes;
  bool forward_credential = true;
  bool close_at_expiry = true;
  bool check_cross_site = true;       ///< `csrf: on-cookie`
  bool keep_encoded_slash = false;    ///< `encoded_slash: keep`
  bool keep_path_parameters = false;  ///< `path_parameters: keep`
  Rewrite rewrite;
  std::optional<Located<std::string>> user_info;  ///< its name
  Location where;
};

/// The operators' side: the admin API.
struct Admin {
  Address address{Address::Kind::Tcp, "127.0.0.1", 9901, {}};
  std::optional<SecretReference> token;  ///< whoever asks must show it; off loopback there is one
  Location where;
};

/// Probes and scrapers.
struct Health {
  Address address;
  Location where;
};

struct Shutdown {
  std::chrono::milliseconds grace{5'000};
  std::chrono::milliseconds timeout{25'000};
};

struct Log {
  std::string level = "info";   ///< debug, info, warning, error
  std::string format = "json";  ///< json or text
  std::string path = "stderr";  ///< stderr, stdout or the absolute path of a file
  Location where{};             ///< of the path

  bool operator==(const Log&) const = default;
};

struct AccessLog {
  std::string path = "stdout";  ///< none, stdout, stderr or the absolute path of a file
  bool query = false;
  Location where{};  ///< of the path

  bool operator==(const AccessLog&) const = default;
};

/// Where revocations are kept.
struct Revocations {
  std::string file;  ///< its absolute path; empty: in memory only
  Location where{};  ///< of the file
};

struct Config {
  std::string file;      ///< where it was read; empty when made from the environment
  base::Secret text;     ///< what it was read from, which may hold plain secrets
  std::string folder;    ///< where relative file names start
  unsigned workers = 1;  ///< already resolved from the CPUs the process may use
  std::vector<Listener> listeners;
  Admin admin;
  std::optional<Health> health;
  std::chrono::milliseconds startup_timeout{30'000};  ///< ready without the keys of issuers after that
  Shutdown shutdown;
  base::Limits limits;
  Log log;
  AccessLog access_log;
  Revocations revocations;
  bool watch = false;  ///< reload when the file changes
  std::vector<Upstream> upstreams;
  std::vector<Authenticator> authenticators;
  std::vector<UserInfo> user_info;
  std::optional<SessionRefresh> session_refresh;
  std::vector<InjectedHeader> inject;
  std::vector<Located<std::string>> strip;  ///< default X-User-*, X-Auth-*
  std::vector<Route> routes;
};

}  // namespace sidegate::config
