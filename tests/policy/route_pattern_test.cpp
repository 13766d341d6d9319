#include "route_pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sidegate::policy {
namespace {

using ::testing::HasSubstr;

template <class Pattern>
Pattern compiled(const std::string& text) {
  auto pattern = Pattern::compile(text);
  EXPECT_TRUE(pattern.has_value()) << text;
  return std::move(pattern).value();
}

TEST(PathPattern, MatchesWholeSegments) {
  struct Case {
    const char* pattern;
    std::vector<const char*> yes;
    std::vector<const char*> no;
  };
  const Case cases[]{
      {"/", {"/"}, {"/a", "*", "/a/"}},
      {"/a", {"/a"}, {"/", "/a/", "/A", "/ab", "/a/b", "/%61b"}},
      {"/a/", {"/a/"}, {"/a", "/a/b"}},
      {"/a/b", {"/a/b"}, {"/a", "/a/", "/a/b/", "/a/bc", "/a/c"}},
      {"/**", {"/", "/a", "/a/b/"}, {"*"}},
      {"/public/**", {"/public", "/public/", "/public/x", "/public/x/y"}, {"/publicity", "/Public", "/", "/x/public"}},
      {"/{id}", {"/a", "/7", "/%20"}, {"/", "/a/", "/a/b"}},
      {"/users/{user_id}/**", {"/users/7", "/users/7/", "/users/7/x/y"}, {"/users", "/users/", "/user/7"}},
      {"/{a}/x/{b}", {"/1/x/2"}, {"/1/y/2", "/1/x/", "/1/x/2/3", "/1/x"}},
      {"/caf%C3%A9", {"/caf%C3%A9"}, {"/cafe", "/caf%C3%A8", "/caf%C3"}},
      {"/caf%c3%a9", {"/caf%C3%A9"}, {"/cafe"}},
      {"/a%20b", {"/a%20b"}, {"/a", "/a%20", "/a%20bc"}},
      {"/~me", {"/~me"}, {"/me"}},
      {"/%7Eme", {"/~me"}, {"/%7e"}},
      {"/a.b", {"/a.b"}, {"/axb"}},
      // What a route may keep is a part of its segment.
      {"/a/{b}", {"/a/x%2Fy", "/a/%2F", "/a/x;y", "/a/;"}, {"/a%2Fb", "/a/x%2Fy/z", "/a;x/b"}},
      {"/a/**", {"/a/x%2Fy", "/a/x;y/z", "/a/%2F"}, {"/a%2Fx", "/a;x", "/a;x/y"}},
      {"/a%3Bb", {"/a%3Bb"}, {"/a", "/a%3Bc"}},
  };
  for (const Case& each : cases) {
    const auto pattern = compiled<PathPattern>(each.pattern);
    for (const auto* path : each.yes) EXPECT_TRUE(pattern.matches(path)) << each.pattern << " " << path;
    for (const auto* path : each.no) EXPECT_FALSE(pattern.matches(path)) << each.pattern << " " << path;
  }
}

TEST(PathPattern, CoversWhatMatchesNothingElse) {
  struct Case {
    const char* pattern;
    const char* other;
    bool covers;
  };
  const Case cases[]{
      {"/**", "/**", true},    {"/**", "/", true},         {"/**", "/a/{b}/**", true}, {"/a/**", "/a", true},
      {"/a/**", "/a/", true},  {"/a/**", "/a/b/**", true}, {"/a/**", "/b", false},     {"/a/**", "/ab", false},
      {"/a/**", "/**", false}, {"/a", "/a", true},         {"/a", "/a/", false},       {"/a", "/a/**", false},
      {"/{x}", "/a", true},    {"/{x}", "/{y}", true},     {"/{x}", "/", false},       {"/{x}", "/a/b", false},
      {"/a", "/{x}", false},   {"/{x}/**", "/a/b", true},  {"/{x}/**", "/", false},    {"/{x}/b", "/a/{y}", false},
      {"/%7Ea", "/~a", true},  {"/a/b", "/a", false},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(compiled<PathPattern>(each.pattern).covers(compiled<PathPattern>(each.other)), each.covers)
        << each.pattern << " " << each.other;
  }
}

TEST(PathPattern, BeginsWithThePrefixOfEveryPathThatItMatches) {
  struct Case {
    const char* pattern;
    const char* prefix;
    bool begins;
  };
  const Case cases[]{
      {"/a/**", "", true},       {"/**", "", true},           {"/", "", true},
      {"/a", "/a", true},        {"/a/", "/a", true},         {"/a/**", "/a", true},
      {"/a/b", "/a", true},      {"/a/{b}", "/a", true},      {"/a/b/**", "/a/b", true},
      {"/%7Ea/**", "/~a", true}, {"/a:b/**", "/a%3Ab", true}, {"/caf%c3%a9/**", "/caf%C3%A9", true},
      {"/**", "/a", false},      {"/", "/a", false},          {"/ab/**", "/a", false},
      {"/a/**", "/ab", false},   {"/A/**", "/a", false},      {"/{x}/**", "/a", false},
      {"/a/**", "/a/b", false},  {"/a/", "/a/b", false},      {"/a/{b}/**", "/a/b", false},
      {"/x/a/**", "/a", false},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(compiled<PathPattern>(each.pattern).begins_with(each.prefix), each.begins)
        << each.pattern << " " << each.prefix;
  }
}

TEST(PathPattern, RefusesWhatCouldNeverMatchOrMeansSomethingElse) {
  struct Case {
    const char* text;
    const char* why;
  };
  const Case cases[]{
      {"", "must begin with \"/\""},
      {"a", "must begin with \"/\""},
      {"**", "must begin with \"/\""},
      {"/a//b", "has an empty segment"},
      {"//", "has an empty segment"},
      {"//**", "has an empty segment"},
      {"/a*", "no other \"*\""},
      {"/*", "no other \"*\""},
      {"/**/a", "no other \"*\""},
      {"/a**", "no other \"*\""},
      {"/{}", "has a parameter that is no name"},
      {"/{a-b}", "has a parameter that is no name"},
      {"/{a}{b}", "has a parameter that is no name"},
      {"/x{a}", "no canonical path can have"},
      {"/{a", "no canonical path can have"},
      {"/a}", "no canonical path can have"},
      {"/a?b", "has a query"},
      {"/a#b", "no canonical path can have"},
      {"/a;b", "no canonical path can have"},
      {"/a b", "no canonical path can have"},
      {"/a\\b", "no canonical path can have"},
      {"/a%2Fb", "no canonical path can have"},
      {"/a%5Cb", "no canonical path can have"},
      {"/..;a", "no canonical path can have"},
      {"/..%3B", "no canonical path can have"},
      {"/a%", "no canonical path can have"},
      {"/a%zz", "no canonical path can have"},
      {"/a%00", "no canonical path can have"},
      {"/caf\xC3\xA9", "no canonical path can have"},
      {"/.", "no canonical path can have"},
      {"/a/..", "no canonical path can have"},
      {"/a/%2e/b", "no canonical path can have"},
      {"/a/%2E%2e", "no canonical path can have"},
  };
  for (const Case& each : cases) {
    const auto pattern = PathPattern::compile(each.text);
    ASSERT_FALSE(pattern.has_value()) << each.text;
    EXPECT_THAT(pattern.error().text, HasSubstr(each.why)) << each.text;
    EXPECT_THAT(pattern.error().text, HasSubstr("\"" + std::string(each.text) + "\""));
  }
}

TEST(HostPattern, MatchesWithoutCasePortAndOneTrailingDot) {
  struct Case {
    const char* pattern;
    std::vector<const char*> yes;
    std::vector<const char*> no;
  };
  const Case cases[]{
      {"tts.example",
       {"tts.example", "TTS.Example", "tts.example:8080", "tts.example.", "tts.example.:80", "tts.example:"},
       {"", "example", "x.tts.example", "tts.example..", "tts.examples", "ttsxexample"}},
      {"TTS.Example.", {"tts.example"}, {"example"}},
      {"*.example",
       {"a.example", "a.b.example", "A.EXAMPLE:80", "a.example."},
       {"example", "aexample", ".example", ""}},
      {"127.0.0.1", {"127.0.0.1", "127.0.0.1:80"}, {"127.0.0.11"}},
      {"[::1]", {"[::1]", "[::1]:80"}, {"[::2]", "::1", "[::1", "["}},
      {"localhost", {"localhost", "localhost:1"}, {"localhost.localdomain"}},
  };
  for (const Case& each : cases) {
    const auto pattern = compiled<HostPattern>(each.pattern);
    for (const auto* host : each.yes) EXPECT_TRUE(pattern.matches(host)) << each.pattern << " " << host;
    for (const auto* host : each.no) EXPECT_FALSE(pattern.matches(host)) << each.pattern << " " << host;
  }
}

TEST(HostPattern, CoversWhatMatchesNothingElse) {
  struct Case {
    const char* pattern;
    const char* other;
    bool covers;
  };
  const Case cases[]{
      {"a.example", "A.example", true},    {"a.example", "b.example", false}, {"a.example", "*.example", false},
      {"*.example", "a.example", true},    {"*.example", "*.example", true},  {"*.example", "*.b.example", true},
      {"*.b.example", "*.example", false}, {"*.example", "example", false},   {"*.example", "aexample", false},
      {"*.example", "*.examples", false},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(compiled<HostPattern>(each.pattern).covers(compiled<HostPattern>(each.other)), each.covers)
        << each.pattern << " " << each.other;
  }
}

TEST(HostPattern, RefusesWhatIsNoHost) {
  for (const auto* text : {"", ".", "*", "*.", "a b", "a/b", "http://a", "a:80", "*.a:80", "[::1]:80", "::1", "a*",
                           "*a.example", "a.*.example", "user@a"}) {
    const auto pattern = HostPattern::compile(text);
    ASSERT_FALSE(pattern.has_value()) << text;
    EXPECT_EQ(pattern.error().text, "the host \"" + std::string(text) +
                                        "\" must be a name, \"*.name\" or an address, with no port and no scheme");
  }
}

}  // namespace
}  // namespace sidegate::policy
