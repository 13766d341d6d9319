#include <sidegate/revocation/request.hpp>

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

constexpr UnixTime kNow{std::chrono::seconds(1'000)};

TEST(Request, ReadsEachKind) {
  const auto jti = read_request(R"({"authenticator":"staff","jti":"one"})", kNow);
  ASSERT_TRUE(jti);
  EXPECT_EQ(jti->authenticator, "staff");
  EXPECT_EQ(jti->kind, Rule::Kind::Jti);
  EXPECT_EQ(jti->name, "one");
  EXPECT_EQ(jti->expires, std::nullopt);

  const auto subject =
      read_request(R"({"subject":"alice","issued_before":"1970-01-01T00:10:00Z","expires":1001})", kNow);
  ASSERT_TRUE(subject);
  EXPECT_EQ(subject->authenticator, std::nullopt);
  EXPECT_EQ(subject->kind, Rule::Kind::Subject);
  EXPECT_EQ(subject->name, "alice");
  EXPECT_EQ(subject->issued_before, UnixTime(std::chrono::seconds(600)));
  EXPECT_EQ(subject->expires, UnixTime(std::chrono::seconds(1'001)));

  const auto token = read_request(R"({"token":"a.b.c"})", kNow);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->kind, Rule::Kind::Token);
  EXPECT_EQ(token->token.reveal(), "a.b.c");
}

TEST(Request, AMistakeNamesTheMemberAndRepeatsNothing) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "the body is not a JSON object"},
      {"[]", "the body is not a JSON object"},
      {R"({"jti":"eyJ","jti":"eyJ"})", "has a member twice"},
      {"{}", "exactly one of \"jti\", \"subject\" and \"token\" must be there"},
      {R"({"jti":"eyJ","token":"eyJ"})", "exactly one of"},
      {R"({"subject":"eyJ"})", "\"subject\" and \"issued_before\" belong together"},
      {R"({"jti":"eyJ","issued_before":1})", "\"subject\" and \"issued_before\" belong together"},
      {R"({"token":1})", "\"token\" must be a text that is not empty"},
      {R"({"token":""})", "\"token\" must be a text that is not empty"},
      {R"({"jti":["eyJ"]})", "\"jti\" must be a text that is not empty"},
      {R"({"jti":")" + std::string(kNameBytesMax + 1, 'e') + "\"}", "\"jti\" is longer than 1024 bytes"},
      {R"({"jti":"eyJ","authenticator":null})", "\"authenticator\" must be a text that is not empty"},
      {R"({"jti":"eyJ","expires":"eyJ"})", "\"expires\" must be a time of RFC 3339"},
      {R"({"jti":"eyJ","expires":1000})", "\"expires\" must be later than now"},
      {R"({"subject":"eyJ","issued_before":true})", "\"issued_before\" must be a time of RFC 3339"},
      {R"({"jti":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"})", "\"jti\" is a whole token; use \"token\""},
      {R"({"subject":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln","issued_before":1})",
       "\"subject\" is a whole token; use \"token\""},
      {R"({"jti":"eyJ","reason":"lost"})", "there is no member \"reason\""},
      {R"({"jti":"eyJ","eyJhbGciOiJIUzI1NiJ9.eyJ":1})", "it has an unknown member"},
      {R"({"jti":"eyJ","eyjabcdefghijklmnopqrst":1})", "it has an unknown member"},
  };
  for (const auto& [body, expected] : cases) {
    const auto request = read_request(body, kNow);
    ASSERT_FALSE(request) << body;
    EXPECT_THAT(request.error().text, HasSubstr(expected)) << body;
    EXPECT_THAT(request.error().text, Not(HasSubstr("eyJ"))) << body;
  }
}

}  // namespace
}  // namespace sidegate::revocation
