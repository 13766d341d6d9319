#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deciding.hpp"

namespace sidegate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string routes(const std::vector<std::string>& lines) {
  std::string text = "routes:\n";
  for (const auto& line : lines) text += "  - {" + line + ", upstream: app}\n";
  return text;
}

/// What is said about routes; the rest of these small configurations may well be unused.
std::vector<std::string> about_routes(const Compiled& compiled) {
  std::vector<std::string> lines;
  for (const auto& line : compiled.lines) {
    if (line.find(" at routes[") != std::string::npos) lines.push_back(line);
  }
  return lines;
}

TEST(PolicyCompile, RoutesThatCanNeverMatchAreErrors) {
  struct Case {
    std::string first;
    std::string second;
    bool error;
  };
  const Case cases[]{
      {"path: /**", "path: /a", true},
      {"path: /a", "path: /a", true},
      {"path: /a", "path: /**", false},
      {"path: \"/{x}\"", "path: /a", true},
      {"path: [/a, /b]", "path: /b", true},
      {"path: [/a, /b]", "path: [/b, /c]", false},
      {"path: /a, methods: [GET]", "path: /a", false},
      {"path: /a, methods: [GET]", "path: /a, methods: [HEAD]", true},
      {"path: /a, methods: [GET, POST]", "path: /a, methods: [POST]", true},
      {"path: /a, methods: [POST]", "path: /a, methods: [POST, PUT]", false},
      {"path: /a", "path: /a, methods: [POST]", true},
      {"path: /a, host: h", "path: /a", false},
      {"path: /a", "path: /a, host: h", true},
      {"path: /a, host: \"*.h\"", "path: /a, host: x.h", true},
      {"path: /a, host: [x.h, y.h]", "path: /a, host: y.h", true},
      {"path: /a, host: x.h", "path: /a, host: \"*.h\"", false},
  };
  for (const Case& each : cases) {
    const auto compiled =
        compile(with(routes({each.first + ", authenticate: none", each.second + ", authenticate: none"})));
    EXPECT_EQ(compiled.ok, !each.error) << each.first << " / " << each.second;
    if (each.error) {
      EXPECT_THAT(
          about_routes(compiled),
          ElementsAre("test.yaml:7:5: at routes[1]: this route can never match: the route \"route-1\" on line 6 "
                      "takes everything that it would"));
    }
  }
}

TEST(PolicyCompile, AWeakerRouteThatFollowsIsAWarning) {
  struct Case {
    std::string first;
    std::string second;
    bool warning;
  };
  const Case cases[]{
      {"path: /a/**, methods: [GET], authenticate: [staff]", "path: /**, authenticate: none", true},
      {"path: /a/**, authenticate: [staff]", "path: /**, authenticate: optional", true},
      {"path: /a, host: h, authenticate: [staff]", "path: /a, authenticate: none", true},
      {"path: /a/**, authenticate: [staff]", "path: /b/**, authenticate: none", false},
      {"path: /a/**, methods: [GET], authenticate: [staff]", "path: /**, authenticate: [staff]", false},
      {"path: /a/**, authenticate: none", "path: /**, authenticate: [staff]", false},
  };
  for (const Case& each : cases) {
    const auto compiled = compile(with(routes({each.first, each.second})));
    EXPECT_TRUE(compiled.ok);
    const auto lines = about_routes(compiled);
    ASSERT_EQ(lines.size(), each.warning ? 1U : 0U) << each.first << " / " << each.second;
    if (each.warning) {
      EXPECT_EQ(lines[0],
                "test.yaml:7:5: at routes[1]: warning: this route asks for less than the route \"route-1\" before it, "
                "and takes whatever that one's paths, hosts and methods leave");
    }
  }
}

TEST(PolicyCompile, AListenerWithoutRoutesIsAWarning) {
  const auto compiled = compile(
      "version: 1\n"
      "listeners: {public: {address: \"127.0.0.1:0\"}, inner: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
      "routes: [{path: /**, listener: inner, authenticate: none, upstream: app}]\n");
  EXPECT_TRUE(compiled.ok);
  const auto said = testing::HasSubstr(
      "at listeners.public: warning: no route stands on this listener: every request to it is answered 404");
  EXPECT_THAT(compiled.lines, testing::Contains(said));
}

TEST(PolicyCompile, EverythingThatIsWrongIsSaidAtOnceAndOnce) {
  const auto compiled = compile(with("inject: {X-One: \"{subjct}\", X-Two: \"{user.}\"}\n" +
                                     routes({"path: a, authenticate: none", "path: /a*, authenticate: none",
                                             "path: /b, host: \"a b\", authenticate: none",
                                             "path: /c, authenticate: [staff], inject: {X-Three: \"{\"}",
                                             "path: /d, methods: [CONNECT], authenticate: none"})));
  EXPECT_FALSE(compiled.ok);
  EXPECT_THAT(compiled.lines,
              ElementsAre(AllOf(HasSubstr("at inject.X-One: "), HasSubstr("{subjct} is no placeholder")),
                          AllOf(HasSubstr("at inject.X-Two: "), HasSubstr("{user.} is no placeholder")),
                          HasSubstr("the path pattern \"a\" must begin with \"/\""),
                          HasSubstr("the path pattern \"/a*\" may have \"**\" as its last segment only"),
                          HasSubstr("the host \"a b\" must be a name"),
                          HasSubstr("at routes[3].inject.X-Three: a \"{\" without its \"}\""),
                          HasSubstr("CONNECT is never forwarded")));
}

TEST(PolicyCompile, ARewriteFitsItsRoute) {
  struct Case {
    std::string route;
    std::vector<std::string> expected;
  };
  const Case cases[]{
      {"path: /users/**, authenticate: none, rewrite: {strip_prefix: /users, prefix: /api, host: tts.internal}", {}},
      {"path: /users/**, authenticate: none, rewrite: {}", {}},
      {"path: /**, authenticate: none, rewrite: {strip_prefix: /users}",
       {"test.yaml:6:61: at routes[0].rewrite.strip_prefix: every path of the route must begin with the segments of "
        "strip_prefix, \"/users\""}},
      {"path: /users/**, authenticate: none, rewrite: {strip_prefix: /users/../x}",
       {"test.yaml:6:67: at routes[0].rewrite.strip_prefix: strip_prefix is not canonical: write \"/x\""}},
      {"path: /users/**, authenticate: none, rewrite: {prefix: api}",
       {"test.yaml:6:61: at routes[0].rewrite.prefix: prefix must begin with \"/\""}},
      {"path: /users/**, authenticate: none, rewrite: {host: \"http://tts.internal\"}",
       {"test.yaml:6:59: at routes[0].rewrite.host: \"http://tts.internal\" is no host such as app.internal or "
        "app.internal:8080"}},
      {"path: /users/**, authenticate: none, rewrite: {host: \"\"}",
       {"test.yaml:6:59: at routes[0].rewrite.host: expected a text that is not empty, found \"\""}},
      {"path: /users/**, authenticate: none, rewrite: {host: \"*.internal\"}",
       {"test.yaml:6:59: at routes[0].rewrite.host: \"*.internal\" is no host such as app.internal or "
        "app.internal:8080"}},
  };
  for (const auto& [route, expected] : cases) {
    EXPECT_EQ(about_routes(compile(with(routes({route})))), expected) << route;
  }
}

TEST(PolicyCompile, WhatTheTokensRoomFindsIsSaidToo) {
  const auto weak = compile(
      "version: 1\n"
      "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
      "authenticators: {staff: {jwt: {token: [{bearer: X-Token}], keys: [{secret: short}], algorithms: [HS257]}}}\n"
      "routes: [{path: /**, authenticate: [staff], upstream: app}]\n");
  EXPECT_FALSE(weak.ok);
  EXPECT_THAT(weak.lines, testing::Contains(HasSubstr("HS257")));
  EXPECT_THAT(weak.lines, testing::Contains(HasSubstr("a bearer token is read from the field Authorization only, not "
                                                      "from \"X-Token\"")));
  for (const auto& line : weak.lines) EXPECT_THAT(line, testing::Not(HasSubstr("short\"")));
}

}  // namespace
}  // namespace sidegate::policy
