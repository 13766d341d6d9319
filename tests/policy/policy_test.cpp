#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deciding.hpp"

namespace sidegate::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kInject =
    "inject: {X-User-Id: \"{subject}\", X-User-Type: \"{claims.user_type|staff}\", X-User-Roles: \"{roles}\", "
    "X-Auth-Method: \"{authenticator}\", X-Service: tts}\n";

const std::string kRoutes =
    "routes:\n"
    "  - {name: public, path: /public/**, authenticate: none, upstream: app}\n"
    "  - {name: maybe, path: /maybe/**, authenticate: optional, upstream: app}\n"
    "  - {name: keep-out, path: /drop/**, authenticate: [staff], upstream: app, forward_credential: false}\n"
    "  - {name: free, path: /free/**, authenticate: [staff], upstream: app, csrf: none}\n"
    "  - {name: all, path: /**, authenticate: [staff], upstream: app}\n";

const std::string kToken = token_of({{"sub", "42"}});
const std::string kOtherToken = token_of({{"sub", "7"}});
const std::string kExpired = token_of({{"sub", "42"}, {"exp", 1'789'999'999}});
const std::string kForged = token_of({{"sub", "42"}}, "another secret that is long enough");

std::string cookie(const std::string& value) {
  return "Cookie: access_token=" + value;
}
std::string bearer(const std::string& value) {
  return "Authorization: Bearer " + value;
}

TEST(Policy, DecidesByTheCredential) {
  struct Case {
    const char* name;
    std::string start;
    std::vector<std::string> fields;
    std::string expected;
  };
  const Case cases[]{
      {"nothing", "GET /x", {}, "refuse missing staff missing"},
      {"a cookie", "GET /x", {cookie(kToken)}, "forward all staff=42 -authorization"},
      {"a bearer token", "GET /x", {bearer(kToken)}, "forward all staff=42"},
      {"the scheme in any case", "GET /x", {"Authorization: bEARER   " + kToken}, "forward all staff=42"},
      {"the cookie comes first",
       "GET /x",
       {bearer(kOtherToken), cookie(kToken)},
       "forward all staff=42 -authorization"},
      {"a bad cookie decides, whatever the bearer is",
       "GET /x",
       {bearer(kToken), cookie(kForged)},
       "refuse bad_signature staff bad_signature"},
      {"an empty cookie is none", "GET /x", {cookie(""), bearer(kToken)}, "forward all staff=42 -cookie"},
      {"an empty cookie alone", "GET /x", {cookie("")}, "refuse missing staff missing"},
      {"another cookie", "GET /x", {"Cookie: access_tokens=" + kToken}, "refuse missing staff missing"},
      {"another case of its name", "GET /x", {"Cookie: Access_Token=" + kToken}, "refuse missing staff missing"},
      {"among others",
       "GET /x",
       {"Cookie: a=b;access_token = " + kToken + " ; c=d"},
       "forward all staff=42 -authorization"},
      {"in a second field", "GET /x", {"Cookie: a=b", cookie(kToken)}, "forward all staff=42 -authorization"},
      {"twice the same", "GET /x", {cookie(kToken), cookie(kToken)}, "forward all staff=42 -authorization"},
      {"twice, differing", "GET /x", {cookie(kToken), cookie(kOtherToken)}, "refuse ambiguous_cookie staff malformed"},
      {"twice, one empty", "GET /x", {cookie(kToken), cookie("")}, "refuse ambiguous_cookie staff malformed"},
      {"quoted", "GET /x", {cookie("\"" + kToken + "\"")}, "refuse quoted_cookie staff malformed"},
      {"two Authorization fields",
       "GET /x",
       {bearer(kToken), bearer(kToken)},
       "refuse several_authorizations staff malformed"},
      {"two Authorization fields beside a good cookie",
       "GET /x",
       {cookie(kToken), bearer(kToken), bearer(kOtherToken)},
       "refuse several_authorizations staff malformed"},
      {"another scheme", "GET /x", {"Authorization: Basic dTpw"}, "refuse missing staff missing"},
      {"a scheme that begins alike", "GET /x", {"Authorization: Bearers " + kToken}, "refuse missing staff missing"},
      {"a scheme alone", "GET /x", {"Authorization: Bearer"}, "refuse missing staff missing"},
      {"an empty field", "GET /x", {"Authorization:"}, "refuse missing staff missing"},
      {"expired", "GET /x", {bearer(kExpired)}, "refuse expired staff expired"},
      {"no token at all", "GET /x", {bearer("nonsense")}, "refuse malformed staff malformed"},
      {"too long", "GET /x", {bearer(std::string(16 * 1024 + 1, 'a'))}, "refuse token_too_large staff malformed"},
      {"public, nothing", "GET /public", {}, "forward public"},
      {"public, credentials are not looked at", "GET /public", {cookie(kForged), bearer("x")}, "forward public"},
      {"public, two Authorization fields", "GET /public", {bearer("x"), bearer("y")}, "forward public"},
      {"optional, nothing", "GET /maybe", {}, "forward maybe -authorization"},
      {"optional, good", "GET /maybe", {bearer(kToken)}, "forward maybe staff=42"},
      {"optional, bad is not missing", "GET /maybe", {bearer(kExpired)}, "refuse expired staff expired"},
      {"optional, ambiguous",
       "GET /maybe",
       {bearer(kToken), bearer(kToken)},
       "refuse several_authorizations staff malformed"},
      {"optional, another scheme goes no further",
       "GET /maybe",
       {"Authorization: Basic dTpw"},
       "forward maybe -authorization"},
      {"not forwarded, cookie", "GET /drop", {cookie(kToken)}, "forward keep-out staff=42 -authorization -cookie"},
      {"not forwarded, bearer", "GET /drop", {bearer(kToken)}, "forward keep-out staff=42 -authorization"},
  };
  Deciding deciding(with(kInject + kRoutes));
  for (const Case& each : cases) {
    EXPECT_EQ(deciding.description(request_of(each.start, each.fields)), each.expected) << each.name;
  }
}

TEST(Policy, InjectsIdentityForWhoeverHasOne) {
  Deciding deciding(with(kInject + kRoutes));
  EXPECT_EQ(deciding.lines(request_of("GET /x", {bearer(kToken)})),
            "X-User-Id: 42\r\nX-User-Type: staff\r\nX-Auth-Method: staff\r\nX-Service: tts\r\n");
  const auto token = token_of(
      {{"sub", "42"}, {"user_type", "admin"}, {"roles", {{{"system", "TTS"}, {"role", "Technician"}}, "AMS:User"}}});
  EXPECT_EQ(deciding.lines(request_of("GET /x", {bearer(token)})),
            "X-User-Id: 42\r\nX-User-Type: admin\r\nX-User-Roles: TTS:Technician,AMS:User\r\nX-Auth-Method: staff\r\n"
            "X-Service: tts\r\n");
  // Nobody: nothing that speaks of a caller, not even with a default.
  EXPECT_EQ(deciding.lines(request_of("GET /public")), "X-Service: tts\r\n");
  EXPECT_EQ(deciding.lines(request_of("GET /public", {bearer(kToken)})), "X-Service: tts\r\n");
  EXPECT_EQ(deciding.lines(request_of("GET /maybe")), "X-Service: tts\r\n");
}

TEST(Policy, ARoutesHeadersTakeThePlaceOfThoseOfTheSameName) {
  Deciding deciding(with(kInject +
                         "routes: [{path: /**, authenticate: [staff], upstream: app, inject: {x-user-type: fixed, "
                         "X-Tenant: \"{claims.tenant|}\"}}]\n"));
  EXPECT_EQ(deciding.lines(request_of("GET /", {bearer(kToken)})),
            "X-User-Id: 42\r\nX-Auth-Method: staff\r\nX-Service: tts\r\nx-user-type: fixed\r\n");
  const auto token = token_of({{"sub", "42"}, {"tenant", "acme"}});
  EXPECT_THAT(deciding.lines(request_of("GET /", {bearer(token)})), HasSubstr("X-Tenant: acme\r\n"));
}

TEST(Policy, AControlCharacterInAClaimRefusesTheRequest) {
  Deciding deciding(with(kInject + kRoutes));
  const auto token = token_of({{"sub", "42"}, {"user_type", "a\r\nX-User-Id: 1"}});
  EXPECT_EQ(deciding.description(request_of("GET /x", {bearer(token)})), "refuse malformed staff malformed 42");
  EXPECT_THAT(deciding.lines(request_of("GET /x", {bearer(token)})), Not(HasSubstr("X-User-Id")));
}

TEST(Policy, ForgedNamesAreDropped) {
  Deciding deciding(
      with(kInject + "routes: [{path: /a, authenticate: none, upstream: app, inject: {X-Tenant: acme}}, {path: /**, "
                     "authenticate: [staff], upstream: app}]\n"));
  const auto drops = [&](std::string_view name) {
    return deciding.policy().filter().drops(
        {.name = name, .value = {}, .line = {}, .known = http::field_name_of(name)});
  };
  // What is injected on whatever route, and what the default of `strip` names, in every spelling.
  for (const auto* name : {"X-User-Id", "x-user-id", "X_User_Id", "X.User.Id", "X-User-Anything", "X_AUTH_x", "X-Auth-",
                           "X-Service", "x_service", "X-Tenant", "x.tenant", "X-Forwarded-For", "Connection"}) {
    EXPECT_TRUE(drops(name)) << name;
  }
  for (const auto* name : {"X-User", "X-Users-Id", "X-Authority", "X-Services", "Accept", "Cookie", "Host"}) {
    EXPECT_FALSE(drops(name)) << name;
  }
}

TEST(Policy, StripMayBeReplaced) {
  Deciding deciding(with("strip: [X-Own-*]\nroutes: [{path: /**, authenticate: none, upstream: app}]\n"));
  const auto drops = [&](std::string_view name) {
    return deciding.policy().filter().drops({.name = name, .value = {}, .line = {}, .known = http::FieldName::Other});
  };
  EXPECT_TRUE(drops("x_own_y"));
  EXPECT_FALSE(drops("X-User-Id"));
}

TEST(Policy, RemovesTheOtherPlacesOfACredential) {
  Deciding deciding(with(kInject + kRoutes));
  const auto cookies = "Cookie: a=b; access_token=" + kToken + "; c=d";
  // By cookie: the cookies stay as they are.
  EXPECT_THAT(deciding.lines(request_of("GET /x", {cookies})), Not(HasSubstr("Cookie")));
  // By bearer token: an empty cookie of that name goes, the others stay.
  EXPECT_THAT(deciding.lines(request_of("GET /x", {"Cookie: a=b; access_token=; c=d", bearer(kToken)})),
              HasSubstr("\r\nCookie: a=b; c=d\r\n"));
  // Not forwarded at all.
  EXPECT_THAT(deciding.lines(request_of("GET /drop", {cookies})), HasSubstr("\r\nCookie: a=b; c=d\r\n"));
  EXPECT_THAT(deciding.lines(request_of("GET /drop", {cookie(kToken)})), Not(HasSubstr("Cookie")));
  EXPECT_FALSE(deciding.decide(request_of("GET /drop", {cookie(kToken)})).forward_cookie);
  // Nobody's on a public route.
  EXPECT_TRUE(deciding.decide(request_of("GET /public", {cookies, bearer(kToken)})).forward_cookie);
}

TEST(Policy, FindsTheRoute) {
  const std::string routes =
      "routes:\n"
      "  - {name: get, path: /a, methods: [GET, PUT], authenticate: none, upstream: app}\n"
      "  - {name: post, path: /a, methods: [POST, PURGE], authenticate: none, upstream: app}\n"
      "  - {name: here, host: h.example, path: /h/**, authenticate: none, upstream: app}\n"
      "  - {name: below, host: \"*.example\", path: [/h/**, /i], authenticate: none, upstream: app}\n"
      "  - {name: first, path: \"/x/{id}\", authenticate: none, upstream: app}\n"
      "  - {name: second, path: /x/**, authenticate: none, upstream: app}\n";
  Deciding deciding(with(routes));
  const auto to = [](const char* host, const char* path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  };
  EXPECT_EQ(deciding.description(request_of("GET /a")), "forward get");
  EXPECT_EQ(deciding.description(request_of("HEAD /a")), "forward get");
  EXPECT_EQ(deciding.description(request_of("PUT /a?x")), "forward get");
  EXPECT_EQ(deciding.description(request_of("POST /a")), "forward post");
  EXPECT_EQ(deciding.description(request_of("PURGE /a")), "forward post");
  EXPECT_EQ(deciding.description(request_of("DELETE /a")), "refuse method_not_allowed");
  EXPECT_EQ(deciding.lines(request_of("DELETE /a")), "Allow: GET, PUT, HEAD, POST, PURGE\r\n");
  EXPECT_EQ(deciding.decide(request_of("DELETE /a")).route, nullptr);
  EXPECT_EQ(deciding.description(request_of("get /a")), "refuse method_not_allowed");
  EXPECT_EQ(deciding.description(request_of("GET /b")), "refuse no_route");
  EXPECT_EQ(deciding.description(request_of("GET /a/")), "refuse no_route");
  EXPECT_EQ(deciding.description(to("H.Example:81", "/h/x")), "forward here");
  EXPECT_EQ(deciding.description(to("a.example", "/h/x")), "forward below");
  EXPECT_EQ(deciding.description(to("h.example", "/i")), "forward below");
  EXPECT_EQ(deciding.description(to("example", "/h/x")), "refuse no_route");
  EXPECT_EQ(deciding.description("GET /h/x HTTP/1.0\r\n\r\n"), "refuse no_route");
  EXPECT_EQ(deciding.description("GET /a HTTP/1.0\r\n\r\n"), "forward get");
  EXPECT_EQ(deciding.description(request_of("GET /x/7")), "forward first");
  EXPECT_EQ(deciding.description(request_of("GET /x/7/y")), "forward second");
  // What is matched is the canonical path.
  EXPECT_EQ(deciding.description(request_of("GET /b/../%61")), "forward get");
  EXPECT_EQ(deciding.description(request_of("GET //x//7")), "forward first");
}

// What an origin might read in another way is let through where the matched route says so, and nowhere else.
TEST(Policy, ARouteMayKeepEncodedSlashesAndPathParameters) {
  const std::string routes =
      "routes:\n"
      "  - {name: files, path: /files/**, authenticate: none, upstream: app, encoded_slash: keep}\n"
      "  - {name: java, path: /java/**, authenticate: none, upstream: app, path_parameters: keep}\n"
      "  - {name: both, path: /both/**, authenticate: none, upstream: app, encoded_slash: keep, path_parameters: "
      "keep}\n"
      "  - {name: one, path: \"/one/{id}\", methods: [GET], authenticate: none, upstream: app, encoded_slash: keep}\n"
      "  - {name: plain, path: /plain/**, authenticate: none, upstream: app, encoded_slash: reject}\n"
      "  - {name: staff, path: /staff/**, authenticate: [staff], upstream: app}\n"
      "  - {name: staff-files, path: /staff-files/**, authenticate: [staff], upstream: app, encoded_slash: keep}\n";
  struct Case {
    std::string start;
    std::string expected;
  };
  const Case cases[]{
      {"GET /files/a%2Fb", "forward files"},
      {"GET /files/a%2fb/c", "forward files"},
      {"GET /files/a;b", "refuse path_parameters"},
      {"GET /files/a%2Fb;c", "refuse path_parameters"},
      {"GET /java/a;b=c/d", "forward java"},
      {"GET /java/a%2Fb", "refuse encoded_slash"},
      {"GET /java/a%2Fb;c", "refuse encoded_slash"},
      {"GET /both/a%2Fb;c", "forward both"},
      {"GET /plain/a%2Fb", "refuse encoded_slash"},
      {"GET /plain/a;b", "refuse path_parameters"},
      {"GET /plain/a;", "refuse path_parameters"},
      {"GET /plain/a%3Bb", "forward plain"},
      {"GET /plain/a?b%2Fc;d", "forward plain"},
      // They stood in the received path, though dot segments took them away.
      {"GET /plain/a%2Fb/../c", "refuse encoded_slash"},
      {"GET /plain/a;jsessionid=1/../b", "refuse path_parameters"},
      {"GET /files/a%2Fb/../c", "forward files"},
      {"GET /java/a;jsessionid=1/../b", "forward java"},
      // They are a part of their segment.
      {"GET /one/a%2Fb", "forward one"},
      {"GET /one/a/b", "refuse no_route"},
      {"GET /one/a%2Fb/c", "refuse encoded_slash"},
      {"GET /files%2Fa", "refuse encoded_slash"},
      {"GET /java;a/b", "refuse path_parameters"},
      // No route keeps them: refused before it is said whether there is one.
      {"GET /nothing/a%2Fb", "refuse encoded_slash"},
      {"GET /nothing;a", "refuse path_parameters"},
      {"GET /nothing/a", "refuse no_route"},
      {"DELETE /one/a%2Fb", "refuse encoded_slash"},
      {"DELETE /one/a", "refuse method_not_allowed"},
      // Before anybody is asked for a credential.
      {"GET /staff/a%2Fb", "refuse encoded_slash"},
      {"GET /staff/a;b", "refuse path_parameters"},
      {"GET /staff-files/a%2Fb", "refuse missing staff missing"},
  };
  Deciding deciding(with(routes));
  for (const auto& [start, expected] : cases) {
    EXPECT_EQ(deciding.description(request_of(start)), expected) << start;
    if (expected.starts_with("refuse encoded_slash") || expected.starts_with("refuse path_parameters")) {
      EXPECT_EQ(base::status_of(deciding.decide(request_of(start)).reason), 400U);
      EXPECT_EQ(deciding.lines(request_of(start)), "") << start;
    }
  }
  EXPECT_EQ(deciding.description(request_of("GET /staff/a%2Fb", {bearer(kToken)})), "refuse encoded_slash");
  EXPECT_EQ(deciding.description(request_of("GET /staff-files/a%2Fb", {bearer(kToken)})),
            "forward staff-files staff=42");
  EXPECT_EQ(deciding.decide(request_of("GET /plain/a%2Fb")).route->name, "plain");
  EXPECT_EQ(deciding.decide(request_of("GET /nothing/a%2Fb")).route, nullptr);
  EXPECT_EQ(deciding.decide(request_of("DELETE /one/a%2Fb")).route, nullptr);
}

TEST(Policy, TheOriginMayBeAskedForAnotherPathOfAnotherHost) {
  const std::string routes =
      "routes:\n"
      "  - {name: users, path: /users/**, authenticate: none, upstream: app, rewrite: {strip_prefix: /users, prefix: "
      "/api, host: \"tts.internal:8080\"}}\n"
      "  - {name: wiki, path: /wiki/**, authenticate: none, upstream: app, encoded_slash: keep, rewrite: "
      "{strip_prefix: /wiki}}\n"
      "  - {name: old, path: /old/**, authenticate: [staff], upstream: app, rewrite: {prefix: /archive}}\n"
      "  - {name: named, path: /named, authenticate: none, upstream: app, rewrite: {host: \"[::1]\"}}\n"
      "  - {name: idle, path: /idle/**, authenticate: none, upstream: app, rewrite: {}}\n"
      "  - {name: plain, path: /**, authenticate: none, upstream: app}\n";
  struct Case {
    std::string start;
    std::string path;
    std::string host;
  };
  const Case cases[]{
      {"GET /users", "/api", "tts.internal:8080"},
      {"GET /users/", "/api/", "tts.internal:8080"},
      {"GET /users/7?a=/users", "/api/7", "tts.internal:8080"},
      {"GET /x/..//users/./7", "/api/7", "tts.internal:8080"},
      {"GET /wiki", "/", ""},
      {"GET /wiki/a%2fb", "/a%2Fb", ""},
      {"GET /named", "", "[::1]"},
      {"GET /idle/a", "", ""},
      {"GET /userss/7", "", ""},
      {"GET /", "", ""},
  };
  Deciding deciding(with(routes));
  for (const auto& [start, path, host] : cases) {
    const Decision& decision = deciding.decide(request_of(start));
    ASSERT_EQ(decision.kind, Decision::Kind::Forward) << start;
    EXPECT_EQ(decision.path, path) << start;
    EXPECT_EQ(decision.host, host) << start;
  }
  EXPECT_EQ(deciding.decide(request_of("GET /old/a", {bearer(kToken)})).path, "/archive/old/a");
  const Decision& refused = deciding.decide(request_of("GET /old/a"));
  EXPECT_EQ(describe(refused), "refuse missing staff missing");
  EXPECT_EQ(refused.path, "");
}

TEST(Policy, EndsWhatOutlivesItsHeadWithTheCredential) {
  const auto authenticator = [](const std::string& name, const std::string& more) {
    return "  " + name + ": {jwt: {token: [{bearer: Authorization}], algorithms: [HS256], " + more + "}}\n";
  };
  const std::string keys = "keys: [{secret: " + std::string(kSecret) + "}]";
  std::string text =
      "version: 1\n"
      "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
      "authenticators:\n";
  text += authenticator("staff", keys);
  text += authenticator("late", keys + ", leeway: 30s");
  text += authenticator("free", keys + ", require_claims: [sub]");
  text += authenticator("young", keys + ", require_claims: [sub, iat], max_age: 10m");
  // 200 seconds after kNow.
  text += authenticator("rotated", "keys: [{secret: " + std::string(kSecret) + ", until: \"2026-09-21T14:16:40Z\"}]");
  text += "routes:\n";
  for (const std::string name : {"staff", "late", "free", "young", "rotated"}) {
    text += "  - {path: /" + name + ", authenticate: [" + name + "], upstream: app}\n";
  }
  text += "  - {path: /kept, authenticate: [staff], upstream: app, close_at_expiry: false}\n";
  text += "  - {path: /ended, authenticate: [staff], upstream: app, close_at_expiry: true}\n";
  text += "  - {path: /open, authenticate: none, upstream: app}\n";
  Deciding deciding(text);
  constexpr auto kNever = base::UnixTime::max();
  const auto in = [](int seconds) { return kNow + std::chrono::seconds(seconds); };
  struct Case {
    std::string path;
    std::string token;
    base::UnixTime ends;
  };
  const auto now = kNow.time_since_epoch().count();
  const std::string hour = token_of({{"sub", "42"}, {"exp", now + 3600}});
  const std::string endless = *token::sign_jwt({{"sub", "42"}}, token::Algorithm::HS256, kSecret);
  const Case cases[]{
      {"/staff", hour, in(3600)},
      {"/staff", token_of({{"sub", "42"}, {"exp", now + 1}}), in(1)},
      {"/ended", hour, in(3600)},
      {"/kept", hour, kNever},
      {"/open", hour, kNever},
      {"/late", hour, in(3630)},
      {"/late", token_of({{"sub", "42"}, {"exp", now - 10}}), in(20)},
      {"/free", hour, in(3600)},
      {"/free", endless, kNever},
      {"/young", token_of({{"sub", "42"}, {"iat", now - 60}, {"exp", now + 3600}}), in(540)},
      {"/young", token_of({{"sub", "42"}, {"iat", now - 60}, {"exp", now + 100}}), in(100)},
      {"/rotated", hour, in(200)},
      {"/rotated", token_of({{"sub", "42"}, {"exp", now + 100}}), in(100)},
  };
  for (const auto& [path, token, ends] : cases) {
    const Decision& decision = deciding.decide(request_of("GET " + path, {bearer(token)}));
    ASSERT_EQ(decision.kind, Decision::Kind::Forward) << path << ' ' << describe(decision);
    EXPECT_EQ(decision.ends, ends) << path << ' ' << (decision.ends - kNow).count();
  }
}

TEST(Policy, WithoutACredentialNothingEnds) {
  Deciding deciding(with(kInject + kRoutes));
  EXPECT_EQ(deciding.decide(request_of("GET /maybe")).ends, base::UnixTime::max());
  EXPECT_EQ(deciding.decide(request_of("GET /maybe", {bearer(kToken)})).ends, kNow + std::chrono::seconds(3600));
  EXPECT_EQ(deciding.decide(request_of("GET /public", {bearer(kToken)})).ends, base::UnixTime::max());
}

TEST(Policy, RoutesStandOnTheirListeners) {
  const std::string text =
      "version: 1\n"
      "listeners: {public: {address: \"127.0.0.1:0\"}, inner: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}, other: {servers: [\"http://127.0.0.1:8001\"]}}\n"
      "routes:\n"
      "  - {name: open, path: /**, authenticate: none, upstream: app}\n"
      "  - {name: own, listener: inner, path: /in, authenticate: none, upstream: other, timeout: 3s, max_body: 1KiB}\n";
  Deciding deciding(text);
  EXPECT_EQ(deciding.description(request_of("GET /in"), 0), "forward open");
  EXPECT_EQ(deciding.description(request_of("GET /in"), 1), "forward own");
  EXPECT_EQ(deciding.description(request_of("GET /x"), 1), "refuse no_route");
  const RouteFacts& open = *deciding.decide(request_of("GET /"), 0).route;
  EXPECT_EQ(open.index, 0U);
  EXPECT_EQ(open.upstream, 0U);
  EXPECT_EQ(open.timeout, std::nullopt);
  EXPECT_EQ(open.max_body_bytes, std::nullopt);
  const RouteFacts& own = *deciding.decide(request_of("GET /in"), 1).route;
  EXPECT_EQ(own.index, 1U);
  EXPECT_EQ(own.upstream, 1U);
  EXPECT_EQ(own.timeout, std::chrono::milliseconds(3000));
  EXPECT_EQ(own.max_body_bytes, 1024U);
}

TEST(Policy, ARefusalTellsOnlyItsClass) {
  Deciding deciding(with(kInject + kRoutes));
  EXPECT_EQ(deciding.lines(request_of("GET /x")), "WWW-Authenticate: Bearer realm=\"sidegate\"\r\n");
  const auto expired = deciding.lines(request_of("GET /x", {bearer(kExpired)}));
  const auto forged = deciding.lines(request_of("GET /x", {cookie(kForged)}));
  EXPECT_THAT(expired, testing::StartsWith("WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\""));
  EXPECT_EQ(expired, forged);
  EXPECT_THAT(deciding.lines(request_of("GET /x", {bearer(kToken), bearer(kToken)})), IsEmpty());
}

TEST(Policy, ACookieIsNoGoodFromAnotherSite) {
  struct Case {
    std::string start;
    std::vector<std::string> fields;
    bool refused;
  };
  const std::string own = "Origin: http://h.example";
  const std::string foreign = "Origin: https://evil.example";
  const Case cases[]{
      {"POST /x", {}, false},
      {"POST /x", {own}, false},
      {"POST /x", {"origin: HTTP://H.Example"}, false},
      {"POST /x", {"Origin: https://h.example"}, false},  // the TLS may have ended before us
      {"POST /x", {"Origin: http://h.example:80"}, false},
      {"POST /x", {"Origin: https://h.example:443"}, false},
      {"POST /x", {"Origin: http://h.example:8080"}, true},
      {"POST /x", {"Origin: http://h.example.evil"}, true},
      {"POST /x", {"Origin: http://xh.example"}, true},
      {"POST /x", {foreign}, true},
      {"POST /x", {own, foreign}, true},
      {"POST /x", {"Origin: null"}, true},
      {"POST /x", {"Origin:"}, true},
      {"POST /x", {"Origin: h.example"}, true},
      {"PUT /x", {foreign}, true},
      {"DELETE /x", {foreign}, true},
      {"PURGE /x", {foreign}, true},
      {"GET /x", {foreign}, false},
      {"HEAD /x", {foreign}, false},
      {"OPTIONS /x", {foreign}, false},
      {"GET /x", {foreign, "Connection: upgrade", "Upgrade: websocket"}, true},
      {"GET /x", {own, "Connection: upgrade", "Upgrade: websocket"}, false},
  };
  Deciding deciding(with(kInject + kRoutes));
  for (const Case& each : cases) {
    auto fields = each.fields;
    fields.push_back(cookie(kToken));
    EXPECT_EQ(deciding.description(request_of(each.start, fields)),
              each.refused ? "refuse cross_site staff accepted 42" : "forward all staff=42 -authorization")
        << each.start << " " << testing::PrintToString(each.fields);
    // A bearer token is not sent along by a browser.
    fields.back() = bearer(kToken);
    EXPECT_EQ(deciding.description(request_of(each.start, fields)), "forward all staff=42");
  }
  EXPECT_EQ(deciding.description(request_of("POST /free", {foreign, cookie(kToken)})),
            "forward free staff=42 -authorization");
  EXPECT_EQ(deciding.description(request_of("POST /public", {foreign, cookie(kToken)})), "forward public");
  // A bad cookie is a bad cookie wherever it comes from.
  EXPECT_EQ(deciding.description(request_of("POST /x", {foreign, cookie(kForged)})),
            "refuse bad_signature staff bad_signature");
  const auto other_port =
      "POST /x HTTP/1.1\r\nHost: h.example:8080\r\nOrigin: http://h.example:8080\r\n" + cookie(kToken) + "\r\n\r\n";
  EXPECT_EQ(deciding.description(other_port), "forward all staff=42 -authorization");
}

TEST(Policy, NamesTheCallerByTheSubject) {
  struct Case {
    boost::json::value subject;
    std::string expected;
  };
  const Case cases[]{
      {"42", "42"},
      {42, "42"},
      {-42, "-42"},
      {std::int64_t{9'223'372'036'854'775'807}, "9223372036854775807"},
      {std::uint64_t{18'446'744'073'709'551'615U}, "18446744073709551615"},
      {"a b", "a b"},
      {"...", "..."},
      {"", ""},
      {".", ""},
      {"..", ""},
      {nullptr, ""},
      {true, ""},
      {4.5, ""},
      {42.0, ""},
      {boost::json::object{{"id", 1}}, ""},
      {boost::json::array{1}, ""},
  };
  Deciding deciding(with("routes: [{name: all, path: /**, authenticate: [staff], upstream: app}]\n"));
  for (const Case& each : cases) {
    const auto token = token_of({{"sub", each.subject}});
    EXPECT_EQ(
        deciding.description(request_of("GET /", {bearer(token)})),
        each.expected.empty() ? "refuse missing_claim staff missing_claim" : "forward all staff=" + each.expected);
  }
  EXPECT_EQ(deciding.description(request_of("GET /", {bearer(token_of({}))})),
            "refuse missing_claim staff missing_claim");
}

TEST(Policy, TheSubjectsClaimMayBeNamed) {
  const std::string text =
      "version: 1\n"
      "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
      "authenticators: {staff: {jwt: {token: [{bearer: Authorization}], subject: user.id, roles: realm_access.roles, "
      "keys: [{secret: 0123456789abcdef0123456789abcdef}], algorithms: [HS256]}}}\n"
      "inject: {X-User-Roles: \"{roles}\"}\n"
      "routes: [{name: all, path: /**, authenticate: [staff], upstream: app}]\n";
  Deciding deciding(text);
  const auto token =
      token_of({{"sub", "no"}, {"user", {{"id", 7}}}, {"realm_access", {{"roles", boost::json::array{"a", "b"}}}}});
  EXPECT_EQ(deciding.description(request_of("GET /", {bearer(token)})), "forward all staff=7");
  EXPECT_EQ(deciding.lines(request_of("GET /", {bearer(token)})), "X-User-Roles: a,b\r\n");
  EXPECT_EQ(deciding.description(request_of("GET /", {cookie(kToken)})), "refuse missing staff missing");
}

TEST(Policy, ADecisionLeavesNothingToTheNext) {
  Deciding deciding(with(kInject + kRoutes));
  const auto large = token_of({{"sub", "1"}, {"user_type", "large"}, {"fill", std::string(8000, 'x')}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(deciding.description(request_of("GET /x", {cookie(large)})), "forward all staff=1 -authorization");
    EXPECT_EQ(deciding.description(request_of("GET /x", {bearer(kToken)})), "forward all staff=42");
    EXPECT_THAT(deciding.lines(request_of("GET /x", {bearer(kToken)})), HasSubstr("X-User-Type: staff\r\n"));
    EXPECT_EQ(deciding.lines(request_of("GET /public")), "X-Service: tts\r\n");
    EXPECT_EQ(deciding.description(request_of("GET /x")), "refuse missing staff missing");
  }
}

}  // namespace
}  // namespace sidegate::policy
