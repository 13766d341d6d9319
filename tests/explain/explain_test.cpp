#include <sidegate/explain/explain.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <string>
#include <vector>

#include "../policy/deciding.hpp"
#include "../policy/inquiring.hpp"

namespace sidegate::explain {
namespace {

using policy::kNow;
using policy::token_of;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kRoutes =
    "inject: {X-User-Id: \"{subject}\"}\n"
    "routes:\n"
    "  - {name: public, path: /public/**, authenticate: none, upstream: app}\n"
    "  - {name: uploads, path: /uploads, methods: [PUT], authenticate: none, upstream: app, max_body: 10B}\n"
    "  - {name: api, host: api.example, path: /v1/**, authenticate: optional, upstream: app,\n"
    "     rewrite: {strip_prefix: /v1, prefix: /app, host: app.internal}, forward_credential: false}\n"
    "  - {name: all, path: /**, authenticate: [staff], upstream: app}\n";

const std::string kToken = token_of({{"sub", "42"}});
const std::string kCookie = "Cookie: theme=dark; access_token=" + kToken;

class Explaining {
 public:
  explicit Explaining(const std::string& text = policy::with(kRoutes)) : compiled_(policy::compile(text)) {
    EXPECT_TRUE(compiled_.ok) << compiled_.lines.front();
  }

  base::OrMessage<Explanation> ask(const Query& query) {
    return explain::explain(compiled_.config, *compiled_.policy, query, kNow);
  }
  Explanation of(const std::string& method, const std::string& url, std::vector<std::string> headers = {}) {
    return ask({.method = method,
                .url = url,
                .headers = std::move(headers),
                .body_bytes = {},
                .client_ip = {},
                .listener = {}})
        .value();
  }

 private:
  policy::Compiled compiled_;
};

std::string verdict_of(const Explanation& explanation) {
  if (explanation.forwarded()) return "forward " + explanation.forwarding->upstream;
  return std::to_string(explanation.refusal->status) + ' ' + std::string(base::name_of(explanation.refusal->reason));
}

TEST(Explain, AForwardedRequestInText) {
  const auto told = Explaining().of(
      "POST", "https://h.example/a/../tickets?new",
      {kCookie, "Origin: https://h.example", "X-User-Id: 1", "X_User_Id: 1", "X-Real-IP: 10.0.0.1", "TE: trailers"});
  EXPECT_EQ(to_text(told),
            R"(POST /tickets of h.example on the listener public, from 127.0.0.1
would be forwarded to app

Request
  ok      head                    7 headers
  ok      framing                 no body
  ok      target                  /tickets, made canonical

Routes
  no      public                  its path is /public/**
  no      uploads                 its path is /uploads
  no      api                     its path is /v1/**
  yes     all                     the first that matches

Credentials
  found   cookie access_token     a credential, which decides (staff)
  -       bearer Authorization    not there (staff)

Token
  ok      size                    120 bytes, of 16384 at most
  ok      form                    three parts of base64url
  ok      header                  no kid
  ok      typ                     any type will do
  ok      alg                     HS256
  ok      signature               made by keys[0]
  ok      claims                  a JSON object
  ok      required_claims         exp
  ok      iss                     any will do
  ok      aud                     any will do
  ok      nbf                     there is none
  ok      iat                     there is none
  ok      max_age                 any will do
  ok      exp                     2026-09-21T15:13:20Z (in 60 minutes)
  ok      subject                 sub is "42"
  ok      revocation              not revoked

Rules
  ok      authentication          staff says that the caller is "42"
  ok      cross_site              Origin is the request's own host

Removed from the request
  X-User-Id               identity: injected on some route, or named by strip
  X_User_Id               odd_name: some servers take the name for another one: it has more than letters, digits and "-"
  X-Real-IP               forwarding: what a caller may not say about itself
  TE                      connection: it speaks of this connection only

Injected
  X-User-Id: 42

Forwarded to app (http://127.0.0.1:8000)
  POST /tickets?new HTTP/1.1
  Host: h.example
  Cookie: theme=<redacted>; access_token=<redacted>
  Origin: https://h.example
  X-Forwarded-For: 127.0.0.1
  X-Forwarded-Proto: http
  X-Forwarded-Port: 0
  X-Forwarded-Host: h.example
  Forwarded: for=127.0.0.1;proto=http;host="h.example"
  X-Request-Id: <new>
  traceparent: 00-<new>-<new>-01
  X-User-Id: 42
)");
}

TEST(Explain, ARefusedTokenInText) {
  const auto expired = token_of({{"sub", "42"}, {"exp", 1'789'999'990}});
  EXPECT_EQ(to_text(Explaining().of("GET", "/tickets", {"Authorization: Bearer " + expired})),
            R"(GET /tickets of localhost on the listener public, from 127.0.0.1
would be refused with 401: expired

Request
  ok      head                    2 headers
  ok      framing                 no body
  ok      target                  /tickets

Routes
  no      public                  its path is /public/**
  no      uploads                 its path is /uploads
  no      api                     its path is /v1/**
  yes     all                     the first that matches

Credentials
  -       cookie access_token     not there (staff)
  found   bearer Authorization    a credential, which decides (staff)

Token
  ok      size                    120 bytes, of 16384 at most
  ok      form                    three parts of base64url
  ok      header                  no kid
  ok      typ                     any type will do
  ok      alg                     HS256
  ok      signature               made by keys[0]
  ok      claims                  a JSON object
  ok      required_claims         exp
  ok      iss                     any will do
  ok      aud                     any will do
  ok      nbf                     there is none
  ok      iat                     there is none
  ok      max_age                 any will do
  FAILED  exp                     2026-09-21T14:13:10Z (10 seconds ago)
  -       subject                 not looked at
  -       revocation              not looked at

Rules
  FAILED  authentication          the token is refused

Answered
  401
  WWW-Authenticate: Bearer error="invalid_token", error_description="The access token is expired, revoked, malformed or invalid"
  {"error":"Invalid token"}
)");
}

TEST(Explain, AMalformedRequestInText) {
  EXPECT_EQ(to_text(Explaining().of("GET", "/tickets", {"Accept : x"})),
            R"(A request on the listener public, from 127.0.0.1
would be refused with 400: space_around_field_name

Request
  FAILED  head                    there is a blank between the name of a header and its colon
  -       framing                 not looked at
  -       target                  not looked at

Answered
  400
  {"error":"Bad request"}
)");
}

TEST(Explain, TheJsonSaysTheSame) {
  const auto json =
      to_json(Explaining().of("GET", "https://api.example/v1/x", {kCookie, "X-Note: \xff\"", "X-User-Id: 1"}));
  const auto told = boost::json::parse(json);
  EXPECT_EQ(told.at("verdict"), "forward");
  EXPECT_EQ(told.at("route"), "api");
  EXPECT_EQ(told.at("caller").at("subject"), "42");
  EXPECT_EQ(told.at("forward").at("path"), "/app/x");
  EXPECT_EQ(told.at("forward").at("host"), "app.internal");
  EXPECT_EQ(told.at("forward").at("injected"), boost::json::parse(R"([{"name":"X-User-Id","value":"42"}])"));
  EXPECT_EQ(told.at("forward").at("removed"), boost::json::parse(R"([{"name":"Host","cause":"replaced"},
                {"name":"Cookie","cause":"credential"},{"name":"X-User-Id","cause":"identity"}])"));
  EXPECT_THAT(json, AllOf(HasSubstr("Cookie: theme=<redacted>"), HasSubstr("X-Note: \xEF\xBF\xBD\\\""),
                          Not(HasSubstr("access_token=")), Not(HasSubstr("\n"))));
  EXPECT_FALSE(told.as_object().contains("answer"));
}

TEST(Explain, ARefusalInJson) {
  const auto told = boost::json::parse(to_json(Explaining().of("POST", "/uploads")));
  EXPECT_EQ(told.at("verdict"), "refuse");
  EXPECT_EQ(told.at("status"), 401);
  const auto not_allowed = boost::json::parse(
      to_json(Explaining(policy::with("routes: [{path: /x, methods: [GET], authenticate: none, upstream: app}]\n"))
                  .of("PUT", "/x")));
  EXPECT_EQ(not_allowed.at("reason"), "method_not_allowed");
  EXPECT_EQ(not_allowed.at("routes"),
            boost::json::parse(R"([{"name":"route-1","matches":false,"detail":"its method is GET"}])"));
  EXPECT_EQ(not_allowed.at("answer"),
            boost::json::parse(R"({"status":405,"headers":[{"name":"Allow","value":"GET, HEAD"}],)"
                               R"("body":"{\"error\":\"Method not allowed\"}"})"));
  EXPECT_FALSE(not_allowed.as_object().contains("forward"));
}

TEST(Explain, NoSecretIsTold) {
  const auto key = std::string(policy::kSecret);
  for (const std::string& token : {kToken, token_of({{"sub", "42"}}, "another secret that is long enough"),
                                   std::string("opaque-secret"), kToken + "x"}) {
    for (const std::string& header :
         {"Authorization: Bearer " + token, "Cookie: access_token=" + token, "Cookie: a=1; access_token=" + token,
          "Authorization: Basic " + token, "Cookie : access_token=" + token, "Proxy-Authorization: " + token}) {
      const auto told = Explaining().of("GET", "/x", {header});
      for (const auto& text : {to_text(told), to_json(told)}) {
        EXPECT_THAT(text,
                    AllOf(Not(HasSubstr(token)), Not(HasSubstr(token.substr(token.size() / 2))), Not(HasSubstr(key))))
            << header;
      }
    }
  }
}

TEST(Explain, TheBodyIsMeasured) {
  Explaining explaining;
  Query query{.method = "PUT", .url = "/uploads", .headers = {}, .body_bytes = 10, .client_ip = {}, .listener = {}};
  EXPECT_EQ(verdict_of(*explaining.ask(query)), "forward app");
  query.body_bytes = 11;
  const auto told = explaining.ask(query);
  EXPECT_EQ(verdict_of(*told), "413 body_too_large");
  EXPECT_EQ(told->rules.back().name, "max_body");
  EXPECT_EQ(told->rules.back().detail, "11 bytes, of 10 at most");
  query.headers = {"Transfer-Encoding: chunked"};
  EXPECT_EQ(verdict_of(*explaining.ask(query)), "413 body_too_large") << "found out as it comes";
  query.headers = {"Content-Length: 10"};
  EXPECT_EQ(verdict_of(*explaining.ask(query)), "forward app") << "what the header says counts";
}

const std::string kListeners =
    "version: 1\n"
    "listeners:\n"
    "  public: {address: \"127.0.0.1:8080\", trusted_proxies: [10.0.0.0/8]}\n"
    "  proxied: {address: \"127.0.0.1:8081\", trusted_proxies: [10.0.0.0/8], proxy_protocol: true}\n"
    "  local: {address: \"unix:/run/s.sock\"}\n"
    "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
    "routes: [{path: /**, authenticate: none, upstream: app}]\n";

TEST(Explain, WhoIsBelievedDependsOnTheListener) {
  Explaining explaining(kListeners);
  const std::vector<std::string> headers{"X-Forwarded-For: 192.0.2.7", "X-Request-Id: mine"};
  const auto ask = [&](const std::string& ip, const std::string& listener) {
    return *explaining.ask(
        {.method = "GET", .url = "/", .headers = headers, .body_bytes = {}, .client_ip = ip, .listener = listener});
  };
  const auto stranger = ask("192.0.2.1", "public");
  EXPECT_EQ(stranger.client_ip, "192.0.2.1");
  EXPECT_THAT(stranger.forwarding->head,
              AllOf(Contains("X-Forwarded-For: 192.0.2.1"), Contains("X-Request-Id: <new>")));
  const auto trusted = ask("::ffff:10.0.0.1", "public");
  EXPECT_EQ(trusted.client_ip, "192.0.2.7");
  EXPECT_THAT(trusted.forwarding->head,
              AllOf(Contains("X-Forwarded-For: 192.0.2.7, 10.0.0.1"), Contains("X-Request-Id: mine")));
  const auto proxied = ask("10.0.0.1", "proxied");
  EXPECT_EQ(proxied.client_ip, "10.0.0.1") << "the PROXY header says who it is";
  const auto local = ask("", "local");
  EXPECT_EQ(local.client_ip, "");
  EXPECT_THAT(local.forwarding->head, Contains("Forwarded: for=unknown;proto=http;host=\"localhost\""));
}

const std::string kAsking =
    "version: 1\n"
    "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
    "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
    "authenticators:\n"
    "  staff: {jwt: {token: [{cookie: access_token}], keys: [{secret: 0123456789abcdef0123456789abcdef}], "
    "algorithms: [HS256]}}\n"
    "  session: {remote: {token: [{bearer: Authorization}], url: \"http://127.0.0.1:1/\"}}\n"
    "user_info: {directory: {for: [session], url: \"http://127.0.0.1:1/{subject}\", send_as: {cookie: t}}}\n"
    "session_refresh: {for: [staff], url: \"http://127.0.0.1:1/\"}\n"
    "routes: [{path: /**, authenticate: [staff, session], user_info: directory, upstream: app}]\n";

TEST(Explain, AServiceIsToBeAskedAndItsAnswerTold) {
  auto compiled = policy::compile(kAsking);
  ASSERT_TRUE(compiled.ok) << compiled.lines.front();
  const Query query{.method = "GET",
                    .url = "https://h.example/x",
                    .headers = {"Authorization: Bearer abc"},
                    .body_bytes = {},
                    .client_ip = {},
                    .listener = {}};
  std::vector<policy::GivenAnswer> answers;
  const auto ask = [&] { return explain::explain(compiled.config, *compiled.policy, query, kNow, answers).value(); };
  const auto give = [&](const Explanation& told, std::shared_ptr<inquiry::Answer> answer) {
    answers.push_back({told.question->service.get(), told.question->key, std::move(answer)});
  };
  const auto untold = ask();
  ASSERT_TRUE(untold.question);
  EXPECT_EQ(untold.question->token.reveal(), "abc");
  EXPECT_EQ(verdict_of(untold), "503 unavailable");
  EXPECT_THAT(to_text(untold), HasSubstr("FAILED  service                 session was not asked"));
  give(untold, policy::yes("ann"));
  const auto half = ask();
  ASSERT_TRUE(half.question);
  EXPECT_EQ(half.question->subject, "ann");
  give(half, policy::no());
  const auto told = ask();
  EXPECT_FALSE(told.question);
  EXPECT_EQ(verdict_of(told), "forward app");
  const auto text = to_text(told);
  EXPECT_THAT(text, AllOf(HasSubstr("ok      service                 session says yes"),
                          HasSubstr("ok      subject                 the caller is \"ann\""),
                          HasSubstr("ok      user_info               directory does not know the caller"),
                          Not(HasSubstr("signature")), Not(HasSubstr("abc"))));
  EXPECT_THAT(to_json(told), Not(HasSubstr("abc")));
}

TEST(Explain, ASessionIsNotRenewedForIt) {
  auto compiled = policy::compile(kAsking);
  const auto now = kNow.time_since_epoch().count();
  const auto ask = [&](long left) {
    const auto access = token_of({{"sub", "ann"}, {"iat", now - 3600}, {"exp", now + left}});
    return explain::explain(compiled.config, *compiled.policy,
                            {.method = "GET",
                             .url = "https://h.example/x",
                             .headers = {"Cookie: access_token=" + access + "; refresh_token=r1"},
                             .body_bytes = {},
                             .client_ip = {},
                             .listener = {}},
                            kNow)
        .value();
  };
  const auto soon = ask(10);
  EXPECT_FALSE(soon.question);
  EXPECT_EQ(verdict_of(soon), "forward app");
  EXPECT_THAT(to_text(soon), HasSubstr("session_refresh         it is due; explaining does not try it"));
  const auto over = ask(-10);
  EXPECT_FALSE(over.question);
  EXPECT_EQ(verdict_of(over), "503 unavailable");
}

TEST(Explain, WhatFitsNoRequestIsAMessage) {
  Explaining explaining(kListeners);
  const auto message = [&](const std::string& ip, const std::string& listener) {
    const auto told = explaining.ask(
        {.method = "GET", .url = "/", .headers = {}, .body_bytes = {}, .client_ip = ip, .listener = listener});
    return told ? "fine" : told.error().text;
  };
  EXPECT_EQ(message("", "publik"),
            "no listener is called \"publik\" (did you mean \"public\"?); there are public, proxied, local");
  EXPECT_EQ(message("localhost", ""), "the client's address is no IP address");
  EXPECT_EQ(message("127.0.0.1", "local"), "the listener local is a unix socket, on which clients have no address");
  EXPECT_EQ(
      explaining.ask({.method = "GET", .url = "/", .headers = {"x"}, .body_bytes = {}, .client_ip = {}, .listener = {}})
          .error()
          .text,
      "header 1 is no \"Name: value\"");
}

}  // namespace
}  // namespace sidegate::explain
