#include <sidegate/web/message.hpp>

#include <gtest/gtest.h>

namespace sidegate::web {
namespace {

TEST(PrefersHtml, WeighsTheAcceptField) {
  struct Case {
    const char* accept;
    bool expected;
  };
  const Case cases[] = {
      {"", false},
      {"*/*", false},
      {"text/html", true},
      {"TEXT/HTML", true},
      {"application/json", false},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
      {"text/html;q=0.5, application/json", false},
      {"text/html;q=0.5, application/json;q=0.25", true},
      {"text/html; level=1 ;Q=0.5, */*;q=0.4", true},
      {"text/*", true},
      {"text/*, text/html;q=0", false},
      {"text/html;q=0", false},
      {"text/html, application/json", false},
      {"text/htmlx", false},
      {",,;q=1,/", false},
      {"text/html;q=", true},
  };
  for (const Case& test : cases) EXPECT_EQ(prefers_html(test.accept), test.expected) << test.accept;
  EXPECT_FALSE(prefers_html(std::nullopt));
}

TEST(Request, SplitsItsTarget) {
  Request request;
  request.target = "/a?b=1?c";
  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query(), "b=1?c");
  request.target = "/a";
  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query(), "");
}

TEST(Request, FindsFieldsWithoutLetterCase) {
  Request request;
  request.fields = {{"X-One", "1"}, {"x-two", "2"}, {"X-TWO", "3"}};
  EXPECT_EQ(request.find("x-one"), "1");
  EXPECT_EQ(request.find("X-Two"), "2");
  EXPECT_EQ(request.find("X-Three"), std::nullopt);
  EXPECT_EQ(request.count("X-Two"), 2U);
  EXPECT_EQ(request.count("X-Three"), 0U);
}

TEST(ErrorResponse, EscapesItsWords) {
  EXPECT_EQ(error_response(400, "a\"b").body, R"({"error":"a\"b"})");
}

}  // namespace
}  // namespace sidegate::web
