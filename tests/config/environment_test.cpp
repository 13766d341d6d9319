#include "loading.hpp"

#include <gmock/gmock.h>

namespace sidegate::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Sidecar {
  std::string text;
  Config config;
  std::vector<std::string> lines;
};

Sidecar sidecar(const Variables& variables) {
  Diagnostics diagnostics{std::string(kEnvironmentFile)};
  const Environment environment = environment_of(variables);
  Sidecar made;
  made.text = sidecar_from_environment(environment, diagnostics);
  EXPECT_EQ(made.text.empty(), !diagnostics.ok());
  if (!made.text.empty()) made.config = load_text(made.text, "", environment, diagnostics);
  made.lines = diagnostics.lines();
  return made;
}

/// A signing key, and `more`.
Variables signed_with(Variables more = {}) {
  more.emplace("DJANGO_JWT_SIGNING_KEY", kStrongKey);
  return more;
}

constexpr std::string_view kPlainHttp =
    "environment: warning: AUTH_SERVICE_URL is plain http:// to another host, so tokens sent there can be read on the "
    "way";

TEST(SidecarFromEnvironment, TheExampleOfTheIntegrationGuideWorks) {
  const auto made = sidecar({{"DJANGO_JWT_SIGNING_KEY", "your-shared-signing-key"},
                             {"AUTH_SERVICE_URL", "http://auth-service:8000"},
                             {"AUTH_API_KEY", "your-api-key-for-internal-calls"},
                             {"JWT_ALGORITHM", "HS256"},
                             {"TOKEN_REFRESH_THRESHOLD", "300"},
                             {"SIDEGATE_ALLOW_WEAK_SECRET", "1"}});
  EXPECT_THAT(made.lines, ElementsAre(kPlainHttp));
  EXPECT_THAT(made.text, Not(HasSubstr("your-shared-signing-key")));
  const JwtAuthenticator& jwt = made.config.authenticators.at(0).jwt;
  EXPECT_EQ(jwt.keys.at(0).secret.secret.reveal(), "your-shared-signing-key");
  EXPECT_TRUE(jwt.keys.at(0).allow_weak);
}

TEST(SidecarFromEnvironment, Defaults) {
  const auto [text, config, lines] = sidecar(signed_with());
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_EQ(config.file, "");
  EXPECT_EQ(config.listeners.at(0).name, "public");
  EXPECT_EQ(config.listeners.at(0).address.text(), "[::]:8080");
  EXPECT_EQ(config.admin.address.text(), "127.0.0.1:9901");
  EXPECT_EQ(config.health->address.text(), "[::]:9902");
  EXPECT_EQ(config.upstreams.at(0).name, "service");
  EXPECT_EQ(config.upstreams.at(0).servers.at(0).url, "http://127.0.0.1:8000");
  EXPECT_EQ(config.log.level, "info");
  EXPECT_EQ(config.log.format, "json");
  const Authenticator& authenticator = config.authenticators.at(0);
  EXPECT_EQ(authenticator.name, "jwt");
  const JwtAuthenticator& jwt = authenticator.jwt;
  ASSERT_EQ(jwt.token.size(), 2U);
  EXPECT_EQ(jwt.token[0].kind, TokenSource::Kind::Cookie);
  EXPECT_EQ(jwt.token[0].name, "access_token");
  EXPECT_EQ(jwt.token[1].kind, TokenSource::Kind::Bearer);
  EXPECT_EQ(jwt.token[1].name, "Authorization");
  EXPECT_EQ(jwt.keys.at(0).secret.name, "DJANGO_JWT_SIGNING_KEY");
  EXPECT_FALSE(jwt.keys.at(0).allow_weak);
  EXPECT_EQ(jwt.algorithms.at(0).value, "HS256");
  EXPECT_THAT(jwt.require_claims, ElementsAre("exp", "user_id"));
  EXPECT_EQ(jwt.subject, "user_id");
  ASSERT_EQ(config.inject.size(), 3U);
  EXPECT_EQ(config.inject[0].name.value, "X-User-Id");
  EXPECT_EQ(config.inject[0].value.value, "{subject}");
  EXPECT_EQ(config.inject[1].name.value, "X-User-Type");
  EXPECT_EQ(config.inject[1].value.value, "{claims.user_type|staff}");
  EXPECT_EQ(config.inject[2].name.value, "X-Auth-Method");
  EXPECT_EQ(config.inject[2].value.value, "{authenticator}");
  EXPECT_EQ(config.strip.size(), 2U);
  ASSERT_EQ(config.routes.size(), 2U);
  EXPECT_EQ(config.routes[0].name, "public");
  EXPECT_EQ(config.routes[0].paths.at(0).value, "/public/**");
  EXPECT_EQ(config.routes[0].authenticate, Route::Authenticate::None);
  EXPECT_EQ(config.routes[1].name, "protected");
  EXPECT_EQ(config.routes[1].paths.at(0).value, "/**");
  EXPECT_EQ(config.routes[1].authenticate, Route::Authenticate::Required);
  EXPECT_EQ(config.routes[1].authenticators.at(0).value, "jwt");
}

TEST(SidecarFromEnvironment, EveryVariableArrives) {
  const auto [text, config, lines] = sidecar(signed_with({{"JWT_ALGORITHM", "HS512"},
                                                          {"AUTH_SERVICE_URL", "https://auth.example/base/"},
                                                          {"SIDEGATE_UPSTREAM", "unix:/run/app.sock"},
                                                          {"SIDEGATE_LISTEN", "127.0.0.1:80"},
                                                          {"SIDEGATE_ADMIN", "unix:/run/admin.sock"},
                                                          {"SIDEGATE_HEALTH", "0.0.0.0:1"},
                                                          {"SIDEGATE_PUBLIC", "/health, /static/**,,/a${B}\"c"},
                                                          {"SIDEGATE_WORKERS", "7"},
                                                          {"SIDEGATE_LOG_LEVEL", "warning"},
                                                          {"SIDEGATE_LOG_FORMAT", "text"}}));
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_EQ(config.authenticators.at(0).jwt.algorithms.at(0).value, "HS512");
  EXPECT_EQ(config.upstreams.at(0).servers.at(0).address.path, "/run/app.sock");
  EXPECT_EQ(config.listeners.at(0).address.text(), "127.0.0.1:80");
  EXPECT_EQ(config.admin.address.path, "/run/admin.sock");
  EXPECT_EQ(config.health->address.text(), "0.0.0.0:1");
  ASSERT_EQ(config.routes.at(0).paths.size(), 3U);
  EXPECT_EQ(config.routes[0].paths[0].value, "/health");
  EXPECT_EQ(config.routes[0].paths[1].value, "/static/**");
  EXPECT_EQ(config.routes[0].paths[2].value, "/a${B}\"c") << "what a variable holds is not expanded again";
  EXPECT_EQ(config.workers, 7U);
  EXPECT_EQ(config.log.level, "warning");
  EXPECT_EQ(config.log.format, "text");
}

TEST(SidecarFromEnvironment, AnEmptyVariableCountsAsNotSet) {
  const auto [text, config, lines] = sidecar(signed_with({{"SIDEGATE_LISTEN", ""},
                                                          {"SIDEGATE_ALLOW_WEAK_SECRET", ""},
                                                          {"AUTH_REFRESH_URL", ""},
                                                          {"JWT_ALGORITHM", ""},
                                                          {"SIDEGATE_WORKERS", ""}}));
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_EQ(text, sidecar(signed_with()).text);
  EXPECT_THAT(sidecar({{"DJANGO_JWT_SIGNING_KEY", ""}}).lines,
              ElementsAre(HasSubstr("neither DJANGO_JWT_SIGNING_KEY")));
}

TEST(SidecarFromEnvironment, NothingNeedBePublic) {
  // Here an empty variable is no variable left out: whoever sets it so wants nothing public.
  EXPECT_EQ(sidecar(signed_with({{"SIDEGATE_PUBLIC", ""}})).text,
            sidecar(signed_with({{"SIDEGATE_PUBLIC", ","}})).text);
  const auto [text, config, lines] = sidecar(signed_with({{"SIDEGATE_PUBLIC", ","}}));
  EXPECT_THAT(lines, IsEmpty());
  ASSERT_EQ(config.routes.size(), 1U);
  EXPECT_EQ(config.routes[0].name, "protected");
}

TEST(SidecarFromEnvironment, WithoutAKeyThereIsNoConfiguration) {
  EXPECT_THAT(
      sidecar({}).lines,
      ElementsAre("environment: there is no configuration file, and neither DJANGO_JWT_SIGNING_KEY nor "
                  "AUTH_SERVICE_URL is set; set DJANGO_JWT_SIGNING_KEY to the secret that tokens are signed with, or "
                  "AUTH_SERVICE_URL to have the Auth Service validate them"));
}

TEST(SidecarFromEnvironment, WithoutAKeyTheAuthServiceValidates) {
  const auto made = sidecar({{"AUTH_SERVICE_URL", "http://auth-service:8000/"}, {"AUTH_API_KEY", "hunter2"}});
  EXPECT_THAT(made.lines, ElementsAre(kPlainHttp));
  EXPECT_THAT(made.text, Not(HasSubstr("hunter2")));
  ASSERT_EQ(made.config.authenticators.size(), 1U);
  const Authenticator& session = made.config.authenticators[0];
  EXPECT_EQ(session.name, "session");
  EXPECT_EQ(session.kind, Authenticator::Kind::Remote);
  const TokenService& service = session.service;
  EXPECT_EQ(service.endpoint.url, "http://auth-service:8000/api/v1/users/token/validate/");
  EXPECT_TRUE(service.endpoint.allow_http);
  EXPECT_EQ(service.send_as, (SendAs{SendAs::Kind::Cookie, "access_token"}));
  EXPECT_EQ(service.token_subject, "user_id");
  EXPECT_THAT(service.subject, ElementsAre("user_id"));
  EXPECT_EQ(service.endpoint.credential.kind, OwnCredential::Kind::ApiKey);
  EXPECT_EQ(service.endpoint.credential.name, "X-API-Key");
  EXPECT_EQ(service.endpoint.credential.secret.secret.reveal(), "hunter2");
  EXPECT_EQ(made.config.routes.back().authenticators.at(0).value, "session");
  const auto encrypted = sidecar({{"AUTH_SERVICE_URL", "https://auth.example"}});
  EXPECT_THAT(encrypted.lines, IsEmpty());
  EXPECT_FALSE(encrypted.config.authenticators.at(0).service.endpoint.allow_http);
  EXPECT_EQ(encrypted.config.authenticators.at(0).service.endpoint.credential.kind, OwnCredential::Kind::None);
}

TEST(SidecarFromEnvironment, SessionsAreRenewedWhereItSaysHow) {
  EXPECT_FALSE(sidecar(signed_with({{"TOKEN_REFRESH_THRESHOLD", "60"}})).config.session_refresh);
  const auto made = sidecar(signed_with({{"AUTH_REFRESH_URL", "https://auth.example/api/v1/users/token/refresh/"},
                                         {"AUTH_API_KEY", "hunter2"},
                                         {"TOKEN_REFRESH_THRESHOLD", "60"}}));
  EXPECT_THAT(made.lines, IsEmpty());
  ASSERT_TRUE(made.config.session_refresh);
  const SessionRefresh& refresh = *made.config.session_refresh;
  EXPECT_THAT(refresh.authenticators, ElementsAre(Located<std::string>{"jwt", {}}));
  EXPECT_EQ(refresh.endpoint.url, "https://auth.example/api/v1/users/token/refresh/");
  EXPECT_EQ(refresh.threshold, std::chrono::seconds(60));
  EXPECT_EQ(refresh.cookie, "access_token");
  EXPECT_EQ(refresh.refresh_cookie, "refresh_token");
  EXPECT_EQ(refresh.endpoint.credential.secret.secret.reveal(), "hunter2");
  EXPECT_THAT(sidecar(signed_with({{"AUTH_SERVICE_URL", "http://auth:8000"},
                                   {"AUTH_REFRESH_URL", "http://auth:8000/refresh/"}}))
                  .lines,
              ElementsAre(kPlainHttp))
      << "one warning for one service";
  EXPECT_THAT(sidecar({{"AUTH_SERVICE_URL", "https://auth"}, {"AUTH_REFRESH_URL", "https://auth/refresh/"}}).lines,
              ElementsAre(HasSubstr("AUTH_REFRESH_URL needs DJANGO_JWT_SIGNING_KEY")));
}

struct VariableCase {
  std::string name;
  std::string value;
  std::string expected;
};

TEST(SidecarFromEnvironment, MistakesNameTheVariable) {
  const std::vector<VariableCase> cases{
      {"DJANGO_JWT_SIGNING_KEY", "hunter2",
       "DJANGO_JWT_SIGNING_KEY has 7 bytes, fewer than the 32 of HS256; use a longer one, or accept the risk with "
       "SIDEGATE_ALLOW_WEAK_SECRET=1"},
      {"SIDEGATE_ALLOW_WEAK_SECRET", "true", "SIDEGATE_ALLOW_WEAK_SECRET is \"true\"; it may only be 1"},
      {"JWT_ALGORITHM", "RS256",
       "JWT_ALGORITHM is \"RS256\"; with the shared secret in DJANGO_JWT_SIGNING_KEY it is one of HS256, HS384, HS512"},
      {"JWT_ALGORITHM", "none",
       "JWT_ALGORITHM is \"none\"; with the shared secret in DJANGO_JWT_SIGNING_KEY it is one of HS256, HS384, HS512"},
      {"AUTH_SERVICE_URL", "auth-service:8000",
       "AUTH_SERVICE_URL: expected a URL that begins with http:// or https://"},
      {"AUTH_SERVICE_URL", "https://user:hunter2@auth", "AUTH_SERVICE_URL: credentials do not belong in a URL"},
      {"AUTH_SERVICE_URL", "https://auth/?a", "AUTH_SERVICE_URL is a base URL, with no query and no fragment"},
      {"TOKEN_REFRESH_THRESHOLD", "5m",
       "TOKEN_REFRESH_THRESHOLD is \"5m\"; expected a whole number of seconds from 1 to 86400, such as 300"},
      {"TOKEN_REFRESH_THRESHOLD", "-1",
       "TOKEN_REFRESH_THRESHOLD is \"-1\"; expected a whole number of seconds from 1 to 86400, such as 300"},
      {"TOKEN_REFRESH_THRESHOLD", "0",
       "TOKEN_REFRESH_THRESHOLD is \"0\"; expected a whole number of seconds from 1 to 86400, such as 300"},
      {"AUTH_REFRESH_URL", "auth", "AUTH_REFRESH_URL: expected a URL that begins with http:// or https://"},
      {"AUTH_REFRESH_URL", "https://a/#b", "AUTH_REFRESH_URL has no fragment"},
      {"SIDEGATE_EGRESS_LISTEN", "127.0.0.1:1", "SIDEGATE_EGRESS_LISTEN is not supported yet; unset it"},
      {"SIDEGATE_CORS_ORIGINS", "https://a", "SIDEGATE_CORS_ORIGINS is not supported yet; unset it"},
      {"SIDEGATE_LISTEN", "8080", "SIDEGATE_LISTEN: this is a port alone; \"[::]:PORT\" is that port of every address"},
      {"SIDEGATE_HEALTH", "[::]", "SIDEGATE_HEALTH: the port is missing: host:port, \"[v6]:port\" or unix:/path"},
      {"SIDEGATE_ADMIN", "0.0.0.0:9901",
       "SIDEGATE_ADMIN: the admin API off loopback needs a token, which only a configuration file can name; "
       "listen on 127.0.0.1, [::1] or a unix socket"},
      {"SIDEGATE_LISTEN", "0.0.0.0:9902",
       "SIDEGATE_LISTEN and SIDEGATE_HEALTH are the same address: 0.0.0.0:9902 and [::]:9902"},
      {"SIDEGATE_UPSTREAM", "127.0.0.1:8000", "SIDEGATE_UPSTREAM: expected http://host:port or unix:/path"},
      {"SIDEGATE_UPSTREAM", "https://a", "SIDEGATE_UPSTREAM: https:// is not supported yet"},
      {"SIDEGATE_PUBLIC", "public/**", "SIDEGATE_PUBLIC: \"public/**\" is no path; a path begins with /"},
      {"SIDEGATE_WORKERS", "0", "SIDEGATE_WORKERS is \"0\"; expected a whole number from 1 to 256"},
      {"SIDEGATE_WORKERS", "many", "SIDEGATE_WORKERS is \"many\"; expected a whole number from 1 to 256"},
      {"SIDEGATE_LOG_LEVEL", "loud", "SIDEGATE_LOG_LEVEL is \"loud\"; expected one of debug, info, warning, error"},
      {"SIDEGATE_LOG_FORMAT", "xml", "SIDEGATE_LOG_FORMAT is \"xml\"; expected one of json, text"},
  };
  for (const auto& [name, value, expected] : cases) {
    EXPECT_THAT(sidecar(signed_with({{name, value}})).lines, ElementsAre("environment: " + expected))
        << name << "=" << value;
  }
}

TEST(SidecarFromEnvironment, AKeyIsAsLongAsItsHash) {
  const auto lines = [](std::size_t length, const std::string& algorithm) {
    return sidecar({{"DJANGO_JWT_SIGNING_KEY", std::string(length, 'k')}, {"JWT_ALGORITHM", algorithm}}).lines;
  };
  for (const auto& [algorithm, bytes] :
       std::vector<std::pair<std::string, std::size_t>>{{"HS256", 32}, {"HS384", 48}, {"HS512", 64}}) {
    EXPECT_THAT(lines(bytes, algorithm), IsEmpty()) << algorithm;
    EXPECT_THAT(lines(bytes - 1, algorithm), ElementsAre(HasSubstr("SIDEGATE_ALLOW_WEAK_SECRET=1"))) << algorithm;
  }
}

TEST(SidecarFromEnvironment, PlainHttpIsFineOnThisMachine) {
  EXPECT_THAT(sidecar(signed_with({{"AUTH_SERVICE_URL", "http://127.0.0.1:8000"}})).lines, IsEmpty());
  EXPECT_THAT(sidecar(signed_with({{"AUTH_SERVICE_URL", "http://auth"}})).lines, ElementsAre(kPlainHttp));
}

TEST(SidecarFromEnvironment, AllMistakesAtOnce) {
  EXPECT_EQ(sidecar({{"SIDEGATE_WORKERS", "x"}, {"SIDEGATE_LISTEN", "x"}, {"JWT_ALGORITHM", "x"}}).lines.size(), 3U);
}

}  // namespace
}  // namespace sidegate::config
