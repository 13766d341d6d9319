#include <sidegate/config/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "loading.hpp"

/// Those who are asked while a request waits: `remote`, `introspection`, `user_info` and `session_refresh`.
namespace sidegate::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kStaff =
    "  staff: {jwt: {token: [{cookie: access_token}], keys: [{secret: 0123456789abcdef0123456789abcdef}], "
    "algorithms: [HS256]}}\n";

/// A configuration with these authenticators, the first of which every route asks, and `more` behind them.
std::string with_authenticators(const std::string& authenticators, const std::string& more = {},
                                const std::string& route = {}) {
  const auto begin = authenticators.find_first_not_of(' ');
  const auto first = authenticators.substr(begin, authenticators.find(':') - begin);
  return "version: 1\nlisteners: {public: {address: \"127.0.0.1:0\"}}\n"
         "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\nauthenticators:\n" +
         authenticators + more + "routes: [{path: /**, authenticate: [" + first + "], upstream: app" + route + "}]\n";
}

std::string remote(const std::string& more) {
  return with_authenticators("  a: {remote: {token: [{bearer: Authorization}], " + more + "}}\n");
}

std::string introspection(const std::string& more) {
  return with_authenticators(
      "  a: {introspection: {token: [{bearer: Authorization}], url: \"https://auth/introspect\", " + more + "}}\n");
}

std::string user_info(const std::string& inside) {
  return with_authenticators(std::string(kStaff), "user_info: {directory: {" + inside + "}}\n",
                             ", user_info: directory");
}

std::string refresh(const std::string& inside) {
  return with_authenticators(std::string(kStaff), "session_refresh: {" + inside + "}\n");
}

constexpr const char* kUser = "for: [staff], url: \"https://auth/users/{subject}/\"";
constexpr const char* kKey = ", credential: {api_key: {header: X-API-Key, value: k}}";

TEST(ServiceReader, ARemoteWithItsDefaults) {
  const auto loaded = load(remote("url: \"https://auth/validate/\""));
  ASSERT_THAT(loaded.lines, IsEmpty());
  const Authenticator& a = loaded.config.authenticators.at(0);
  EXPECT_EQ(a.kind, Authenticator::Kind::Remote);
  EXPECT_EQ(a.token().at(0).name, "Authorization");
  const TokenService& service = a.service;
  EXPECT_EQ(service.endpoint.url, "https://auth/validate/");
  EXPECT_EQ(service.endpoint.timeout, seconds(2));
  EXPECT_EQ(service.endpoint.circuit_breaker, CircuitBreaker{});
  EXPECT_EQ(service.send_as, (SendAs{SendAs::Kind::Bearer, "Authorization"}));
  EXPECT_EQ(service.expiry, "exp");
  EXPECT_THAT(service.subject, ElementsAre("sub"));
  EXPECT_EQ(service.token_subject, "sub");
  EXPECT_EQ(service.cache,
            (AnswerLifetimes{.ttl = seconds(30), .negative_ttl = seconds(5), .stale_if_error = minutes(10)}));
}

TEST(ServiceReader, EverythingOfARemote) {
  const auto loaded = load(
      remote("url: \"http://auth:8000/validate/?x=1\", allow_http: true, send_as: {form: token}, subject: user_id, "
             "claims: {exp: expires_at, subject: [username, id]}, roles: groups, timeout: 250ms, "
             "credential: {basic: {username: me, password: pw}}, "
             "cache: {ttl: 1s, negative_ttl: 0s, stale_if_error: 2m, max_entries: 10}, "
             "circuit_breaker: {consecutive: 2, error_rate: \"10%\", of_at_least: 3, window: 4s, open_for: 5s}, "
             "tls: {server_name: auth.internal}"));
  ASSERT_THAT(loaded.lines, IsEmpty());
  const TokenService& service = loaded.config.authenticators.at(0).service;
  EXPECT_TRUE(service.endpoint.allow_http);
  EXPECT_EQ(service.endpoint.shown_url(), "http://auth:8000/validate/");
  EXPECT_EQ(service.send_as, (SendAs{SendAs::Kind::Form, "token"}));
  EXPECT_EQ(service.token_subject, "user_id");
  EXPECT_THAT(service.subject, ElementsAre("username", "id"));
  EXPECT_EQ(service.expiry, "expires_at");
  EXPECT_EQ(service.roles, "groups");
  EXPECT_EQ(service.endpoint.timeout, milliseconds(250));
  EXPECT_EQ(service.endpoint.tls.server_name, "auth.internal");
  EXPECT_EQ(service.endpoint.credential.kind, OwnCredential::Kind::Basic);
  EXPECT_EQ(service.endpoint.credential.secret.secret.reveal(), "pw");
  EXPECT_EQ(service.cache,
            (AnswerLifetimes{
                .ttl = seconds(1), .negative_ttl = seconds(0), .stale_if_error = minutes(2), .max_entries = 10}));
  EXPECT_EQ(
      service.endpoint.circuit_breaker,
      (CircuitBreaker{
          .consecutive = 2, .error_rate_percent = 10, .of_at_least = 3, .window = seconds(4), .open_for = seconds(5)}));
  const auto yaml = to_yaml(loaded.config);
  EXPECT_THAT(yaml, HasSubstr("url: \"http://auth:8000/validate/?<redacted>\""));
  EXPECT_THAT(yaml, HasSubstr("password: \"<redacted>\""));
  EXPECT_THAT(yaml, HasSubstr("error_rate: \"10%\""));
}

TEST(ServiceReader, TheSubjectOfARemoteNamesBothUnlessTheAnswerDiffers) {
  const auto service = load(remote("url: \"https://auth/\", subject: user_id")).config.authenticators.at(0).service;
  EXPECT_EQ(service.token_subject, "user_id");
  EXPECT_THAT(service.subject, ElementsAre("user_id"));
}

TEST(ServiceReader, AnIntrospectionWithItsDefaults) {
  const auto loaded = load(introspection("client: {id: me, secret: s}"));
  ASSERT_THAT(loaded.lines, IsEmpty());
  const Authenticator& a = loaded.config.authenticators.at(0);
  EXPECT_EQ(a.kind, Authenticator::Kind::Introspection);
  EXPECT_EQ(a.service.client.method, ClientAuthentication::Method::Basic);
  EXPECT_EQ(a.service.client.secret.secret.reveal(), "s");
  EXPECT_THAT(a.service.subject, ElementsAre("sub", "username", "client_id"));
  EXPECT_EQ(a.service.cache, AnswerLifetimes{});
}

TEST(ServiceReader, WaysOfAuthenticatingAClient) {
  using Method = ClientAuthentication::Method;
  const auto client = [](const std::string& text) {
    const auto loaded = load(introspection("client: {" + text + "}"));
    EXPECT_THAT(loaded.lines, IsEmpty()) << text;
    return loaded.config.authenticators.at(0).service.client;
  };
  EXPECT_EQ(client("id: me, secret: s, auth: form").method, Method::Form);
  EXPECT_EQ(client("secret: s, auth: bearer").method, Method::Bearer);
  EXPECT_EQ(client("id: me, secret: s, auth: basic").method, Method::Basic);
}

TEST(ServiceReader, UserInfoAndSessionRefreshWithTheirDefaults) {
  const auto loaded = load(user_info(std::string(kUser) + kKey));
  ASSERT_THAT(loaded.lines, IsEmpty());
  const UserInfo& info = loaded.config.user_info.at(0);
  EXPECT_EQ(info.name, "directory");
  EXPECT_EQ(info.authenticators.at(0).value, "staff");
  EXPECT_EQ(info.endpoint.credential.kind, OwnCredential::Kind::ApiKey);
  EXPECT_EQ(info.cache,
            (AnswerLifetimes{.ttl = seconds(60), .negative_ttl = seconds(5), .stale_if_error = minutes(10)}));
  EXPECT_FALSE(info.deny_on_error);
  EXPECT_EQ(loaded.config.routes.at(0).user_info->value, "directory");
  const auto refreshing = load(refresh("for: [staff], url: \"https://auth/refresh/\""));
  ASSERT_THAT(refreshing.lines, IsEmpty());
  const SessionRefresh& session = *refreshing.config.session_refresh;
  EXPECT_EQ(session.cookie, "access_token");
  EXPECT_EQ(session.refresh_cookie, "refresh_token");
  EXPECT_EQ(session.threshold, seconds(300));
}

TEST(ServiceReader, TheEffectiveConfigurationReadsBackAsItIs) {
  const std::string authenticators = std::string(kStaff) +
                                     "  b: {remote: {token: [{bearer: Authorization}], url: \"https://auth/\"}}\n"
                                     "  c: {introspection: {token: [{bearer: Authorization}], url: \"https://auth/i\", "
                                     "audience: [x], client: {id: me, secret: s, auth: form}}}\n";
  const std::string more = std::string("user_info: {directory: {") + kUser + kKey +
                           ", batch_url: \"https://auth/users/\", on_error: deny}}\n"
                           "session_refresh: {for: [staff], url: \"https://auth/refresh/\", threshold: 60s}\n";
  const auto loaded = load(with_authenticators(authenticators, more, ", user_info: directory"));
  ASSERT_TRUE(loaded.ok);
  const auto yaml = to_yaml(loaded.config);
  EXPECT_EQ(to_yaml(load(yaml).config), yaml);
  for (const auto* const secret : {"value: k", "secret: s\n", "0123456789abcdef"}) {
    EXPECT_THAT(yaml, testing::Not(HasSubstr(secret)));
  }
}

TEST(ServiceReader, MistakesNameTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {remote("timeout: 1s"), "at authenticators.a.remote: \"url\" is required"},
      {remote("url: \"http://auth/\""), "at authenticators.a.remote.url: tokens are sent there by https"},
      {remote("url: \"https://u:p@auth/\""), "remote.url: credentials do not belong in a URL"},
      {remote("url: \"https://auth/#a\""), "remote.url: a URL that is asked for has no fragment"},
      {remote("url: \"https://auth/\", send_as: {}"), "remote.send_as: expected one of {cookie: NAME}, {form: FIELD}"},
      {remote("url: \"https://auth/\", send_as: {cookie: a, form: b}"), "remote.send_as: expected one of"},
      {remote("url: \"https://auth/\", send_as: {bearer: X-Token}"), "send_as.bearer: a bearer token is sent in"},
      {remote("url: \"https://auth/\", send_as: {cookie: \"a b\"}"), "send_as.cookie: expected the name of a cookie"},
      {remote("url: \"https://auth/\", timeout: 0s"), "remote.timeout: expected"},
      {remote("url: \"https://auth/\", credential: {}"), "remote.credential: a credential is one of"},
      {remote("url: \"https://auth/\", credential: hunter2"), "remote.credential: expected a credential such as"},
      {remote("url: \"https://auth/\", credential: {hmac: {}}"), "credential.hmac: \"hmac\" is not supported yet"},
      {remote("url: \"https://auth/\", credential: {bearer: x}"), "the caller's token stands in Authorization already"},
      {remote("url: \"https://auth/\", credential: {api_key: {header: authorization, value: x}}"),
       "the caller's token stands in Authorization already"},
      {remote("url: \"https://auth/\", credential: {api_key: {header: Host, value: x}}"),
       "api_key.header: Host means something else"},
      {remote("url: \"https://auth/\", credential: {api_key: {header: X-API-Key, value: \"x\\r\\nHost: y\"}}"),
       "api_key.value: the secret holds what no header can"},
      {remote("url: \"https://auth/\", send_as: {form: t}, credential: {bearer: \"x y\"}"),
       "bearer: the secret holds what no header can"},
      {remote("url: \"https://auth/\", send_as: {form: t}, credential: {basic: {username: \"a:b\", password: p}}"),
       "credential.basic: a user name has no colon"},
      {remote("url: \"https://auth/\", cache: {ttl: -1s}"), "remote.cache.ttl: expected"},
      {remote("url: \"https://auth/\", cache: {tll: 1s}"), "unknown key \"tll\" (did you mean \"ttl\"?)"},
      {remote("url: \"https://auth/\", circuit_breaker: {error_rate: 50}"), "error_rate: expected a share"},
      {remote("url: \"https://auth/\", circuit_breaker: {error_rate: \"0%\"}"), "error_rate: expected a share"},
      {remote("url: \"https://auth/\", circuit_breaker: {consecutive: 0}"), "consecutive: expected a whole number"},
      {remote("url: \"https://auth/\", tls: {certificate: a.pem}"), "remote.tls"},
      {remote("url: \"https://auth/\", claims: {sub: a}"), "unknown key \"sub\""},
      {introspection("timeout: 1s"), "introspection: \"client\" is required"},
      {introspection("client: {id: me}"), "client: \"secret\" is required"},
      {introspection("client: {secret: s}"), "client: \"id\" is required"},
      {introspection("client: {id: me, auth: private_key_jwt}"), "client: \"key_file\" is required"},
      {introspection("client: {id: me, secret: s, auth: digest}"), "client.auth: expected"},
      {introspection("client: {id: me, secret: s, auth: private_key_jwt}"),
       "client.secret: with private_key_jwt the client has a key_file, and no secret"},
      {introspection("client: {id: me, key_file: key.pem}"),
       "client.key_file: a key_file is for auth: private_key_jwt"},
      {introspection("client: {id: me, secret: s}, send_as: {cookie: a}"), "unknown key \"send_as\""},
      {with_authenticators("  a: {remote: {token: [{bearer: Authorization}], url: \"https://auth/\"}, jwt: {}}\n"),
       "an authenticator is of exactly one kind"},
      {user_info(kUser), "user_info.directory: user information is asked for with either"},
      {user_info(std::string(kUser) + kKey + ", send_as: {cookie: a}"), "user information is asked for with either"},
      {user_info(std::string(kUser) + ", send_as: {form: a}"), "unknown key \"form\""},
      {user_info(std::string(kUser) + ", send_as: {cookie: a}, batch_url: \"https://auth/users/\""),
       "batch_url: a batch is about several callers"},
      {user_info(std::string(kUser) + kKey + ", batch_url: \"https://other/users/\""),
       "batch_url: \"url\" and \"batch_url\" are of the same service"},
      {user_info(std::string(kUser) + kKey + ", batch_url: \"https://auth/{subject}/\""), "batch_url: subjects stand"},
      {user_info("for: [staff], url: \"https://auth/users/\"" + std::string(kKey)),
       "url: the URL holds {subject} once"},
      {user_info("for: [staff], url: \"https://auth/{subject}/{subject}\"" + std::string(kKey)),
       "holds {subject} once"},
      {user_info("for: [staff], url: \"https://auth/a{subject}\"" + std::string(kKey)), "holds {subject} once"},
      {user_info("for: [staff], url: \"https://auth/?id={subject}\"" + std::string(kKey)), "holds {subject} once"},
      {user_info("url: \"https://auth/{subject}\"" + std::string(kKey)), "user_info.directory: \"for\" is required"},
      {user_info("for: [], url: \"https://auth/{subject}\"" + std::string(kKey)), "for: at least one authenticator"},
      {user_info("for: [staf], url: \"https://auth/{subject}\"" + std::string(kKey)), "did you mean \"staff\"?"},
      {user_info(std::string(kUser) + kKey + ", on_error: stop"), "on_error: expected"},
      {refresh("for: [staff]"), "session_refresh: \"url\" is required"},
      {refresh("for: [stuff], url: \"https://auth/\""), "no authenticator is called \"stuff\""},
      {refresh("for: [staff], cookie: other, url: \"https://auth/\""), "\"staff\" does not read the cookie \"other\""},
      {refresh("for: [staff], refresh_cookie: access_token, url: \"https://auth/\""), "are two cookies"},
      {refresh("for: [staff], url: \"https://auth/\", threshold: 0s"), "threshold: expected"},
      {with_authenticators("  a: {remote: {token: [{cookie: access_token}], url: \"https://auth/\"}}\n",
                           "session_refresh: {for: [a], url: \"https://auth/\"}\n"),
       "only a jwt authenticator tells a token that has expired"},
      {with_authenticators(std::string(kStaff), {}, ", user_info: x"), "no user_info is called \"x\""},
      {with_authenticators(
           std::string(kStaff) +
               "  session_refresh: {remote: {token: [{bearer: Authorization}], url: \"https://auth/\"}}\n",
           "session_refresh: {for: [staff], url: \"https://auth/\"}\n"),
       "at session_refresh: metrics know it by this name"},
      {with_authenticators(
           std::string(kStaff) + "  b: {remote: {token: [{bearer: Authorization}], url: \"https://a/\"}}\n",
           "user_info: {directory: {for: [b], url: \"https://auth/{subject}\"" + std::string(kKey) + "}}\n",
           ", user_info: directory"),
       "is for none of this route's authenticators"},
      {with_authenticators(std::string(kStaff), "user_info: {staff: {" + std::string(kUser) + kKey + "}}\n",
                           ", user_info: staff"),
       "user_info.staff: an authenticator has this name already"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(load(text).lines, Contains(HasSubstr(expected))) << text;
  }
}

TEST(ServiceReader, OnlyARouteWithUserInformationSpeaksOfTheUser) {
  constexpr const char* kSpeaks = ", inject: {X-User-Email: \"{user.email|}\"}";
  const auto user_info = std::string("user_info: {directory: {") + kUser + kKey + "}}\n";
  EXPECT_THAT(load(with_authenticators(std::string(kStaff), {}, kSpeaks)).lines,
              ElementsAre(HasSubstr("inject.X-User-Email: this route has no user_info")));
  EXPECT_THAT(
      load(with_authenticators(std::string(kStaff), user_info, std::string(", user_info: directory") + kSpeaks)).lines,
      IsEmpty());
  EXPECT_THAT(load(with_authenticators(std::string(kStaff), "inject: {X-User-Email: \"{user.email|}\"}\n")).lines,
              IsEmpty())
      << "other routes may have some";
}

TEST(ServiceReader, WhatNobodyLooksUpIsAWarning) {
  EXPECT_THAT(
      load(with_authenticators(std::string(kStaff), std::string("user_info: {directory: {") + kUser + kKey + "}}\n"))
          .lines,
      ElementsAre(HasSubstr("at user_info.directory: warning: no route uses this user_info")));
}

}  // namespace
}  // namespace sidegate::config
