#include "path_rewrite.hpp"

#include <sidegate/http/target.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A route's paths, and what its `rewrite` says of them.
struct Settings {
  std::vector<std::string> paths;
  std::optional<std::string> strip_prefix;
  std::optional<std::string> prefix;
};

/// A rewrite as it was compiled, with the patterns of its route and what was said about it.
struct Compiled {
  std::vector<PathPattern> patterns;
  PathRewrite rewrite;
  std::vector<std::string> lines;
};

Compiled compile(const Settings& settings) {
  config::Rewrite rewrite;
  if (settings.strip_prefix) rewrite.strip_prefix = {*settings.strip_prefix, {1, 2, "strip_prefix"}};
  if (settings.prefix) rewrite.prefix = {*settings.prefix, {3, 4, "prefix"}};
  Compiled compiled;
  for (const auto& text : settings.paths) compiled.patterns.push_back(PathPattern::compile(text).value());
  config::Diagnostics diagnostics("f");
  compiled.rewrite = PathRewrite::compile(rewrite, compiled.patterns, diagnostics);
  compiled.lines = diagnostics.lines();
  return compiled;
}

struct Case {
  const char* name;
  Settings settings;
  std::vector<std::pair<const char*, const char*>> paths;  ///< asked for, and what the origin is asked for
};

TEST(PathRewrite, TakesSegmentsOffAndPutsOthersBefore) {
  const Case cases[]{
      {"both",
       {{"/users/**"}, "/users", "/api"},
       {{"/users", "/api"},
        {"/users/", "/api/"},
        {"/users/7", "/api/7"},
        {"/users/7/", "/api/7/"},
        {"/users/users/7", "/api/users/7"},
        {"/users/api", "/api/api"}}},
      {"strip_prefix alone",
       {{"/users/**"}, "/users", {}},
       {{"/users", "/"}, {"/users/", "/"}, {"/users/7", "/7"}, {"/users/7/", "/7/"}, {"/users/7/8", "/7/8"}}},
      {"prefix alone",
       {{"/**"}, {}, "/api"},
       {{"/", "/api/"}, {"/a", "/api/a"}, {"/a/", "/api/a/"}, {"/api", "/api/api"}}},
      {"a slash at their ends means nothing",
       {{"/users/**"}, "/users/", "/api/"},
       {{"/users", "/api"}, {"/users/", "/api/"}, {"/users/7", "/api/7"}}},
      {"the root as strip_prefix", {{"/**"}, "/", "/api"}, {{"/", "/api/"}, {"/a", "/api/a"}}},
      {"the root as prefix", {{"/users/**"}, "/users", "/"}, {{"/users", "/"}, {"/users/", "/"}, {"/users/7", "/7"}}},
      {"several segments",
       {{"/a/b/**"}, "/a/b", "/c/d/e"},
       {{"/a/b", "/c/d/e"}, {"/a/b/", "/c/d/e/"}, {"/a/b/f", "/c/d/e/f"}}},
      {"a part of the literal ones", {{"/a/b/**"}, "/a", "/c"}, {{"/a/b", "/c/b"}, {"/a/b/d", "/c/b/d"}}},
      {"the same ones", {{"/a/**"}, "/a", "/a"}, {{"/a", "/a"}, {"/a/", "/a/"}, {"/a/b", "/a/b"}}},
      {"a path without more", {{"/a/b"}, "/a", {}}, {{"/a/b", "/b"}}},
      {"the whole of a path", {{"/a/b"}, "/a/b", "/c"}, {{"/a/b", "/c"}}},
      {"a folder", {{"/a/"}, "/a", "/c"}, {{"/a/", "/c/"}}},
      {"a parameter behind it",
       {{"/users/{id}/**"}, "/users", "/api"},
       {{"/users/7", "/api/7"}, {"/users/users", "/api/users"}}},
      {"several paths",
       {{"/users", "/users/{id}", "/users/x/**"}, "/users", "/api"},
       {{"/users", "/api"}, {"/users/7", "/api/7"}, {"/users/x/y", "/api/x/y"}}},
      {"percent-encoded literals",
       {{"/caf%C3%A9/**"}, "/caf%C3%A9", "/th%C3%A9"},
       {{"/caf%C3%A9", "/th%C3%A9"}, {"/caf%C3%A9/a%20b", "/th%C3%A9/a%20b"}}},
      {"literals that a pattern has in another spelling",
       {{"/caf%c3%a9/%7Eme/**"}, "/caf%C3%A9/~me", {}},
       {{"/caf%C3%A9/~me/x", "/x"}}},
      {"literals that a path has in another spelling: segments compare decoded",
       {{"/a:b/**"}, "/a:b", "/c"},
       {{"/a:b/x", "/c/x"}, {"/a%3Ab/x", "/c/x"}, {"/a%3Ab", "/c"}}},
      {"and that strip_prefix has", {{"/a:b/**"}, "/a%3Ab", {}}, {{"/a:b/x", "/x"}, {"/a%3Ab/x", "/x"}}},
      {"encoded slashes and parameters that the route keeps",
       {{"/users/**"}, "/users", "/api"},
       {{"/users/a%2Fb", "/api/a%2Fb"},
        {"/users/%2F", "/api/%2F"},
        {"/users/%2F/7", "/api/%2F/7"},
        {"/users/a;b", "/api/a;b"},
        {"/users/;/7", "/api/;/7"}}},
      {"an encoded slash at the new root", {{"/users/**"}, "/users", {}}, {{"/users/%2Fa", "/%2Fa"}}},
  };
  for (const auto& [name, settings, paths] : cases) {
    const Compiled compiled = compile(settings);
    ASSERT_THAT(compiled.lines, IsEmpty()) << name;
    EXPECT_TRUE(compiled.rewrite.changes_paths()) << name;
    std::string storage = "what was there before";
    for (const auto& [path, expected] : paths) {
      EXPECT_EQ(compiled.rewrite.apply(path, storage), expected) << name << ", " << path;
    }
  }
}

TEST(PathRewrite, MayChangeNothing) {
  const std::vector<Settings> all{
      {{"/**"}, {}, {}}, {{"/**"}, "/", {}}, {{"/**"}, {}, "/"}, {{"/**"}, "/", "/"}, {{"/"}, "/", "/"}};
  for (const Settings& settings : all) {
    const Compiled compiled = compile(settings);
    EXPECT_THAT(compiled.lines, IsEmpty());
    EXPECT_FALSE(compiled.rewrite.changes_paths());
  }
  EXPECT_FALSE(PathRewrite().changes_paths());
}

TEST(PathRewrite, EveryPathOfTheRouteBeginsWithWhatIsTakenOff) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"/users", {"/**"}},
      {"/users", {"/"}},
      {"/users", {"/user/**"}},
      {"/users", {"/userss/**"}},
      {"/users", {"/Users/**"}},
      {"/users", {"/{any}/**"}},
      {"/users", {"/x/users/**"}},
      {"/users", {"/users/**", "/x"}},
      {"/users", {"/x", "/users/**"}},
      {"/users/", {"/x"}},
      {"/users/7", {"/users/**"}},
      {"/users/7", {"/users"}},
      {"/users/7", {"/users/{id}"}},
      {"/users/7", {"/users/{id}/7"}},
      {"/a/b", {"/a/", "/a/b"}},
      {"/caf%C3%A9", {"/cafe/**"}},
      {"/a%20b", {"/a/**"}},
  };
  for (const auto& [strip_prefix, paths] : cases) {
    const std::string shown =
        strip_prefix.ends_with('/') ? strip_prefix.substr(0, strip_prefix.size() - 1) : strip_prefix;
    EXPECT_THAT(compile({paths, strip_prefix, "/api"}).lines,
                ElementsAre("f:1:2: at strip_prefix: every path of the route must begin with the segments of "
                            "strip_prefix, \"" +
                            shown + "\""))
        << strip_prefix << ' ' << paths.front();
  }
}

TEST(PathRewrite, APrefixIsACanonicalPath) {
  for (const std::string text :
       {"",     "api",   "*",     "//",     "//api",      "/a//b",    "/a//",         "/.",
        "/..",  "/./a",  "/a/.",  "/a/..",  "/a/../b",    "/../a",    "/?",           "/a?b",
        "/a#b", "/a;b",  "/a;",   "/a%2Fb", "/..%2Fa",    "/..;a",    "/a%5Cb",       "/a\\b",
        "/a b", " /a",   "/a ",   "/%61",   "/%7Ea",      "/%2e",     "/caf%c3%a9",   "/caf\xC3\xA9",
        "/a%",  "/a%zz", "/a%00", "/{id}",  "http://a/b", "http://a", "a.internal/b", "/a/**"}) {
    EXPECT_THAT(compile({{"/**"}, {}, text}).lines, ElementsAre(testing::StartsWith("f:3:4: at prefix: prefix ")))
        << text;
    EXPECT_THAT(compile({{"/**"}, text, "/api"}).lines,
                ElementsAre(testing::StartsWith("f:1:2: at strip_prefix: strip_prefix ")))
        << text;
  }
}

TEST(PathRewrite, SaysHowItIsToBe) {
  const std::array<std::pair<const char*, const char*>, 5> cases{{
      {"api", R"(prefix must begin with "/")"},
      {"/users/**", R"(prefix is literal: "*" and "{…}" are for patterns)"},
      {"/users/{id}", R"(prefix is literal: "*" and "{…}" are for patterns)"},
      {"/a b", "prefix holds what no canonical path can have"},
      {"/a/../%62", R"(prefix is not canonical: write "/b")"},
  }};
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(compile({{"/**"}, {}, text}).lines, ElementsAre("f:3:4: at prefix: " + std::string(expected))) << text;
  }
}

TEST(PathRewrite, SaysAllThatIsWrong) {
  EXPECT_THAT(compile({{"/**"}, "users", "api"}).lines,
              ElementsAre(testing::StartsWith("f:1:2: at strip_prefix: strip_prefix must begin with"),
                          testing::StartsWith("f:3:4: at prefix: prefix must begin with")));
}

/// Canonical paths of all kinds, the same ones in every run.
std::vector<std::string> many_canonical_paths() {
  constexpr std::array<std::string_view, 26> kPieces{
      "/", "/",    "/",   "/",   "a",      "users", "api", "b",     ".", "..",  "...", "%2F",   "%2f",
      ";", ";x=1", "%3B", "%20", "%C3%A9", "~",     "%7E", "a%2Fb", ":", "%3A", "*",   "%252F", "%2e%2e"};
  constexpr std::array<std::string_view, 3> kBeginnings{"/users", "/users/a", "/a/b"};
  std::minstd_rand random(20);
  std::vector<std::string> paths;
  std::string storage;
  while (paths.size() < 5000) {
    std::string raw(kBeginnings[random() % kBeginnings.size()]);
    for (auto pieces = random() % 12; pieces > 0; --pieces) raw += kPieces[random() % kPieces.size()];
    if (const auto canonical = http::canonicalise(raw, false, storage)) paths.emplace_back(canonical->path);
  }
  return paths;
}

TEST(PathRewrite, WhatComesOutIsCanonicalAndBelowThePrefix) {
  const std::vector<Settings> all{{{"/users/**"}, "/users", "/api"}, {{"/users/**"}, "/users", {}},
                                  {{"/**"}, {}, "/api/v1"},          {{"/users/{id}/**"}, "/users", "/api"},
                                  {{"/a/b/**"}, "/a", "/caf%C3%A9"}, {{"/a/b/**", "/a/b"}, "/a/b", "/c"},
                                  {{"/a/b/**"}, "/a/b", {}},         {{"/users/a/**"}, "/users/a", {}}};
  const auto paths = many_canonical_paths();
  std::string storage;
  std::string storage_again;
  for (const Settings& settings : all) {
    const Compiled compiled = compile(settings);
    ASSERT_THAT(compiled.lines, IsEmpty());
    const std::string prefix = settings.prefix.value_or("");
    std::size_t matched = 0;
    for (const std::string& path : paths) {
      const bool matches = std::any_of(compiled.patterns.begin(), compiled.patterns.end(),
                                       [&](const PathPattern& pattern) { return pattern.matches(path); });
      if (!matches) continue;
      ++matched;
      const auto rewritten = compiled.rewrite.apply(path, storage);
      const auto again = http::canonicalise(rewritten, false, storage_again);
      ASSERT_TRUE(again) << path << ' ' << rewritten << ' ' << base::name_of(again.error());
      EXPECT_EQ(again->path, rewritten) << path;
      EXPECT_FALSE(again->rewritten) << path << ' ' << rewritten;
      ASSERT_TRUE(rewritten.starts_with(prefix)) << path << ' ' << rewritten;
      const auto below = rewritten.substr(prefix.size());
      EXPECT_TRUE(below.empty() || below.starts_with('/')) << path << ' ' << rewritten;
      EXPECT_TRUE(path.ends_with(below) || (prefix.empty() && below == "/")) << path << ' ' << rewritten;
    }
    EXPECT_GE(matched, 50U) << settings.paths.front();
  }
}

}  // namespace
}  // namespace sidegate::policy
