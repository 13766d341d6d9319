#include "substitution.hpp"
#include "loading.hpp"
#include "yaml_text.hpp"

#include <gmock/gmock.h>

namespace sidegate::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct SubstitutionCase {
  std::string text;
  std::string expected;
};

TEST(Substitution, Replaces) {
  const Environment environment = environment_of({{"HOST", "app"}, {"EMPTY", ""}, {"NESTED", "${HOST}"}, {"_a1", "x"}});
  const std::vector<SubstitutionCase> cases{
      {"plain", "plain"},
      {"${HOST}", "app"},
      {"http://${HOST}:${PORT:-8000}/", "http://app:8000/"},
      {"${_a1}", "x"},
      {"${EMPTY}", ""},
      {"${EMPTY:-default}", "default"},
      {"${HOST:-default}", "app"},
      {"${NOT_SET:-}", ""},
      {"${NOT_SET:-a:-b}", "a:-b"},
      {"$${HOST}", "${HOST}"},
      {"$$${HOST}", "$${HOST}"},
      {"$HOST $ $$", "$HOST $ $$"},
      {"${NESTED}", "${HOST}"},
      {"${NOT_SET:-${HOST}", "${HOST"},
      {"{claims.a|b}", "{claims.a|b}"},
  };
  for (const auto& [text, expected] : cases) {
    const auto result = substitute(text, environment);
    ASSERT_TRUE(result) << text;
    EXPECT_EQ(*result, expected) << text;
  }
}

TEST(Substitution, Refuses) {
  const Environment environment = environment_of({{"HOST", "app"}});
  const std::vector<SubstitutionCase> cases{
      {"${NOT_SET}", "variable NOT_SET is not set"},
      {"${HOST", "without its \"}\""},
      {"${}", "goes NAME"},
      {"${1A}", "goes NAME"},
      {"${A B}", "goes NAME"},
      {"${HOST:=x}", "goes NAME"},
      {"${HOST-x}", "goes NAME"},
      {"${:-x}", "goes NAME"},
  };
  for (const auto& [text, expected] : cases) {
    const auto result = substitute(text, environment);
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(result.error().text, HasSubstr(expected)) << text;
  }
}

TEST(Substitution, IsUndoneByItsEscape) {
  const Environment environment = environment_of({{"A", "wrong"}});
  for (const std::string text : {"${A}", "$${A}", "$$${A}", "a${", "$", "${${A}}", "plain"}) {
    const auto result = substitute(escape_substitution(text), environment);
    ASSERT_TRUE(result) << text;
    EXPECT_EQ(*result, text);
  }
}

TEST(Substitution, ReachesEveryScalarAndNeverTheSyntax) {
  const Variables variables{{"JWT_KEY", std::string(kStrongKey)},
                            {"NAME", "app"},
                            {"PORT", "8000"},
                            {"SYNTAX", "a, b: {c}\n- d"},
                            {"WORKERS", "3"}};
  const auto loaded = load(
      "version: 1\nworkers: \"${WORKERS}\"\nlisteners: {public: {address: \"[::]:8080\"}}\n"
      "upstreams: {\"${NAME}\": {servers: [\"http://127.0.0.1:${PORT}\"]}}\n"
      "inject: {X-Note: \"${SYNTAX:-none}x\"}\n"
      "routes: [{path: /**, authenticate: none, upstream: \"${NAME}\"}]\n",
      variables);
  EXPECT_THAT(loaded.lines, ElementsAre(HasSubstr("at inject.X-Note: control characters")));
  EXPECT_EQ(loaded.config.workers, 3U);
  ASSERT_EQ(loaded.config.upstreams.size(), 1U);
  EXPECT_EQ(loaded.config.upstreams[0].name, "app");
  EXPECT_EQ(loaded.config.upstreams[0].servers[0].address.port, 8000);
}

TEST(Substitution, WhatAVariableHoldsIsNeverShown) {
  for (const std::string line :
       {"workers: ${PASSWORD}", "access_log: {query: \"${PASSWORD}\"}", "limits: {head: \"${PASSWORD}\"}",
        "shutdown: {grace: \"${PASSWORD}\"}", "log: {level: \"a${PASSWORD}\"}"}) {
    const auto loaded = load(with(line + "\n"));
    ASSERT_EQ(loaded.lines.size(), 1U) << line;
    EXPECT_THAT(loaded.lines[0], HasSubstr("${PASSWORD}\" holds"));
    EXPECT_THAT(loaded.lines[0], testing::Not(HasSubstr("hunter2")));
  }
}

TEST(Substitution, OneMistakeIsReportedOnce) {
  EXPECT_THAT(load(with("shutdown: {grace: \"${NOT_SET}\"}\n")).lines,
              ElementsAre("test.yaml:6:19: at shutdown.grace: the environment variable NOT_SET is not set; set it, or "
                          "give a default: ${NOT_SET:-default}"));
}

TEST(YamlText, ReadsBackAsItWas) {
  std::string all;
  for (int c = 1; c < 0x80; ++c) all += static_cast<char>(c);
  for (const std::string& text : {all, std::string("${A} $${B}"), std::string("ä “quoted” \\ \""), std::string()}) {
    Diagnostics diagnostics("f");
    auto document = parse_document("key: " + yaml_quoted(text) + "\n", diagnostics);
    ASSERT_TRUE(document);
    substitute_all(*document, environment_of({}), diagnostics);
    EXPECT_TRUE(diagnostics.ok());
    EXPECT_EQ(document->items[1].text, text);
  }
}

TEST(YamlText, IsPlainOnlyWhereNothingCanBeMistaken) {
  for (const std::string text : {"app", "X-User-Id", "a.b_c-1"}) EXPECT_EQ(yaml_scalar(text), text);
  for (const std::string text : {"", "1", "1.5", "true", "No", "null", "a b", "a:", "*", "-", "~", "#", "{a}"}) {
    EXPECT_EQ(yaml_scalar(text), "\"" + text + "\"");
  }
}

}  // namespace
}  // namespace sidegate::config
