#include "rule_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::revocation {
namespace {

using base::UnixTime;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kDigest(64, 'a');

std::string file_of(const std::string& entries) {
  return "{\"revocations\":[" + entries + "]}";
}

TEST(RuleText, ReadsEveryKind) {
  const auto rules = parse_rules(
      file_of(R"({"authenticator":"staff","jti":"one","expires":"2026-12-31T00:00:00Z"},)"
              R"({"authenticator":"staff","subject":"alice","issued_before":1798675000,"expires":1798675200},)"
              R"({"expires":"2026-12-31T01:00:00+01:00","digest":"sha256:)" +
              std::string(64, 'A') + R"(","authenticator":"other"})"));
  ASSERT_TRUE(rules) << rules.error().text;
  const UnixTime expires{std::chrono::seconds(1'798'675'200)};
  EXPECT_EQ(*rules, (std::vector<Rule>{
                        {"staff", Rule::Kind::Jti, "one", {}, expires},
                        {"staff", Rule::Kind::Subject, "alice", UnixTime(std::chrono::seconds(1'798'675'000)), expires},
                        {"other", Rule::Kind::Token, kDigest, {}, expires}}));
  EXPECT_TRUE(parse_rules(file_of(""))->empty());
}

TEST(RuleText, WhatIsWrittenReadsBackTheSame) {
  const UnixTime expires{std::chrono::seconds(253'402'300'799)};
  const std::vector<Rule> rules{
      {"staff", Rule::Kind::Jti, "a \"quoted\" \\ \n \xC3\xA9 one", {}, expires},
      {"staff", Rule::Kind::Subject, "alice", UnixTime(std::chrono::seconds(0)), UnixTime(std::chrono::seconds(1))},
      {"staff", Rule::Kind::Token, kDigest, {}, expires}};
  const auto text = text_of(rules);
  const auto again = parse_rules(text);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(*again, rules);
  EXPECT_EQ(text_of({}), "{\"revocations\":[\n]}\n");
  EXPECT_TRUE(parse_rules(text_of({})));
}

TEST(RuleText, AMistakeIsNamedWithItsEntry) {
  const std::string fine = R"({"authenticator":"a","jti":"x","expires":1},)";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "it is not JSON: "},
      {"[]", R"(it is not {"revocations": […]})"},
      {"{}", R"(it is not {"revocations": […]})"},
      {R"({"revocations":{}})", R"(it is not {"revocations": […]})"},
      {R"({"revocations":[],"more":1})", R"(it is not {"revocations": […]})"},
      {file_of(fine), "it is not JSON: "},
      {file_of(fine + "1"), "entry 2: it is no object"},
      {file_of(fine + "{}"), "entry 2: \"authenticator\" is missing"},
      {file_of(fine + R"({"authenticator":"a","jti":"x"})"), "entry 2: \"expires\" is missing"},
      {file_of(fine + R"({"authenticator":"a","expires":1})"),
       "entry 2: exactly one of \"jti\", \"subject\" and \"digest\" must be there"},
      {file_of(R"({"authenticator":"a","jti":"x","digest":"sha256:)" + kDigest + R"(","expires":1})"),
       "entry 1: exactly one of \"jti\", \"subject\" and \"digest\" must be there"},
      {file_of(R"({"authenticator":"a","jti":"x","issued_before":1,"expires":1})"),
       "entry 1: \"subject\" and \"issued_before\" belong together"},
      {file_of(R"({"authenticator":"a","subject":"x","expires":1})"),
       "entry 1: \"subject\" and \"issued_before\" belong together"},
      {file_of(R"({"authenticator":1,"jti":"x","expires":1})"),
       "entry 1: \"authenticator\" must be a text that is not empty"},
      {file_of(R"({"authenticator":"a","jti":"","expires":1})"), "entry 1: \"jti\" must be a text that is not empty"},
      {file_of(R"({"authenticator":"a","jti":null,"expires":1})"), "entry 1: \"jti\" must be a text that is not empty"},
      {file_of(R"({"authenticator":"a","jti":")" + std::string(kNameBytesMax + 1, 'x') + R"(","expires":1})"),
       "entry 1: \"jti\" is longer than 1024 bytes"},
      {file_of(R"({"authenticator":"a","digest":"sha256:00","expires":1})"),
       "entry 1: \"digest\" must be sha256: and 64 hexadecimal digits"},
      {file_of(R"({"authenticator":"a","digest":"sha256:)" + std::string(64, 'g') + R"(","expires":1})"),
       "entry 1: \"digest\" must be sha256: and 64 hexadecimal digits"},
      {file_of(R"({"authenticator":"a","jti":"x","expires":"tomorrow"})"),
       "entry 1: \"expires\" must be a time of RFC 3339, such as \"2026-12-31T00:00:00Z\", or the seconds since 1970"},
      {file_of(R"({"authenticator":"a","jti":"x","expires":-1})"), "entry 1: \"expires\" must be a time of RFC 3339"},
      {file_of(R"({"authenticator":"a","jti":"x","expires":1798675200000})"), "entry 1: \"expires\" must be a time"},
      {file_of(R"({"authenticator":"a","jti":"x","expires":1,"reason":"lost"})"),
       "entry 1: there is no member \"reason\""},
      {file_of(fine + R"({"authenticator":"a","jti":"}{","jti":"y","expires":1})"),
       "entry 2: it has a member twice, or lists within it"},
      {file_of(R"({"authenticator":"a","jti":["x"],"expires":1})"), "entry 1: "},
  };
  for (const auto& [text, expected] : cases) {
    const auto rules = parse_rules(text);
    ASSERT_FALSE(rules) << text;
    EXPECT_THAT(rules.error().text, HasSubstr(expected)) << text;
  }
}

TEST(RuleText, ATokenPutThereByMistakeIsNotRepeated) {
  const std::string token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln";
  for (const std::string& entry :
       {R"({"authenticator":"a","jti":"x","expires":1,")" + token + R"(":1})", R"({"expires":")" + token + R"("})",
        R"({"digest":")" + token + R"("})", "\"" + token + "\"", token}) {
    const auto rules = parse_rules(file_of(entry));
    ASSERT_FALSE(rules) << entry;
    EXPECT_THAT(rules.error().text, Not(HasSubstr("eyJ"))) << entry;
  }
}

TEST(RuleText, HoldsAsManyRulesAsThereMayBe) {
  std::vector<Rule> rules(kRulesMax);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    rules[i] = {"staff", Rule::Kind::Subject, "subject-" + std::to_string(i), UnixTime(std::chrono::seconds(5)),
                UnixTime(std::chrono::seconds(9))};
  }
  const auto again = parse_rules(text_of(rules));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->size(), kRulesMax);
  rules.push_back(rules.front());
  EXPECT_THAT(parse_rules(text_of(rules)).error().text, HasSubstr("more than 100000 rules"));
}

}  // namespace
}  // namespace sidegate::revocation
