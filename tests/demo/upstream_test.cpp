#include "upstream.hpp"

#include "page.hpp"

#include <gmock/gmock.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sidegate::demo {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kToken = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxMjN9.c2lnbmF0dXJl";

web::Request request_of(std::vector<web::Field> fields, std::string target = "/a?b=c") {
  return {"GET", std::move(target), std::move(fields), ""};
}

TEST(WithoutCredentials, ShortensThem) {
  struct Case {
    std::string name;
    std::string value;
    std::string expected;
  };
  const Case cases[] = {
      {"Authorization", "Bearer " + kToken, "Bearer eyJhbG…"},
      {"authorization", "opaquevalue", "op…"},
      {"Authorization", "Bearer abc", "Bearer …"},
      {"Authorization", "Bearer ", "Bearer …"},
      {"Cookie", "access_token=" + kToken + "; theme=dark", "access_token=eyJhbG…; theme=d…"},
      {"Cookie", "loose;;=", "l…; …; =…"},
      {"X-API-Key", "0123456789abcdef0123456789abcdef", "012345…"},
      {"X-CSRF-Token", "0123456789abcdef", "0123…"},
      {"X-User-Id", "123", "123"},
      {"Accept", "*/*", "*/*"},
  };
  for (const Case& test : cases) EXPECT_EQ(without_credentials(test.name, test.value), test.expected) << test.value;
}

TEST(Upstream, AnswersJsonToProgrammes) {
  auto request =
      request_of({{"Host", "x"}, {"X-Twice", "1"}, {"x-twice", "\"2\"\xff"}, {"Cookie", "access_token=" + kToken}});
  request.method = "PUT";
  request.body = "12345";
  const auto response = show_request(request);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(
      boost::json::parse(response.body),
      boost::json::parse(R"({"method":"PUT","target":"/a?b=c","headers":{"Host":["x"],"X-Twice":["1","\"2\"\ufffd"],)"
                         R"("Cookie":["access_token=eyJhbG…"]},"body_bytes":5})"));
}

TEST(Upstream, AnswersJsonToARequestWithoutHeaders) {
  EXPECT_EQ(boost::json::parse(show_request(request_of({})).body).at("headers").as_object().size(), 0U);
}

TEST(Upstream, AnswersAPageToBrowsers) {
  const auto response = show_request(
      request_of({{"Accept", "text/html,*/*;q=0.8"}, {"X-User-Id", "123"}, {"Authorization", "Bearer " + kToken}}));
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("Hello, user 123"));
  EXPECT_THAT(response.body, HasSubstr("<tr class=\"identity\"><th scope=\"row\">X-User-Id"));
  EXPECT_THAT(response.body, HasSubstr("<code>GET /a?b=c</code>"));
  EXPECT_THAT(response.body, HasSubstr("Bearer eyJhbG…"));
  EXPECT_THAT(response.body, Not(HasSubstr("c2lnbmF0dXJl")));
  EXPECT_THAT(response.body, HasSubstr("<form method=\"post\" action=\"/logout\">"));
  EXPECT_THAT(response.body, HasSubstr("href=\"/public/hello\""));
  EXPECT_THAT(response.fields.front().name, "Content-Security-Policy");
  EXPECT_THAT(response.fields.front().value,
              HasSubstr("default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"));
}

TEST(Upstream, EscapesWhateverItShows) {
  const std::string hostile = "\"'><script>alert(1)</script>&";
  const auto response = show_request({"<b>",
                                      "/<script>?" + hostile,
                                      {{"Accept", "text/html"},
                                       {"X-User-Id", hostile},
                                       {"X-<i>", hostile},
                                       {"Cookie", "<script>=" + hostile},
                                       {"Authorization", hostile + " " + hostile}},
                                      ""});
  EXPECT_THAT(response.body, Not(HasSubstr("<script")));
  EXPECT_THAT(response.body, Not(HasSubstr("<b>")));
  EXPECT_THAT(response.body, Not(HasSubstr("<i>")));
  EXPECT_THAT(response.body, HasSubstr("&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;"));
}

TEST(EscapeHtml, LeavesOtherTextAlone) {
  EXPECT_EQ(escape_html("a b/c=d…"), "a b/c=d…");
}

}  // namespace
}  // namespace sidegate::demo
