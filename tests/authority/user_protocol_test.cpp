#include "user_protocol.hpp"

#include "http_answers.hpp"

#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = config::SendAs::Kind;

config::UserInfo settings(const std::string& url = "https://auth.test/users/{subject}/") {
  config::UserInfo settings;
  settings.endpoint.url = url;
  settings.endpoint.credential.kind = config::OwnCredential::Kind::ApiKey;
  settings.endpoint.credential.name = "X-API-Key";
  settings.endpoint.credential.secret.secret = base::Secret("k3y");
  return settings;
}

config::UserInfo batching() {
  auto with = settings();
  with.batch_url = "https://auth.test/users/";
  return with;
}

std::string error_of(const config::UserInfo& with) {
  const auto made = UserProtocol::create(with);
  return made ? "" : made.error().text;
}

TEST(UserRequest, ASubjectIsOneSegment) {
  const auto protocol = *UserProtocol::create(settings());
  struct Case {
    const char* subject;
    const char* target;
  };
  const Case cases[] = {{"42", "/users/42/"},
                        {"aZ09-._~", "/users/aZ09-._~/"},
                        {"a/../b?c#d%e", "/users/a%2F..%2Fb%3Fc%23d%25e/"},
                        {"ann@x.test;v=1", "/users/ann%40x.test%3Bv%3D1/"},
                        {"\xC3\xA9 \r\n", "/users/%C3%A9%20%0D%0A/"},
                        {"{subject}", "/users/%7Bsubject%7D/"}};
  for (const Case& test : cases) {
    const auto request = protocol.request(test.subject, {});
    EXPECT_EQ(request.url.target, test.target);
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.fields.reveal(), "X-API-Key: k3y\r\n");
    EXPECT_EQ(request.url.shown(), "https://auth.test/users/{subject}/");
  }
  EXPECT_EQ(UserProtocol::create(settings("https://auth.test?id={subject}&x=1"))->request("a&b", {}).url.target,
            "/?id=a%26b&x=1");
}

TEST(UserRequest, TheCallersOwnTokenGoesAlong) {
  auto with = settings();
  with.send_as = {.kind = Kind::Cookie, .name = "access_token"};
  const auto protocol = *UserProtocol::create(with);
  EXPECT_EQ(protocol.request("42", "abc").fields.reveal(), "X-API-Key: k3y\r\nCookie: access_token=abc\r\n");
  EXPECT_TRUE(protocol.can_send("abc"));
  EXPECT_FALSE(protocol.can_send("a;b"));
  EXPECT_TRUE(UserProtocol::create(settings())->can_send(""));
}

TEST(UserRequest, ManyAtOnce) {
  const auto protocol = *UserProtocol::create(batching());
  ASSERT_TRUE(protocol.has_batches());
  const auto request = protocol.batch_request({"42", "ann", "007", "-7", "9223372036854775807", "9223372036854775808",
                                               "18446744073709551616", "42", "1.0", "", " 1"});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.target, "/users/");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.fields.reveal(), "X-API-Key: k3y\r\n");
  EXPECT_EQ(request.body.reveal(),
            R"({"user_ids":[42,"ann","007",-7,9223372036854775807,9223372036854775808,"18446744073709551616","1.0","",)"
            R"(" 1"]})");
  EXPECT_FALSE(UserProtocol::create(settings())->has_batches());
  auto with = batching();
  with.send_as = {.kind = Kind::Bearer, .name = "Authorization"};
  EXPECT_FALSE(UserProtocol::create(with)->has_batches()) << "each caller's token is its own";
}

TEST(UserRequest, WhatCanNeverBeAskedIsFoundAtOnce) {
  EXPECT_EQ(error_of(settings()), "");
  EXPECT_THAT(error_of(settings("https://auth.test/users/")), HasSubstr("{subject} is missing"));
  EXPECT_THAT(error_of(settings("https://{subject}.test/")), HasSubstr("{subject} is missing"));
  EXPECT_THAT(error_of(settings("https://{subject}.test/{subject}")), HasSubstr("before the path"));
  EXPECT_NE(error_of(settings("https://auth.test/{user}/{subject}")), "");
  EXPECT_NE(error_of(settings("https://auth.test/x#{subject}")), "");
  EXPECT_NE(error_of(settings("nonsense/{subject}")), "");
  EXPECT_THAT(error_of(settings("http://auth.test/{subject}")), HasSubstr("by plain http"));
  auto with = batching();
  with.batch_url = "http://auth.test/";
  EXPECT_THAT(error_of(with), HasSubstr("`batch_url`: by plain http"));
  with = settings();
  with.send_as = {.kind = Kind::Form, .name = "token"};
  EXPECT_NE(error_of(with), "");
  with.send_as = {.kind = Kind::Bearer, .name = "x-api-key"};
  EXPECT_THAT(error_of(with), HasSubstr("same header"));
}

std::string read(const HttpAnswer& answer) {
  const auto reading = UserProtocol::create(settings())->read(answer, "42");
  const bool is_yes = reading && (*reading)->claims;
  return words_of(reading) + (is_yes ? ' ' + boost::json::serialize(*(*reading)->claims) : "");
}

TEST(UserAnswer, IsTheUser) {
  EXPECT_EQ(read(json_answer(R"({"id":7,"email":"a@b.test"})")), R"(yes 42 {"id":7,"email":"a@b.test"})");
  EXPECT_EQ(read(json_answer(R"({"success":true,"data":{"id":42}})")), R"(yes 42 {"id":42})");
  EXPECT_EQ(read(json_answer(R"({"data":"x"})")), R"(yes 42 {"data":"x"})");
  EXPECT_EQ(read(json_answer("{}")), "yes 42 {}");
  EXPECT_EQ(read(http_answer(404)), "no rejected");
  for (const unsigned status : {201U, 204U, 302U, 400U, 401U, 403U, 410U, 429U, 500U, 503U}) {
    EXPECT_EQ(read(json_answer("{}", status)), "answered " + std::to_string(status));
  }
  for (const char* const body : {"", "[]", "null", "<html>", R"({"a":1,"a":2})"}) {
    EXPECT_EQ(read(json_answer(body)), "the answer is no JSON object, or has a member twice") << body;
  }
}

std::vector<std::string> read_batch(const HttpAnswer& answer, const std::vector<std::string>& subjects) {
  std::vector<std::string> all;
  for (const auto& reading : UserProtocol::create(batching())->read_batch(answer, subjects)) {
    const bool is_yes = reading && (*reading)->claims;
    all.push_back(words_of(reading) + (is_yes ? ' ' + boost::json::serialize(*(*reading)->claims) : ""));
  }
  return all;
}

TEST(BatchAnswer, HoldsTheUsersInOneOfManyForms) {
  const std::string users = R"([{"id":42,"n":1},{"id":"ann","n":2},{"id":7,"n":3}])";
  for (const auto& body : {users, R"({"users":)" + users + "}", R"({"count":3,"data":)" + users + "}",
                           R"({"results":)" + users + R"(,"next":null})"}) {
    EXPECT_THAT(read_batch(json_answer(body), {"ann", "42", "eve", "42"}),
                ElementsAre(R"(yes ann {"id":"ann","n":2})", R"(yes 42 {"id":42,"n":1})", "no rejected",
                            R"(yes 42 {"id":42,"n":1})"))
        << body;
  }
  EXPECT_THAT(read_batch(json_answer(R"([{"user_id":"42"}])"), {"42"}), ElementsAre(R"(yes 42 {"user_id":"42"})"));
  EXPECT_THAT(read_batch(json_answer(R"([{"user_id":"42","id":42}])"), {"42"}),
              ElementsAre(R"(yes 42 {"user_id":"42","id":42})"));
  EXPECT_THAT(read_batch(json_answer("[]"), {"42", "ann"}), ElementsAre("no rejected", "no rejected"));
  EXPECT_THAT(read_batch(json_answer(R"([{"name":"x"},{"id":null}])"), {"42"}), ElementsAre("no rejected"));
}

TEST(BatchAnswer, OnePageOfSeveralSaysNothingOfOthers) {
  for (const char* const more : {R"("count":2)", R"("next":"https://auth.test/?page=2")", R"("count":9,"next":"x")"}) {
    EXPECT_THAT(read_batch(json_answer(R"({"results":[{"id":42}],)" + std::string(more) + "}"), {"42", "ann"}),
                ElementsAre("yes 42 {\"id\":42}", "the answer is one page of several"))
        << more;
  }
  for (const char* const whole : {R"("count":1)", R"("next":null)", R"("next":"")", R"("count":"many")"}) {
    EXPECT_THAT(read_batch(json_answer(R"({"results":[{"id":42}],)" + std::string(whole) + "}"), {"42", "ann"}),
                ElementsAre("yes 42 {\"id\":42}", "no rejected"))
        << whole;
  }
}

TEST(BatchAnswer, OneThatIsNotUnderstoodIsSoForAll) {
  struct Case {
    HttpAnswer answer;
    const char* expected;
  };
  const Case cases[] = {
      {http_answer(404), "answered 404"},
      {http_answer(500), "answered 500"},
      {json_answer("<html>"), "the answer is no valid JSON, or has a member twice"},
      {json_answer(R"([{"id":42}],"x":[1])"), "the answer is no valid JSON, or has a member twice"},
      {json_answer(R"({"user":[]})"), "the answer holds no list of users"},
      {json_answer("7"), "the answer holds no list of users"},
      {json_answer(R"([{"id":7,"user_id":42},{"id":"ann"}])"),
       "a user's \"id\" and \"user_id\" in the answer are not the same"},
  };
  for (const Case& test : cases) {
    EXPECT_THAT(read_batch(test.answer, {"42", "ann"}), ElementsAre(test.expected, test.expected)) << test.answer.body;
  }
}

TEST(BatchAnswer, WhatIsNoUserIsPassedOver) {
  EXPECT_THAT(read_batch(json_answer(R"([null, 42, {"id": 42}])"), {"42", "ann"}),
              ElementsAre("yes 42 {\"id\":42}", "no rejected"))
      << "some services say so that there is no such user";
}

}  // namespace
}  // namespace sidegate::authority
