#include "loading.hpp"
#include "yaml_text.hpp"

#include <gmock/gmock.h>

namespace sidegate::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Puts `secrets` back in their order.
std::string unredact(std::string text, const std::vector<std::string>& secrets) {
  constexpr std::string_view kRedacted = "\"<redacted>\"";
  std::size_t from = 0;
  for (const std::string& secret : secrets) {
    from = text.find(kRedacted, from);
    EXPECT_NE(from, std::string::npos);
    const std::string quoted = yaml_quoted(secret);
    text.replace(from, kRedacted.size(), quoted);
    from += quoted.size();
  }
  EXPECT_EQ(text.find(kRedacted), std::string::npos);
  return text;
}

void expect_round_trip(const std::string& text, const std::vector<std::string>& secrets) {
  const auto first = load(text);
  ASSERT_THAT(first.lines, IsEmpty());
  const std::string printed = to_yaml(first.config);
  for (const std::string& secret : secrets) EXPECT_THAT(printed, Not(HasSubstr(secret)));
  const auto second = load(unredact(printed, secrets), {});
  ASSERT_THAT(second.lines, IsEmpty()) << printed;
  EXPECT_EQ(to_yaml(second.config), printed);
  for (std::size_t i = 0; i < first.config.authenticators.size(); ++i) {
    const auto& before = first.config.authenticators[i].jwt.keys;
    const auto& after = second.config.authenticators[i].jwt.keys;
    ASSERT_EQ(after.size(), before.size());
    for (std::size_t k = 0; k < before.size(); ++k) {
      EXPECT_EQ(after[k].secret.secret.reveal(), before[k].secret.secret.reveal());
      EXPECT_EQ(after[k].until, before[k].until);
    }
  }
}

TEST(Effective, TheSmallestLoadsAgain) {
  expect_round_trip(with(""), {std::string(kStrongKey)});
}

TEST(Effective, EverySettingLoadsAgain) {
  expect_round_trip(R"(version: 1
workers: 3
listeners:
  "1": {address: "0.0.0.0:80", proxy_protocol: true, trusted_proxies: [10.0.0.0/8, "2001:db8::/32", "::1", "::/0"]}
  "a: b": {address: "unix:/run/s.sock", mode: "0007"}
admin: {address: "[::1]:0", token: the-admin-token}
health: {address: "0.0.0.0:9000"}
shutdown: {grace: 0s, timeout: 1500ms}
limits: {head: 16KiB, headers: 50, target: 1000B, token: 2KiB, head_timeout: 1s, keep_alive: 2s, idle: 90s, connections: 10, memory: 1536MiB}
log: {level: debug, format: text, path: logs/error.log}
access_log: {path: none, query: true}
revocations: {file: "revoked: it.json"}
watch: true
upstreams:
  "true": {servers: ["http://a.internal", "unix:/run/app.sock"], connect_timeout: 100ms, max_connections: 7}
authenticators:
  "no":
    jwt:
      token: [{cookie: session}, {bearer: X-Token}]
      keys: [{secret: "pl${PASSWORD:-x}n", allow_weak: true}, {secret: {env: JWT_KEY}, until: "2026-12-31T00:00:00+01:00"}]
      algorithms: [HS256, HS512]
      issuer: https://auth.example
      audience: [one, "two: $${three}"]
      type: at+jwt
      leeway: 5s
      max_age: 24h
      require_claims: [exp, user_id]
      subject: user_id
      roles: groups
      verified_cache: {max_entries: 0, max_bytes: 0}
inject: {X-A: "{subject}", X-B: "", X-C: "100% \"quoted\" \\ $${literal}"}
strip: []
routes:
  - name: "# first"
    listener: "a: b"
    host: [a.example, "*.b.example"]
    path: [/a/**, "/b/{id}"]
    methods: [GET, M-SEARCH]
    authenticate: optional
    upstream: "true"
    inject: {X-A: "{claims.tenant}"}
    timeout: 90s
    max_body: 0B
    forward_credential: false
    close_at_expiry: false
    encoded_slash: keep
    path_parameters: keep
    rewrite: {strip_prefix: "/a b", prefix: "/# x", host: "[::1]:80"}
  - {path: /b, authenticate: ["no"], upstream: "true", rewrite: {host: "no"}, path_parameters: keep}
  - {path: /**, authenticate: none, upstream: "true"}
)",
                    {"the-admin-token", "plhunter2n", std::string(kStrongKey)});
}

TEST(Effective, ShowsEveryDefault) {
  const std::string text = to_yaml(load(with("workers: 2\n")).config);
  EXPECT_EQ(text, R"(version: 1
workers: 2
listeners:
  public:
    address: "[::]:8080"
    proxy_protocol: false
    trusted_proxies: []
admin:
  address: "127.0.0.1:9901"
startup_timeout: 30s
shutdown:
  grace: 5s
  timeout: 25s
limits:
  head: 32KiB
  headers: 100
  target: 8KiB
  token: 16KiB
  head_timeout: 10s
  keep_alive: 75s
  idle: 1m
  connections: 50000
  memory: 0
log:
  level: info
  format: json
  path: stderr
access_log:
  path: stdout
  query: false
watch: false
upstreams:
  app:
    servers:
      - "http://127.0.0.1:8000"
    balance: round_robin
    connect_timeout: 2s
    response_timeout: 30s
    idle_timeout: 1m
    max_connections: 1024
    resolve_interval: 30s
authenticators:
  staff:
    jwt:
      token:
        - cookie: c
      keys:
        - secret: "<redacted>"
          allow_weak: false
      algorithms:
        - HS256
      leeway: 0s
      require_claims:
        - exp
      subject: sub
      roles: roles
      verified_cache:
        max_entries: 65536
        max_bytes: 16MiB
strip:
  - "X-User-*"
  - "X-Auth-*"
routes:
  - name: route-1
    path:
      - "/**"
    authenticate:
      - staff
    upstream: app
    retry: false
    forward_credential: true
    close_at_expiry: true
    csrf: on-cookie
    encoded_slash: reject
    path_parameters: reject
    shadow: false
)");
}

// A round trip alone would not notice what is neither printed nor read.
TEST(Effective, ShowsWhatIsNoDefault) {
  const std::string text = to_yaml(load(R"(version: 1
workers: 1
listeners:
  public: {address: "[::]:8080", proxy_protocol: true, trusted_proxies: [10.0.0.0/8, "2001:DB8::/32", "::1", 192.0.2.1]}
limits: {memory: 1536MiB}
revocations: {file: revoked.json}
upstreams: {app: {servers: ["http://127.0.0.1:8000"]}}
routes:
  - path: /users/**
    authenticate: none
    upstream: app
    close_at_expiry: false
    encoded_slash: keep
    path_parameters: keep
    rewrite: {strip_prefix: /users, prefix: /api, host: "app.internal:8080"}
)")
                                       .config);
  for (const std::string part :
       {"    proxy_protocol: true\n"
        "    trusted_proxies:\n"
        "      - \"10.0.0.0/8\"\n"
        "      - \"2001:db8::/32\"\n"
        "      - \"::1/128\"\n"
        "      - \"192.0.2.1/32\"\n",
        "  memory: 1536MiB\n",
        "revocations:\n"
        "  file: \"/etc/sidegate/revoked.json\"\n",
        "    rewrite:\n"
        "      strip_prefix: \"/users\"\n"
        "      prefix: \"/api\"\n"
        "      host: \"app.internal:8080\"\n",
        "    close_at_expiry: false\n", "    encoded_slash: keep\n", "    path_parameters: keep\n"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace sidegate::config
