#include "loading.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

namespace sidegate::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> values(const std::vector<Located<std::string>>& all) {
  std::vector<std::string> texts;
  texts.reserve(all.size());
  for (const auto& each : all) texts.push_back(each.value);
  return texts;
}

std::vector<std::string> texts(const std::vector<base::IpRange>& ranges) {
  std::vector<std::string> texts;
  texts.reserve(ranges.size());
  for (const auto& range : ranges) texts.push_back(range.text());
  return texts;
}

TEST(Load, TheSmallestHasEveryDefault) {
  const auto [config, lines, ok] = load(with(""));
  EXPECT_TRUE(ok);
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_GE(config.workers, 1U);
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(config.listeners[0].name, "public");
  EXPECT_EQ(config.listeners[0].address.text(), "[::]:8080");
  EXPECT_EQ(config.listeners[0].mode, 0660U);
  EXPECT_FALSE(config.listeners[0].proxy_protocol);
  EXPECT_THAT(config.listeners[0].trusted_proxies, IsEmpty());
  EXPECT_EQ(config.admin.address.text(), "127.0.0.1:9901");
  EXPECT_FALSE(config.health);
  EXPECT_EQ(config.shutdown.grace, seconds(5));
  EXPECT_EQ(config.shutdown.timeout, seconds(25));
  EXPECT_EQ(config.limits.head_bytes_max, 32U * 1024);
  EXPECT_EQ(config.limits.memory_bytes_max, 0U) << "no limit";
  EXPECT_EQ(config.log.level, "info");
  EXPECT_EQ(config.log.format, "json");
  EXPECT_EQ(config.log.path, "stderr");
  EXPECT_EQ(config.access_log.path, "stdout");
  EXPECT_FALSE(config.access_log.query);
  EXPECT_EQ(config.revocations.file, "");
  EXPECT_THAT(values(config.strip), ElementsAre("X-User-*", "X-Auth-*"));
  ASSERT_EQ(config.upstreams.size(), 1U);
  EXPECT_EQ(config.upstreams[0].connect_timeout, seconds(2));
  EXPECT_EQ(config.upstreams[0].max_connections, 1024U);
  ASSERT_EQ(config.authenticators.size(), 1U);
  const JwtAuthenticator& jwt = config.authenticators[0].jwt;
  EXPECT_THAT(jwt.require_claims, ElementsAre("exp"));
  EXPECT_EQ(jwt.subject, "sub");
  EXPECT_EQ(jwt.roles, "roles");
  EXPECT_EQ(jwt.leeway, seconds(0));
  EXPECT_FALSE(jwt.max_age);
  ASSERT_EQ(config.routes.size(), 1U);
  EXPECT_EQ(config.routes[0].name, "route-1");
  EXPECT_TRUE(config.routes[0].forward_credential);
  EXPECT_TRUE(config.routes[0].close_at_expiry);
  EXPECT_FALSE(config.routes[0].keep_encoded_slash);
  EXPECT_FALSE(config.routes[0].keep_path_parameters);
  EXPECT_FALSE(config.routes[0].rewrite.strip_prefix);
  EXPECT_FALSE(config.routes[0].rewrite.prefix);
  EXPECT_FALSE(config.routes[0].rewrite.host);
  EXPECT_EQ(config.routes[0].where.line, 5);
  EXPECT_EQ(config.routes[0].where.path, "routes[0]");
}

TEST(Load, EverySettingArrives) {
  const auto [config, lines, ok] = load(R"(version: 1
workers: 3
listeners:
  public: {address: "0.0.0.0:80", reuse_port: false, proxy_protocol: true, trusted_proxies: [10.0.0.0/8, "2001:DB8::/32", 192.0.2.1]}
  inner: {address: "unix:/run/s.sock", mode: "0600"}
admin: {address: "0.0.0.0:9901", token: let-me-in}
health: {address: "0.0.0.0:9000"}
shutdown: {grace: 0s, timeout: 1m}
limits: {head: 16KiB, headers: 50, target: 4KiB, token: 2KiB, head_timeout: 1s, keep_alive: 2s, idle: 3s, connections: 10, memory: 64MiB}
log: {level: debug, format: text, path: logs/error.log}
access_log: {path: /var/log/access.log, query: true}
revocations: {file: state/../revoked.json}
watch: true
upstreams:
  app:
    servers: ["http://a.internal", {url: "http://[::1]:8001", weight: 1}, "unix:/run/app.sock"]
    balance: round_robin
    connect_timeout: 100ms
    response_timeout: 200ms
    idle_timeout: 300ms
    max_connections: 7
    resolve_interval: 10s
    slow_start: 0s
authenticators:
  staff:
    jwt:
      token: [{cookie: session}, {bearer: X-Token}]
      keys: [{secret: plain, allow_weak: true}, {secret: {env: JWT_KEY}, until: "2026-12-31T00:00:00Z"}]
      algorithms: [HS256, HS512]
      issuer: https://auth.example
      audience: one
      type: at+jwt
      leeway: 5s
      max_age: 24h
      require_claims: [exp, user_id]
      subject: user_id
      roles: groups
inject: {X-A: "{subject}", X-B: ""}
strip: [X-Internal-*, X-Debug]
routes:
  - name: first
    listener: inner
    host: [a.example, "*.b.example"]
    path: [/a/**, "/a/{id}"]
    methods: [GET, M-SEARCH]
    authenticate: optional
    upstream: app
    inject: {X-A: "{claims.tenant}"}
    timeout: 90s
    max_body: 10MiB
    retry: false
    forward_credential: false
    close_at_expiry: false
    encoded_slash: keep
    path_parameters: keep
    rewrite: {strip_prefix: /a, prefix: /api, host: "app.internal:8080"}
    shadow: false
  - {path: /**, authenticate: none, upstream: app, close_at_expiry: true, encoded_slash: reject, path_parameters: reject}
)");
  EXPECT_THAT(lines, IsEmpty());
  ASSERT_TRUE(ok);
  EXPECT_EQ(config.workers, 3U);
  ASSERT_EQ(config.listeners.size(), 2U);
  EXPECT_TRUE(config.listeners[0].proxy_protocol);
  EXPECT_THAT(texts(config.listeners[0].trusted_proxies), ElementsAre("10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"));
  EXPECT_EQ(config.listeners[1].address.path, "/run/s.sock");
  EXPECT_EQ(config.listeners[1].mode, 0600U);
  EXPECT_EQ(config.listeners[1].where.line, 5);
  EXPECT_EQ(config.admin.address.port, 9901);
  ASSERT_TRUE(config.admin.token);
  EXPECT_EQ(config.admin.token->secret.reveal(), "let-me-in");
  EXPECT_TRUE(config.watch);
  EXPECT_EQ(config.health->address.port, 9000);
  EXPECT_EQ(config.shutdown.grace, seconds(0));
  EXPECT_EQ(config.shutdown.timeout, seconds(60));
  EXPECT_EQ(config.limits.head_bytes_max, 16U * 1024);
  EXPECT_EQ(config.limits.fields_max, 50U);
  EXPECT_EQ(config.limits.target_bytes_max, 4U * 1024);
  EXPECT_EQ(config.limits.token_bytes_max, 2U * 1024);
  EXPECT_EQ(config.limits.head_timeout, seconds(1));
  EXPECT_EQ(config.limits.keep_alive_timeout, seconds(2));
  EXPECT_EQ(config.limits.idle_timeout, seconds(3));
  EXPECT_EQ(config.limits.connections_max, 10U);
  EXPECT_EQ(config.limits.memory_bytes_max, 64U * 1024 * 1024);
  EXPECT_EQ(config.log.level, "debug");
  EXPECT_EQ(config.log.format, "text");
  EXPECT_EQ(config.log.path, "/etc/sidegate/logs/error.log");
  EXPECT_EQ(config.access_log.path, "/var/log/access.log");
  EXPECT_TRUE(config.access_log.query);
  EXPECT_EQ(config.revocations.file, "/etc/sidegate/revoked.json");

  const Upstream& upstream = config.upstreams.at(0);
  ASSERT_EQ(upstream.servers.size(), 3U);
  EXPECT_EQ(upstream.servers[0].url, "http://a.internal");
  EXPECT_EQ(upstream.servers[0].address.port, 80);
  EXPECT_EQ(upstream.servers[1].address.host, "::1");
  EXPECT_EQ(upstream.servers[2].address.path, "/run/app.sock");
  EXPECT_EQ(upstream.connect_timeout, milliseconds(100));
  EXPECT_EQ(upstream.response_timeout, milliseconds(200));
  EXPECT_EQ(upstream.idle_timeout, milliseconds(300));
  EXPECT_EQ(upstream.max_connections, 7U);
  EXPECT_EQ(upstream.resolve_interval, seconds(10));

  const JwtAuthenticator& jwt = config.authenticators.at(0).jwt;
  ASSERT_EQ(jwt.token.size(), 2U);
  EXPECT_EQ(jwt.token[0].kind, TokenSource::Kind::Cookie);
  EXPECT_EQ(jwt.token[0].name, "session");
  EXPECT_EQ(jwt.token[1].kind, TokenSource::Kind::Bearer);
  EXPECT_EQ(jwt.token[1].name, "X-Token");
  ASSERT_EQ(jwt.keys.size(), 2U);
  EXPECT_EQ(jwt.keys[0].secret.secret.reveal(), "plain");
  EXPECT_TRUE(jwt.keys[0].allow_weak);
  EXPECT_FALSE(jwt.keys[0].until);
  EXPECT_EQ(jwt.keys[1].secret.kind, SecretReference::Kind::Environment);
  EXPECT_EQ(jwt.keys[1].secret.name, "JWT_KEY");
  EXPECT_EQ(jwt.keys[1].until->time_since_epoch().count(), 1'798'675'200);
  EXPECT_THAT(values(jwt.algorithms), ElementsAre("HS256", "HS512"));
  EXPECT_EQ(jwt.algorithms[1].where.path, "authenticators.staff.jwt.algorithms[1]");
  EXPECT_EQ(jwt.issuer, "https://auth.example");
  EXPECT_THAT(jwt.audience, ElementsAre("one"));
  EXPECT_EQ(jwt.type, "at+jwt");
  EXPECT_EQ(jwt.leeway, seconds(5));
  EXPECT_EQ(jwt.max_age, seconds(86'400));
  EXPECT_THAT(jwt.require_claims, ElementsAre("exp", "user_id"));
  EXPECT_EQ(jwt.subject, "user_id");
  EXPECT_EQ(jwt.roles, "groups");

  ASSERT_EQ(config.inject.size(), 2U);
  EXPECT_EQ(config.inject[0].name.value, "X-A");
  EXPECT_EQ(config.inject[0].value.value, "{subject}");
  EXPECT_EQ(config.inject[0].value.where.line, 38);
  EXPECT_EQ(config.inject[1].value.value, "");
  EXPECT_THAT(values(config.strip), ElementsAre("X-Internal-*", "X-Debug"));

  const Route& route = config.routes.at(0);
  EXPECT_EQ(route.name, "first");
  EXPECT_EQ(route.listener->value, "inner");
  EXPECT_THAT(values(route.hosts), ElementsAre("a.example", "*.b.example"));
  EXPECT_THAT(values(route.paths), ElementsAre("/a/**", "/a/{id}"));
  EXPECT_EQ(route.paths[1].where.path, "routes[0].path[1]");
  EXPECT_THAT(values(route.methods), ElementsAre("GET", "M-SEARCH"));
  EXPECT_EQ(route.authenticate, Route::Authenticate::Optional);
  EXPECT_THAT(values(route.authenticators), ElementsAre("staff")) << "optional means all of them";
  EXPECT_EQ(route.upstream.value, "app");
  EXPECT_EQ(route.inject.at(0).name.value, "X-A");
  EXPECT_EQ(route.timeout, seconds(90));
  EXPECT_EQ(route.max_body_bytes, 10U * 1024 * 1024);
  EXPECT_FALSE(route.forward_credential);
  EXPECT_FALSE(route.close_at_expiry);
  EXPECT_TRUE(route.keep_encoded_slash);
  EXPECT_TRUE(route.keep_path_parameters);
  EXPECT_EQ(route.rewrite.strip_prefix->value, "/a");
  EXPECT_EQ(route.rewrite.prefix->value, "/api");
  EXPECT_EQ(route.rewrite.prefix->where.path, "routes[0].rewrite.prefix");
  EXPECT_EQ(route.rewrite.host->value, "app.internal:8080");
  EXPECT_EQ(config.routes[1].authenticate, Route::Authenticate::None);
  EXPECT_EQ(config.routes[1].name, "route-2");
  EXPECT_TRUE(config.routes[1].close_at_expiry);
  EXPECT_FALSE(config.routes[1].keep_encoded_slash);
  EXPECT_FALSE(config.routes[1].keep_path_parameters);
}

std::string place(const Location& where) {
  return fmt::format("{}:{} {}", where.line, where.column, where.path);
}

// What is opened when the program runs can be in somebody else's hands: whoever says so names the place.
TEST(Load, WhatIsOpenedLaterKeepsItsPlace) {
  const auto [config, lines, ok] =
      load(with("admin: {address: \"127.0.0.1:1\"}\n"
                "health: {address: \"127.0.0.1:2\"}\n"
                "log: {level: info, path: stdout}\n"
                "access_log: {query: true, path: none}\n"
                "revocations: {file: revoked.json}\n"));
  ASSERT_THAT(lines, IsEmpty());
  EXPECT_EQ(place(config.listeners[0].where), "2:13 listeners.public");
  EXPECT_EQ(place(config.admin.where), "6:18 admin.address");
  EXPECT_EQ(place(config.health->where), "7:19 health.address");
  EXPECT_EQ(place(config.log.where), "8:26 log.path");
  EXPECT_EQ(place(config.access_log.where), "9:33 access_log.path");
  EXPECT_EQ(place(config.revocations.where), "10:21 revocations.file");

  const auto defaults = load(with("")).config;
  for (const auto& where :
       {defaults.admin.where, defaults.log.where, defaults.access_log.where, defaults.revocations.where}) {
    EXPECT_EQ(place(where), "0:0 ");
  }
}

TEST(Load, RemembersWhatComesFromAVariable) {
  const auto config = load(with_instead("routes: [{path: [\"/${PASSWORD}\", /b], authenticate: [staff], upstream: app, "
                                        "inject: {X-A: \"${PASSWORD}\", X-B: \"$${PASSWORD}\"}}]"))
                          .config;
  EXPECT_TRUE(config.routes[0].paths[0].where.holds_variable);
  EXPECT_FALSE(config.routes[0].paths[1].where.holds_variable);
  EXPECT_TRUE(config.routes[0].inject[0].value.where.holds_variable);
  EXPECT_FALSE(config.routes[0].inject[0].name.where.holds_variable);
}

TEST(LoadAgain, ReadsTheSameTextWithTheVariablesOfNow) {
  const std::string text = with("workers: \"${WORKERS}\"\n");
  Variables variables = key_variables();
  variables["WORKERS"] = "2";
  auto earlier = load(text, variables).config;
  earlier.file = "sidegate.yaml";

  variables["WORKERS"] = "3";
  variables["JWT_KEY"] = std::string(64, 'n');
  Diagnostics diagnostics("sidegate.yaml");
  const auto again = load_again(earlier, environment_of(variables), diagnostics);
  EXPECT_THAT(diagnostics.lines(), IsEmpty());
  EXPECT_EQ(again.workers, 3U);
  EXPECT_EQ(again.authenticators.at(0).jwt.keys.at(0).secret.secret.reveal(), std::string(64, 'n'));
  EXPECT_EQ(again.file, "sidegate.yaml");
  EXPECT_EQ(again.text.reveal(), text) << "so that it can be loaded once more";
  EXPECT_EQ(again.folder, earlier.folder);

  variables.erase("JWT_KEY");
  load_again(again, environment_of(variables), diagnostics);
  EXPECT_THAT(diagnostics.lines(), ElementsAre(HasSubstr("the environment variable JWT_KEY is not set")));
}

struct MistakeCase {
  std::string text;      ///< what is added to a whole configuration, at line 6
  std::string expected;  ///< the one line that is reported
};

TEST(Load, OneMistakeOneLine) {
  const std::vector<MistakeCase> cases{
      {"workers: 0", "test.yaml:6:10: at workers: expected a whole number from 1 to 256, found \"0\""},
      {"workers: 257", "test.yaml:6:10: at workers: expected a whole number from 1 to 256, found \"257\""},
      {"workers: 0x10", "test.yaml:6:10: at workers: expected a whole number from 1 to 256, found \"0x10\""},
      {"workers: [1]", "test.yaml:6:10: at workers: expected a whole number from 1 to 256, found a list"},
      {"workers:", "test.yaml:6:1: at workers: expected a whole number from 1 to 256, found nothing"},
      {"workrs: 1", "test.yaml:6:1: unknown key \"workrs\" (did you mean \"workers\"?)"},
      {"version: 1", "test.yaml:6:1: duplicate key \"version\", first on line 1"},
      {"? [a, b]\n: 1", "test.yaml:6:3: a key is a plain text"},
      {"watch: yes", "test.yaml:6:8: at watch: expected true or false, found \"yes\""},
      {"errors: {}", "test.yaml:6:1: at errors: \"errors\" is not supported yet"},
      {"revocations: {file: /var/}", "test.yaml:6:21: at revocations.file: expected a file, found a folder"},
      {"revocations: {file: [a]}", "test.yaml:6:21: at revocations.file: expected a text, found a list"},
      {"revocations: {}", "test.yaml:6:14: at revocations: \"file\" is required: the file that keeps them"},
      {"admin: {address: 127.0.0.1:1, token: {env: A}}",
       "test.yaml:6:44: at admin.token.env: the environment variable A is not set"},
      {"admin: {}", "test.yaml:6:8: at admin: \"address\" is required: host:port, \"[v6]:port\" or unix:/path"},
      {"admin: {address: \"127.0.0.1:8080\"}",
       "test.yaml:2:13: at listeners.public: the address [::]:8080 is taken already: admin has 127.0.0.1:8080"},
      {"health: {address: \"[::]:9901\"}",
       "test.yaml:6:19: at health.address: the address [::]:9901 is taken already: admin has 127.0.0.1:9901"},
      {"health: {address: \"0.0.0.0:8080\"}",
       "test.yaml:2:13: at listeners.public: the address [::]:8080 is taken already: health has 0.0.0.0:8080"},
      {"shutdown: {grace: 30s}",
       "test.yaml:6:11: at shutdown: \"timeout\" ends all, counted from the same moment as \"grace\", so it cannot be "
       "shorter"},
      {"limits: {head: 1023B}", "test.yaml:6:16: at limits.head: expected a size from 1KiB to 1MiB, found \"1023B\""},
      {"limits: {head: 2MiB}", "test.yaml:6:16: at limits.head: expected a size from 1KiB to 1MiB, found \"2MiB\""},
      {"limits: {headers: 0}", "test.yaml:6:19: at limits.headers: expected a whole number from 1 to 200, found \"0\""},
      {"limits: {idle: 25h}", "test.yaml:6:16: at limits.idle: expected a duration from 1ms to 24h, found \"25h\""},
      {"limits: {memory: 1023KiB}",
       "test.yaml:6:18: at limits.memory: expected a size from 1MiB to 1048576GiB, found \"1023KiB\""},
      {"limits: {memory: 0B}",
       "test.yaml:6:18: at limits.memory: expected a size from 1MiB to 1048576GiB, found \"0B\""},
      {"limits: {memory: 1GB}",
       "test.yaml:6:18: at limits.memory: expected a size with its unit, such as 512B, 64KiB or 10MiB, found \"1GB\""},
      {"limits: {memory: none}",
       "test.yaml:6:18: at limits.memory: expected a size with its unit, such as 512B, 64KiB or 10MiB, found "
       "\"none\""},
      {"limits: {memory: [0]}",
       "test.yaml:6:18: at limits.memory: expected a size with its unit, such as 512B, 64KiB or 10MiB, found a list"},
      {"log: {level: warn}",
       "test.yaml:6:14: at log.level: expected one of debug, info, warning, error, found \"warn\""},
      {"log: {path: none}",
       "test.yaml:6:13: at log.path: expected stderr, stdout or a file, found \"none\"; a higher level logs less"},
      {"log: {path: logs/}", "test.yaml:6:13: at log.path: expected a file, found a folder"},
      {"access_log: {query: \"no\"}", "test.yaml:6:21: at access_log.query: expected true or false, found \"no\""},
      {"inject: [X-A]", "test.yaml:6:9: at inject: expected a map, found a list"},
      {"inject: {\"X A\": b}",
       "test.yaml:6:10: at inject.X A: a header name holds only letters, digits and !#$%&'*+-.^_`|~"},
      {"inject: {X-A: \"a\\nb\"}",
       "test.yaml:6:15: at inject.X-A: control characters and line breaks are not allowed here"},
      {"strip: X-A", "test.yaml:6:8: at strip: expected a list such as [X-A], found \"X-A\""},
  };
  for (const auto& [text, expected] : cases) EXPECT_THAT(load(with(text + "\n")).lines, ElementsAre(expected)) << text;
}

TEST(Load, MistakesInListeners) {
  const auto not_a_block = [](const std::string& text) {
    return "test.yaml:2:54: at listeners.a.trusted_proxies[0]: expected an address or a block of them such as "
           "10.0.0.0/8, with no bit set behind the prefix, found \"" +
           text + "\"";
  };
  const std::vector<MistakeCase> cases{
      {"listeners: {}", "test.yaml:2:12: at listeners: at least one is needed"},
      {"listeners:",
       "test.yaml:2:1: at listeners: expected a name for each, with what it is below the name, found nothing"},
      {"listeners: {a: {address: \"::1:80\"}}",
       "test.yaml:2:26: at listeners.a.address: an IPv6 address stands in brackets: \"[::1]:8080\""},
      {"listeners: {a: {address: \":80\"}}",
       "test.yaml:2:26: at listeners.a.address: the host is missing: \"[::]:PORT\" or 0.0.0.0:PORT is every address"},
      {"listeners: {a: {address: \"unix:/a\", mode: 660}}",
       "test.yaml:2:43: at listeners.a.mode: expected a file mode in octal with a leading 0, such as \"0660\""},
      {"listeners: {a: {address: \"[::]:1\", tls: {}}}",
       "test.yaml:2:36: at listeners.a.tls: \"tls\" is not supported yet"},
      {"listeners: {a: {address: \"[::]:1\", reuse_port: true}}",
       "test.yaml:2:48: at listeners.a.reuse_port: \"reuse_port\" is not supported yet, except as false"},
      {"listeners: {a: {address: \"[::]:1\", trusted_proxies: 10.0.0.0/8}}",
       "test.yaml:2:53: at listeners.a.trusted_proxies: expected a list, found \"10.0.0.0/8\""},
      {"listeners: {a: {address: \"[::]:1\", trusted_proxies: [10.0.0.1/8]}}", not_a_block("10.0.0.1/8")},
      {"listeners: {a: {address: \"[::]:1\", trusted_proxies: [10.0.0.0/33]}}", not_a_block("10.0.0.0/33")},
      {"listeners: {a: {address: \"[::]:1\", trusted_proxies: [balancer.internal]}}", not_a_block("balancer.internal")},
      {"listeners: {a: {address: \"[::]:1\", trusted_proxies: [\"10.0.0.1:80\"]}}", not_a_block("10.0.0.1:80")},
      {"listeners: {a: {address: \"[::]:1\", trusted_proxies: [\"[::1]\"]}}", not_a_block("[::1]")},
      {"listeners: {a: {address: \"[::]:1\", trusted_proxies: [\"*\"]}}", not_a_block("*")},
      {"listeners: {a: {address: \"[::]:1\", proxy_protocol: v2}}",
       "test.yaml:2:52: at listeners.a.proxy_protocol: expected true or false, found \"v2\""},
      {"listeners: {a: {address: \"[::]:1\", proxy_protocol: true}}",
       "test.yaml:2:52: at listeners.a.proxy_protocol: every connection would be closed: name those who may send the "
       "header in trusted_proxies"},
      {"listeners: {a: {address: \"[::]:1\", proxy_protocol: true, trusted_proxies: []}}",
       "test.yaml:2:52: at listeners.a.proxy_protocol: every connection would be closed: name those who may send the "
       "header in trusted_proxies"},
      {"listeners: {a: {address: \"unix:/a\", proxy_protocol: true, trusted_proxies: [10.0.0.0/8]}}",
       "test.yaml:2:76: at listeners.a.trusted_proxies: nobody can be trusted on a unix socket, where a caller has no "
       "address"},
      {"listeners: {a: {address: \"[::]:1\"}, b: {address: \"[0::0]:1\"}}",
       "test.yaml:2:37: at listeners.b: the address [::]:1 is taken already: listener a has [::]:1"},
  };
  for (const auto& [text, expected] : cases) EXPECT_THAT(load(with_instead(text)).lines, ElementsAre(expected)) << text;
  EXPECT_TRUE(load(with_instead("listeners: {a: {address: \"[::]:0\"}, b: {address: \"[::]:0\"}}")).ok);
}

TEST(Load, MistakesInUpstreams) {
  const std::vector<MistakeCase> cases{
      {"upstreams: {app: {}}",
       "test.yaml:3:18: at upstreams.app: \"servers\" is required: a list such as [\"http://127.0.0.1:8000\"]"},
      {"upstreams: {app: {servers: []}}", "test.yaml:3:28: at upstreams.app.servers: at least one server is needed"},
      {"upstreams: {app: {servers: [[a]]}}",
       "test.yaml:3:29: at upstreams.app.servers[0]: expected http://host:port, unix:/path or {url: …}, found a list"},
      {"upstreams: {app: {servers: [{weight: 1}]}}",
       "test.yaml:3:29: at upstreams.app.servers[0]: \"url\" is required"},
      {"upstreams: {app: {servers: [{url: \"http://a\", weight: 2}]}}",
       "test.yaml:3:55: at upstreams.app.servers[0].weight: \"weight\" is not supported yet, except as 1"},
      {"upstreams: {app: {servers: [\"http://a\", \"http://A:80/\", \"http://a:80\"]}}",
       "test.yaml:3:57: at upstreams.app.servers[2]: this server is listed twice"},
      {"upstreams: {app: {servers: [\"http://a\"], balance: least_requests}}",
       "test.yaml:3:51: at upstreams.app.balance: \"balance\" is not supported yet, except as round_robin"},
      {"upstreams: {app: {servers: [\"http://a\"], connect_timeout: 0s}}",
       "test.yaml:3:59: at upstreams.app.connect_timeout: expected a duration from 1ms to 24h, found \"0s\""},
      {"upstreams: {app: {servers: [\"http://a\"], max_connections: 0}}",
       "test.yaml:3:59: at upstreams.app.max_connections: expected a whole number from 1 to 65536, found \"0\""},
      {"upstreams: {app: {servers: [\"http://a\"], retry: {attempts: 3}}}",
       "test.yaml:3:42: at upstreams.app.retry: \"retry\" is not supported yet"},
      {"upstreams: {app: {servers: [\"http://a\"], health_check: {path: /}}}",
       "test.yaml:3:42: at upstreams.app.health_check: \"health_check\" is not supported yet"},
  };
  for (const auto& [text, expected] : cases) EXPECT_THAT(load(with_instead(text)).lines, ElementsAre(expected)) << text;
}

TEST(Load, KeysOfIssuers) {
  const std::string keys =
      "[{jwks_url: \"http://localhost:9000/jwks?tenant=7\", refresh: 1h, cooldown: 30s, until: "
      "\"2030-12-31T00:00:00Z\"}, {oidc_issuer: \"http://idp.internal/realm\", allow_http: true}]";
  const auto loaded = load(with_instead("authenticators: {staff: {jwt: {token: [{cookie: c}], keys: " + keys +
                                        ", algorithms: [RS256], issuer: \"https://a\", audience: a}}}"));
  ASSERT_THAT(loaded.lines, IsEmpty());
  const auto& read = loaded.config.authenticators.at(0).jwt.keys;
  ASSERT_EQ(read.size(), 2U);
  ASSERT_TRUE(read[0].issuer && read[1].issuer);
  EXPECT_EQ(read[0].issuer->kind, Issuer::Kind::JwksUrl);
  EXPECT_EQ(read[0].issuer->refresh, std::chrono::hours(1));
  EXPECT_EQ(read[0].issuer->cooldown, std::chrono::seconds(30));
  EXPECT_TRUE(read[0].until);
  EXPECT_EQ(read[0].source(), "http://localhost:9000/jwks") << "a query may hold secrets";
  EXPECT_EQ(read[1].issuer->kind, Issuer::Kind::OidcIssuer);
  EXPECT_EQ(read[1].issuer->refresh, std::chrono::minutes(10));
  EXPECT_EQ(read[1].issuer->cooldown, std::chrono::seconds(10));
  EXPECT_TRUE(read[1].issuer->allow_http);
  const auto shown = to_yaml(loaded.config);
  EXPECT_THAT(shown, HasSubstr("oidc_issuer: \"http://idp.internal/realm\""));
  EXPECT_THAT(load(shown).lines, IsEmpty()) << "what is shown can be loaded";
}

TEST(Load, MistakesInAuthenticators) {
  const std::string staff = "test.yaml:4:";
  const auto jwt = [](const std::string& token, const std::string& keys, const std::string& more) {
    return "authenticators: {staff: {jwt: {token: " + token + ", keys: " + keys + ", " + more + "}}}";
  };
  const std::string token = "[{cookie: c}]";
  const std::string keys = "[{secret: {env: JWT_KEY}}]";
  const std::string published = "algorithms: [RS256], issuer: \"https://a\", audience: a";
  const std::string at = "authenticators.staff.jwt";
  const std::vector<MistakeCase> cases{
      {jwt("[]", keys, "algorithms: [HS256]"), at + ".token: at least one place of the token is needed"},
      {jwt("[{}]", keys, "algorithms: [HS256]"),
       at + ".token[0]: expected {cookie: NAME} or {bearer: Authorization}, one an item"},
      {jwt("[{cookie: a, bearer: b}]", keys, "algorithms: [HS256]"),
       at + ".token[0]: expected {cookie: NAME} or {bearer: Authorization}, one an item"},
      {jwt("[{cookie: \"a b\"}]", keys, "algorithms: [HS256]"),
       at + ".token[0].cookie: expected the name of a cookie, found \"a b\""},
      {jwt(token, "[]", "algorithms: [HS256]"), at + ".keys: at least one key is needed"},
      {jwt(token, "[{pem_file: missing.pem}]", "algorithms: [RS256]"),
       at + ".keys[0].pem_file: cannot read the file \"missing.pem\": No such file or directory"},
      {jwt(token, "[{jwks_file: [a]}]", "algorithms: [RS256]"),
       at + ".keys[0].jwks_file: expected a text, found a list"},
      {jwt(token, "[{secret: {env: JWT_KEY}, pem_file: a.pem}]", "algorithms: [HS256]"),
       at + ".keys[0]: a key is one of secret, pem_file, jwk_file, jwks_file, jwks_url and oidc_issuer"},
      {jwt(token, "[{jwks_url: \"https://a\"}]", "algorithms: [RS256], audience: a"),
       at + ": with jwks_url and oidc_issuer, \"issuer\" says whose tokens are accepted"},
      {jwt(token, "[{oidc_issuer: \"https://a\"}]", "algorithms: [RS256], issuer: \"https://a\""),
       at + ": with jwks_url and oidc_issuer, \"audience\" says that tokens must be meant for this service"},
      {jwt(token, "[{jwks_url: \"http://a/jwks\"}]", published),
       at + ".keys[0].jwks_url: keys are fetched by https; http is for this machine, or with allow_http: true beside "
            "the URL"},
      {jwt(token, "[{jwks_url: \"ftp://a/jwks\"}]", published),
       at + ".keys[0].jwks_url: expected a URL that begins with http:// or https://"},
      {jwt(token, "[{jwks_url: \"https://a/jwks#x\"}]", published),
       at + ".keys[0].jwks_url: a URL that is asked for has no fragment (#)"},
      {jwt(token, "[{oidc_issuer: \"https://a/?b\"}]", published),
       at + ".keys[0].oidc_issuer: the URL of an issuer has no query"},
      {jwt(token, "[{jwks_url: \"https://u:hunter2@a/jwks\"}]", published),
       at + ".keys[0].jwks_url: credentials do not belong in a URL"},
      {jwt(token, "[{jwks_url: \"https://a/jwks\", refresh: 5s}]", published),
       at + ".keys[0]: \"refresh\" cannot be shorter than \"cooldown\", which lies between any two fetches"},
      {jwt(token, "[{jwks_url: \"https://a/jwks\", cooldown: 0s}]", published),
       at + ".keys[0].cooldown: expected a duration from 10ms to 24h, found \"0s\""},
      {jwt(token, "[{jwks_url: \"https://a/jwks\", ca: missing.pem}]", published),
       at + ".keys[0].ca: cannot read the file \"missing.pem\": No such file or directory"},
      {jwt(token, "[{jwks_url: \"https://a/jwks\", allow_weak: true}]", published),
       at + ".keys[0].allow_weak: allow_weak is for secrets; an issuer publishes none"},
      {jwt(token, "[{secret: {env: JWT_KEY}, refresh: 10m}]", "algorithms: [HS256]"),
       at + ".keys[0]: unknown key \"refresh\""},
      {jwt(token, "[{}]", "algorithms: [HS256]"),
       at + ".keys[0]: a key is one of secret, pem_file, jwk_file, jwks_file, jwks_url and oidc_issuer"},
      {jwt(token, keys, "subject: id"), at + ": \"algorithms\" is required: a list such as [HS256]"},
      {jwt(token, keys, "algorithms: []"), at + ".algorithms: at least one algorithm is needed"},
      {jwt(token, keys, "algorithms: [HS256], leeway: 500ms"), at + ".leeway: expected whole seconds, found \"500ms\""},
      {jwt(token, keys, "algorithms: [HS256], leeway: 2h"),
       at + ".leeway: expected a duration from 0s to 1h, found \"2h\""},
      {jwt(token, keys, "algorithms: [HS256], subject: \"\""),
       at + ".subject: expected a text that is not empty, found \"\""},
      {jwt(token, keys, "algorithms: [HS256], issuer: \"https://user:hunter2@a\""),
       at + ".issuer: credentials do not belong in a URL"},
      {jwt(token, keys, "algorithms: [HS256], audience: []"), at + ".audience: expected at least one, found a list"},
      {jwt(token, keys, "algorithms: [HS256], verified_cache: 0"), at + ".verified_cache: expected a map, found \"0\""},
      {jwt(token, keys, "algorithms: [HS256], verified_cache: {max_entries: 64KiB}"),
       at + ".verified_cache.max_entries: expected a whole number from 0 to 100000000, found \"64KiB\""},
      {jwt(token, keys, "algorithms: [HS256], verified_cache: {max_bytes: 1048576}"),
       at +
           ".verified_cache.max_bytes: expected a size with its unit, such as 512B, 64KiB or 10MiB, found \"1048576\""},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(load(with_instead(text)).lines, ElementsAre(AllOf(HasSubstr(staff), HasSubstr(": at " + expected))))
        << text;
  }
  for (const std::string kind : {"api_key", "basic", "hmac", "client_certificate"}) {
    EXPECT_THAT(
        load(with_instead("authenticators: {staff: {" + kind + ": {}}}")).lines,
        ElementsAre(fmt::format("test.yaml:4:26: at authenticators.staff.{0}: \"{0}\" is not supported yet", kind)));
  }
}

TEST(Load, MistakesInRoutes) {
  const auto route = [](const std::string& more) {
    return "routes: [{path: /**, authenticate: [staff], upstream: app, " + more + "}]";
  };
  const std::vector<MistakeCase> cases{
      {"routes: []", "routes: at least one is needed"},
      {"routes: {path: /**}", "routes: expected a list, found a map"},
      {"routes: [{authenticate: [staff], upstream: app}]",
       "routes[0]: \"path\" is required: a pattern, or a list of them; /** for every path"},
      {"routes: [{path: [], authenticate: [staff], upstream: app}]",
       "routes[0].path: expected at least one, found a list"},
      {"routes: [{path: /, authenticate: {any_of: [staff]}, upstream: app}]",
       "routes[0].authenticate.any_of: \"any_of\" is not supported yet"},
      {"routes: [{path: /, authenticate: [{all_of: [staff]}], upstream: app}]",
       "routes[0].authenticate[0].all_of: \"all_of\" is not supported yet"},
      {"routes: [{path: /, authenticate: [staff, staff], upstream: app}]",
       "routes[0].authenticate[1]: \"staff\" is listed twice"},
      {route("methods: []"), "routes[0].methods: an empty list matches no method; leave it out for all of them"},
      {route("methods: GET"), "routes[0].methods: expected a list such as [GET], found \"GET\""},
      {route("methods: [\"G T\"]"), "routes[0].methods[0]: expected a method, found \"G T\""},
      {route("inject: {Content-Length: \"0\"}"),
       "routes[0].inject.Content-Length: Content-Length belongs to the message itself and cannot be injected"},
      {route("timeout: 0s"), "routes[0].timeout: expected a duration from 1ms to 24h, found \"0s\""},
      {route("forward_credential: 1"), "routes[0].forward_credential: expected true or false, found \"1\""},
      {route("close_at_expiry: never"), "routes[0].close_at_expiry: expected true or false, found \"never\""},
      {route("encoded_slash: decode"), "routes[0].encoded_slash: expected one of reject, keep, found \"decode\""},
      {route("path_parameters: true"), "routes[0].path_parameters: expected one of reject, keep, found \"true\""},
      {route("rewrite: /api"), "routes[0].rewrite: expected a map, found \"/api\""},
      {route("rewrite: {prefix: [/api]}"), "routes[0].rewrite.prefix: expected a text, found a list"},
      {route("rewrite: {strip_prefix: \"\"}"),
       "routes[0].rewrite.strip_prefix: expected a text that is not empty, found \"\""},
      {route("rewrite: {strip_prefx: /a}"),
       "routes[0].rewrite: unknown key \"strip_prefx\" (did you mean \"strip_prefix\"?)"},
      {route("retry: {attempts: 2}"), "routes[0].retry: \"retry\" is not supported yet, except as false"},
      {route("listener: publc"), "routes[0].listener: no listener is called \"publc\" (did you mean \"public\"?)"},
      {route("name: \"\""), "routes[0].name: expected a text that is not empty, found \"\""},
      {"routes: [{name: route-2, path: /a, authenticate: [staff], upstream: app}, {path: /b, authenticate: none, "
       "upstream: app}]",
       "routes[1]: the route \"route-2\" is also on line 5"},
      {"routes: [{path: /a, listener: public, authenticate: [staff], upstream: app}, {path: /b, authenticate: none, "
       "upstream: app}]",
       "routes[1]: this route names no listener, and other routes name all of them for themselves"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(load(with_instead(text)).lines, ElementsAre(HasSubstr(": at " + expected))) << text;
  }
  for (const std::string key : {"authorize", "rate_limit", "cors", "credential"}) {
    EXPECT_THAT(load(with_instead(route(key + ": x"))).lines,
                ElementsAre(fmt::format("test.yaml:5:60: at routes[0].{0}: \"{0}\" is not supported yet", key)));
  }
}

TEST(Load, MemoryMayBeLimitedOrNot) {
  const auto limited = [](const std::string& memory) {
    const auto loaded = load(with("limits: {memory: " + memory + "}\n"));
    EXPECT_THAT(loaded.lines, IsEmpty()) << memory;
    return loaded.config.limits.memory_bytes_max;
  };
  EXPECT_EQ(limited("0"), 0U);
  EXPECT_EQ(limited("\"0\""), 0U);
  EXPECT_EQ(limited("1MiB"), std::size_t{1} << 20U);
  EXPECT_EQ(limited("1048576GiB"), std::size_t{1} << 50U);
}

TEST(Load, OptionalNeedsAnAuthenticator) {
  const auto loaded = load("version: 1\n" + std::string(kListeners) + std::string(kUpstreams) +
                           "routes: [{path: /**, authenticate: optional, upstream: app}]\n");
  EXPECT_THAT(loaded.lines,
              ElementsAre(HasSubstr("routes[0].authenticate: optional needs at least one authenticator")));
}

TEST(Load, AnOpenProxyNeedsNoAuthenticator) {
  const auto loaded = load("version: 1\n" + std::string(kListeners) + std::string(kUpstreams) +
                           "routes: [{path: /**, authenticate: none, upstream: app}]\n");
  EXPECT_THAT(loaded.lines, IsEmpty());
}

TEST(Load, WhatNobodyUsesIsAWarning) {
  const auto loaded = load(R"(version: 1
listeners: {public: {address: "[::]:1"}, other: {address: "[::]:2"}}
upstreams: {app: {servers: ["http://a"]}, old: {servers: ["http://b"]}}
authenticators: {staff: {jwt: {token: [{cookie: c}], keys: [{secret: {env: JWT_KEY}}], algorithms: [HS256]}}}
routes: [{path: /**, listener: public, authenticate: none, upstream: app}]
)");
  EXPECT_TRUE(loaded.ok);
  EXPECT_THAT(loaded.lines,
              ElementsAre("test.yaml:2:42: at listeners.other: warning: no route stands on this listener: every "
                          "request to it is answered 404",
                          "test.yaml:3:43: at upstreams.old: warning: no route uses this upstream",
                          "test.yaml:4:18: at authenticators.staff: warning: no route uses this authenticator"));
}

TEST(Load, TokensThatNeverExpireAreAWarning) {
  const auto loaded = load(with_instead(
      "authenticators: {staff: {jwt: {token: [{cookie: c}], keys: [{secret: {env: JWT_KEY}}], algorithms: [HS256], "
      "require_claims: [user_id]}}}"));
  EXPECT_TRUE(loaded.ok);
  EXPECT_THAT(loaded.lines, ElementsAre(HasSubstr("warning: this list replaces the default [exp]")));
  EXPECT_THAT(loaded.config.authenticators.at(0).jwt.require_claims, ElementsAre("user_id"));
}

TEST(Load, NamesAreLimited) {
  const auto named = [](std::size_t length) {
    return load(with("").replace(11, kListeners.size(),
                                 "listeners: {" + std::string(length, 'x') + ": {address: \"[::]:1\"}}\n"));
  };
  EXPECT_THAT(named(128).lines, IsEmpty());
  EXPECT_THAT(named(129).lines, ElementsAre(HasSubstr("a name has at most 128 bytes")));
}

TEST(Load, WordsOfTheLanguageAreNoNames) {
  const auto loaded = load(with_instead(
      "authenticators: {none: {jwt: {token: [{cookie: c}], keys: [{secret: {env: JWT_KEY}}], algorithms: [HS256]}}}"));
  EXPECT_THAT(loaded.lines, testing::Contains(HasSubstr("\"none\" is a word of authenticate")));
}

TEST(Load, LogVariablesHoldWithAFileAsWell) {
  Variables variables = key_variables();
  variables["SIDEGATE_LOG_LEVEL"] = "debug";
  variables["SIDEGATE_LOG_FORMAT"] = "text";
  const auto loaded = load(with("log: {level: error, format: json}\n"), variables);
  EXPECT_THAT(loaded.lines, IsEmpty());
  EXPECT_EQ(loaded.config.log.level, "debug");
  EXPECT_EQ(loaded.config.log.format, "text");

  variables["SIDEGATE_LOG_LEVEL"] = "";
  EXPECT_EQ(load(with("log: {level: error}\n"), variables).config.log.level, "error");
  variables["SIDEGATE_LOG_LEVEL"] = "loud";
  EXPECT_THAT(load(with(""), variables).lines,
              ElementsAre("test.yaml: SIDEGATE_LOG_LEVEL is \"loud\"; expected one of debug, info, warning, error"));
}

TEST(Load, AFileThatCannotBeRead) {
  const std::string path = testing::TempDir() + "no_such_file.yaml";
  Diagnostics diagnostics("no_such_file.yaml");
  load_file(path, environment_of({}), diagnostics);
  EXPECT_THAT(diagnostics.lines(), ElementsAre("no_such_file.yaml: cannot read the file: No such file or directory"));

  Diagnostics folder("folder");
  load_file(testing::TempDir(), environment_of({}), folder);
  EXPECT_THAT(folder.lines(), ElementsAre("folder: cannot read the file: Is a directory"));
}

TEST(Load, WhatIsNoMapIsNoConfiguration) {
  EXPECT_THAT(load("- a\n- b\n").lines, ElementsAre("test.yaml:1:1: expected a map, found a list"));
  EXPECT_THAT(load("just words\n").lines, ElementsAre("test.yaml:1:1: expected a map, found \"just words\""));
}

TEST(ProcessEnvironment, ReadsWhatIsThere) {
  const Environment environment = process_environment();
  EXPECT_TRUE(environment("PATH"));
  EXPECT_FALSE(environment("SIDEGATE_SURELY_NOT_SET"));
}

}  // namespace
}  // namespace sidegate::config
