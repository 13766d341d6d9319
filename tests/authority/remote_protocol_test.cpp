#include "remote_protocol.hpp"

#include "http_answers.hpp"

#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using base::UnixTime;
using std::chrono::seconds;
using ::testing::HasSubstr;
using Kind = config::SendAs::Kind;
using Own = config::OwnCredential::Kind;

constexpr UnixTime kNow{seconds(1'700'000'000)};

config::TokenService settings() {
  config::TokenService settings;
  settings.endpoint.url = "https://auth.test/validate?x=1";
  settings.send_as = {.kind = Kind::Cookie, .name = "access_token"};
  return settings;
}

RemoteProtocol protocol(const config::TokenService& with = settings()) {
  return *RemoteProtocol::create(with);
}

std::string error_of(const config::TokenService& with) {
  const auto made = RemoteProtocol::create(with);
  return made ? "" : made.error().text;
}

config::OwnCredential own(Own kind, const std::string& name, const std::string& secret) {
  config::OwnCredential credential{.kind = kind, .name = name, .secret = {}};
  credential.secret.secret = base::Secret(secret);
  return credential;
}

TEST(RemoteRequest, SendsTheTokenAsItWasConfigured) {
  auto with = settings();
  auto request = protocol(with).request("abc.def");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url.target, "/validate?x=1");
  EXPECT_EQ(request.fields.reveal(), "Cookie: access_token=abc.def\r\n");
  EXPECT_TRUE(request.body.empty());

  with.send_as = {.kind = Kind::Bearer, .name = "X-Token"};
  EXPECT_EQ(protocol(with).request("abc").fields.reveal(), "X-Token: Bearer abc\r\n");

  with.send_as = {.kind = Kind::Form, .name = "the token"};
  request = protocol(with).request("a+b/c=d&e f\xC3\xA9");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(request.body.reveal(), "the+token=a%2Bb%2Fc%3Dd%26e+f%C3%A9");
  EXPECT_TRUE(request.fields.empty());
}

TEST(RemoteRequest, ShowsItsOwnCredential) {
  auto with = settings();
  with.endpoint.credential = own(Own::ApiKey, "X-API-Key", "k3y");
  EXPECT_EQ(protocol(with).request("abc").fields.reveal(), "X-API-Key: k3y\r\nCookie: access_token=abc\r\n");
  with.endpoint.credential = own(Own::Bearer, "", "t0ken");
  EXPECT_EQ(protocol(with).request("abc").fields.reveal(),
            "Authorization: Bearer t0ken\r\nCookie: access_token=abc\r\n");
  with.endpoint.credential = own(Own::Basic, "Aladdin", "open sesame");
  EXPECT_EQ(protocol(with).request("abc").fields.reveal(),
            "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nCookie: access_token=abc\r\n");
}

TEST(RemoteRequest, ATokenThatAHeaderCannotHoldIsNotSent) {
  auto with = settings();
  for (const char* const token : {"a b", "a;b", "a,b", "a\"b", "a\r\nX: y", "a\x7F", "a\xC3\xA9", "\t"}) {
    EXPECT_FALSE(protocol(with).can_send(token)) << token;
  }
  EXPECT_TRUE(protocol(with).can_send("aZ09-._~+/=!#$%&'()*:<>?@[]^`{|}"));
  with.send_as = {.kind = Kind::Bearer, .name = "Authorization"};
  for (const char* const token : {"a b", "a\r\nX: y", "a\xC3\xA9"})
    EXPECT_FALSE(protocol(with).can_send(token)) << token;
  EXPECT_TRUE(protocol(with).can_send("a;b,c\"d"));
  with.send_as.kind = Kind::Form;
  EXPECT_TRUE(protocol(with).can_send("a b\r\n\xC3\xA9"));
}

TEST(RemoteRequest, WhatCanNeverBeAskedIsFoundAtOnce) {
  auto with = settings();
  with.endpoint.url = "nonsense";
  EXPECT_NE(error_of(with), "");
  with.endpoint.url = "http://auth.test/";
  EXPECT_EQ(
      error_of(with),
      "by plain http anybody on the way can read what is asked, and answer; https, or allow_http: true beside the "
      "URL");
  with.endpoint.allow_http = true;
  EXPECT_EQ(error_of(with), "");
  with.endpoint.url = "https://169.254.169.254/";
  EXPECT_THAT(error_of(with), HasSubstr("link-local"));
  with = settings();
  with.send_as = {};
  EXPECT_EQ(error_of(with), "`send_as` says nothing, so that no token would be sent");
  with.send_as = {.kind = Kind::Bearer, .name = "authorization"};
  with.endpoint.credential = own(Own::Bearer, "", "x");
  EXPECT_EQ(error_of(with), "`credential` and `send_as` are in the same header, Authorization");
  with.endpoint.credential = own(Own::ApiKey, "Authorization", "x");
  EXPECT_NE(error_of(with), "");
  with = settings();
  with.endpoint.credential = own(Own::ApiKey, "cookie", "x");
  EXPECT_NE(error_of(with), "");
  with.endpoint.credential = own(Own::ApiKey, "X-API-Key", "");
  EXPECT_EQ(error_of(with), "the credential is empty");
  for (const char* const secret : {"s3cret\n", "s3 cret", "s3cret\xC3\xA9"}) {
    with.endpoint.credential = own(Own::Bearer, "", secret);
    EXPECT_EQ(error_of(with), "the credential holds what no header can: a space, a line end or the like");
  }
}

/// What is read in an answer to the question about a token that is opaque.
std::string read(const HttpAnswer& answer, const config::TokenService& with = settings(),
                 std::string_view token = "opaque") {
  return words_of(protocol(with).read(answer, token, kNow));
}

TEST(RemoteAnswer, TheStatusDecides) {
  for (const unsigned status : {400U, 401U, 403U}) EXPECT_EQ(read(http_answer(status)), "no rejected") << status;
  for (const unsigned status :
       {201U, 204U, 301U, 302U, 304U, 307U, 402U, 404U, 405U, 408U, 429U, 500U, 502U, 503U, 504U}) {
    EXPECT_EQ(read(json_answer(R"({"sub":"ann"})", status)), "answered " + std::to_string(status));
  }
  EXPECT_EQ(read(json_answer(R"({"sub":"ann"})")), "yes ann");
}

TEST(RemoteAnswer, WhatItSaysOfTheTokenDecidesToo) {
  struct Case {
    const char* body;
    const char* expected;
  };
  const Case cases[] = {
      {R"({"sub":"ann","valid":true})", "yes ann"},
      {R"({"sub":"ann","active":true})", "yes ann"},
      {R"({"sub":"ann","valid":false})", "no rejected"},
      {R"({"sub":"ann","active":false})", "no rejected"},
      {R"({"sub":"ann","valid":true,"active":false})", "no rejected"},
      {R"({"data":{"sub":"ann","valid":false}})", "no rejected"},
      {R"({"valid":false,"data":{"sub":"ann"}})", "no rejected"},
      {R"({"valid":true,"data":{"sub":"ann","active":false}})", "no rejected"},
      {R"({"valid":true,"data":{"sub":"ann"}})", "yes ann"},
      {R"({"data":{"sub":"ann"},"sub":"eve"})", "yes ann"},
      {R"({"data":["x"],"sub":"eve"})", "yes eve"},
      {R"({"sub":"ann","valid":"false"})", "\"valid\" in the answer is neither true nor false"},
      {R"({"sub":"ann","valid":null})", "\"valid\" in the answer is neither true nor false"},
      {R"({"sub":"ann","active":0})", "\"active\" in the answer is neither true nor false"},
      {R"({"data":{"sub":"ann","active":1}})", "\"active\" in the answer is neither true nor false"},
      {R"({"sub":"ann","sub":"eve"})", "the answer is no valid JSON, or has a member twice"},
      {R"({"sub":"ann")", "the answer is no valid JSON, or has a member twice"},
      {R"({"sub":"ann"}})", "the answer is no valid JSON, or has a member twice"},
      {R"({"sub":"ann"},"x":{})", "the answer is no valid JSON, or has a member twice"},
      {R"({})", "no missing_claim"},
      {R"({"user":"ann"})", "no missing_claim"},
      {R"({"sub":null})", "no missing_claim"},
      {R"({"sub":""})", "no missing_claim"},
      {R"({"sub":".."})", "no missing_claim"},
      {R"({"sub":1.5})", "no missing_claim"},
      {R"({"sub":42})", "yes 42"},
      {"\r\n {\"sub\":\"ann\"}\n", "yes ann"},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(read(json_answer(test.body)), test.expected) << test.body;
    EXPECT_EQ(read(http_answer(200, test.body, "text/plain")), test.expected) << test.body;
    EXPECT_EQ(read(http_answer(200, test.body)), test.expected) << test.body;
    EXPECT_EQ(read(http_answer(200, "\xEF\xBB\xBF" + std::string(test.body))), test.expected) << test.body;
  }
}

TEST(RemoteAnswer, ABareFalseIsANo) {
  const auto token = token_with(R"({"sub":"ann"})");
  for (const char* const body : {"false", " false\n",
                                 "\xEF\xBB\xBF"
                                 "false"}) {
    EXPECT_EQ(read(json_answer(body), settings(), token), "no rejected") << body;
    EXPECT_EQ(read(http_answer(200, body, "text/plain"), settings(), token), "no rejected") << body;
  }
  for (const char* const body : {"0", "1", "-1.5", "401"}) {
    EXPECT_EQ(read(json_answer(body), settings(), token), "the answer is a number, which is neither a yes nor a no")
        << body;
  }
}

TEST(RemoteAnswer, APageForPeopleIsNoAnswer) {
  for (const auto& page :
       {http_answer(200, "Sign in", "text/html"), http_answer(200, "Sign in", "Text/HTML; charset=utf-8"),
        http_answer(200, "<p>{}</p>", "text/html"), http_answer(200, "<!doctype html>", "application/json"),
        http_answer(200, "\n <html>"), http_answer(200, "Sign in", "application/xhtml+xml")}) {
    EXPECT_EQ(read(page, settings(), token_with(R"({"sub":"ann"})")), "answered with a page for people") << page.body;
  }
}

TEST(RemoteAnswer, WhatIsCalledHtmlForWantOfAnotherNameIsRead) {
  const auto token = token_with(R"({"sub":"ann"})");
  for (const char* const type : {"text/html", "text/html; charset=utf-8", "application/xhtml+xml"}) {
    EXPECT_EQ(read(http_answer(200, "", type), settings(), token), "yes ann");
    EXPECT_EQ(read(http_answer(200, "\r\n", type), settings(), token), "yes ann");
    EXPECT_EQ(read(http_answer(200, R"({"sub":"eve"})", type), settings(), token), "yes eve");
    EXPECT_EQ(read(http_answer(200, R"({"valid":false})", type), settings(), token), "no rejected");
    EXPECT_EQ(read(http_answer(200, "false", type), settings(), token), "no rejected");
    EXPECT_EQ(read(http_answer(200, "{% block %}", type), settings(), token),
              "the answer is no valid JSON, or has a member twice");
  }
}

TEST(RemoteAnswer, ACompressedAnswerIsNotRead) {
  auto answer = json_answer(R"({"sub":"ann"})");
  answer.content_encoding = "gzip";
  EXPECT_EQ(read(answer), "the answer is compressed, which was not asked for");
}

TEST(RemoteAnswer, WhereItIsNoObjectTheTokenSpeaksForItself) {
  const auto token = token_with(R"({"sub":"ann","user_id":7})");
  for (const auto& answer :
       {http_answer(200), http_answer(200, "OK", "text/plain"), json_answer(""), json_answer("true"),
        json_answer("null"), json_answer("[]"), json_answer("\"ok\""), http_answer(200, "true")}) {
    EXPECT_EQ(read(answer, settings(), token), "yes ann") << answer.body;
    EXPECT_EQ(read(answer), "no missing_claim") << answer.body;
    EXPECT_EQ(read(answer, settings(), "a.b.c"), "no missing_claim") << answer.body;
  }
  EXPECT_EQ(read(http_answer(200, "garbage", "application/json"), settings(), token),
            "the answer is no valid JSON, or has a member twice");
  EXPECT_EQ(read(http_answer(200, "garbage", "application/problem+json"), settings(), token),
            "the answer is no valid JSON, or has a member twice");
  auto with = settings();
  with.subject = {"username"};
  with.token_subject = "user_id";
  EXPECT_EQ(read(http_answer(200), with, token), "yes 7");
  EXPECT_EQ(read(json_answer(R"({"username":"bob"})"), with, token), "yes bob");
  EXPECT_EQ(read(json_answer(R"({"valid":true})"), with, token), "no missing_claim");
}

TEST(RemoteAnswer, NamesTheCallerByTheFirstMemberThatIsThere) {
  auto with = settings();
  with.subject = {"sub", "user.name", "id"};
  EXPECT_EQ(read(json_answer(R"({"id":1,"user":{"name":"bob"}})"), with), "yes bob");
  EXPECT_EQ(read(json_answer(R"({"id":1,"sub":null})"), with), "yes 1");
  EXPECT_EQ(read(json_answer(R"({"id":1,"sub":""})"), with), "no missing_claim");
}

TEST(RemoteAnswer, HoldsForAsLongAsItSays) {
  const auto validity = [](std::string_view body, std::string_view token = "opaque") {
    auto with = settings();
    with.expiry = "expires_at";
    const auto reading = protocol(with).read(json_answer(body), token, kNow);
    EXPECT_EQ(words_of(reading), "yes ann") << body;
    return token::Validity{(*reading)->valid_from, (*reading)->valid_until};
  };
  const token::Validity always;
  EXPECT_EQ(validity(R"({"sub":"ann"})"), always);
  EXPECT_EQ(validity(R"({"sub":"ann","expires_at":null})"), always);
  EXPECT_EQ(validity(R"({"sub":"ann","expires_at":1700000009})").until, kNow + seconds(9));
  EXPECT_EQ(validity(R"({"sub":"ann","expires_at":"2023-11-14T22:13:29Z"})").until, kNow + seconds(9));
  EXPECT_EQ(validity(R"({"sub":"ann","nbf":1699999999})").from, kNow - seconds(1));
  EXPECT_EQ(validity(R"({"data":{"sub":"ann","expires_at":1700000009},"expires_at":1700000002})").until,
            kNow + seconds(2));
  EXPECT_EQ(validity(R"({"data":{"sub":"ann","expires_at":1700000002},"expires_at":1700000009})").until,
            kNow + seconds(2));
  EXPECT_EQ(validity(R"({"data":{"sub":"ann"},"expires_at":1700000002})").until, kNow + seconds(2));
  // Of both the earlier one counts.
  const auto token = token_with(R"({"exp":1700000005})");
  EXPECT_EQ(validity(R"({"sub":"ann","expires_at":1700000009})", token).until, kNow + seconds(5));
  EXPECT_EQ(validity(R"({"sub":"ann","expires_at":1700000002})", token).until, kNow + seconds(2));
  EXPECT_EQ(validity(R"({"sub":"ann"})", token).until, kNow + seconds(5));
  EXPECT_EQ(validity(R"({"sub":"ann"})", token_with(R"({"exp":"soon"})")), always);
  EXPECT_EQ(validity(R"({"sub":"ann"})", "a.b.c"), always);
}

TEST(RemoteAnswer, WhatIsOverOrHasNotBegunIsNoYes) {
  EXPECT_EQ(read(json_answer(R"({"sub":"ann","exp":1700000000})")), "no expired");
  EXPECT_EQ(read(json_answer(R"({"sub":"ann","exp":"2023-11-14T22:13:20Z"})")), "no expired");
  EXPECT_EQ(read(json_answer(R"({"valid":true,"exp":1000,"data":{"sub":"ann"}})")), "no expired");
  EXPECT_EQ(read(json_answer(R"({"exp":"soon","data":{"sub":"ann"}})")),
            "the answer names a moment that cannot be read");
  EXPECT_EQ(read(json_answer(R"({"sub":"ann","nbf":1700000001})")), "no not_yet_valid");
  EXPECT_EQ(read(json_answer(R"({"sub":"ann"})"), settings(), token_with(R"({"exp":1700000000})")), "no expired");
  EXPECT_EQ(read(http_answer(200), settings(), token_with(R"({"sub":"ann","exp":1700000000})")), "no expired");
  for (const char* const moment : {"\"soon\"", "true", "[]", "1e300", "1700000000000"}) {
    EXPECT_EQ(read(json_answer(R"({"sub":"ann","exp":)" + std::string(moment) + "}")),
              "the answer names a moment that cannot be read");
    EXPECT_EQ(read(json_answer(R"({"sub":"ann","nbf":)" + std::string(moment) + "}")),
              "the answer names a moment that cannot be read");
  }
}

TEST(RemoteAnswer, TellsWhatIsKnownAndHowMuchThatIs) {
  const auto small = *protocol().read(json_answer(R"({"data":{"sub":"ann","roles":["a"]}})"), "opaque", kNow);
  EXPECT_EQ(boost::json::serialize(*small->claims), R"({"sub":"ann","roles":["a"]})");
  EXPECT_GT(small->bytes, sizeof(inquiry::Answer));
  const auto large =
      *protocol().read(json_answer(R"({"sub":"ann","x":")" + std::string(9'000, 'x') + "\"}"), "o", kNow);
  EXPECT_GT(large->bytes, 9'000U);
  EXPECT_LT(large->bytes, 11'000U);
}

}  // namespace
}  // namespace sidegate::authority
