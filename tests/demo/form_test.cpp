#include "form.hpp"

#include <gtest/gtest.h>

namespace sidegate::demo {
namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

TEST(ParseForm, Decodes) {
  struct Case {
    const char* text;
    Fields expected;
  };
  const Case cases[] = {
      {"", {}},
      {"a=b", {{"a", "b"}}},
      {"a=b&c=d", {{"a", "b"}, {"c", "d"}}},
      {"a=1&a=2", {{"a", "1"}}},
      {"a", {{"a", ""}}},
      {"&&a=&", {{"a", ""}}},
      {"a=b+c%20d%26%3D", {{"a", "b c d&="}}},
      {"a=%", {{"a", "%"}}},
      {"a=%4", {{"a", "%4"}}},
      {"a=%zz%41", {{"a", "%zzA"}}},
      {"a=b=c", {{"a", "b=c"}}},
  };
  for (const Case& test : cases) EXPECT_EQ(parse_form(test.text), test.expected) << test.text;
}

TEST(FindCookie, TakesTheFirstOfExactlyThatName) {
  web::Request request;
  request.fields = {{"Cookie", "xaccess_token=0; access_token = one ;empty="}, {"cookie", "access_token=two; late=3"}};
  EXPECT_EQ(find_cookie(request, "access_token"), "one");
  EXPECT_EQ(find_cookie(request, "late"), "3");
  EXPECT_EQ(find_cookie(request, "empty"), std::nullopt);
  EXPECT_EQ(find_cookie(request, "Access_Token"), std::nullopt);
}

TEST(FindBearer, TakesTheSchemeInAnyCase) {
  const auto find = [](const char* value) {
    web::Request request;
    request.fields = {{"authorization", value}};
    return find_bearer(request).has_value() ? std::string(*find_bearer(request)) : "none";
  };
  EXPECT_EQ(find("Bearer abc"), "abc");
  EXPECT_EQ(find("bEARER   abc "), "abc");
  EXPECT_EQ(find("Bearer "), "none");
  EXPECT_EQ(find("Bearer"), "none");
  EXPECT_EQ(find("Basic abc"), "none");
}

TEST(ComesFromAnotherSite, ComparesOriginAndHost) {
  const auto foreign = [](std::vector<web::Field> fields) {
    web::Request request;
    request.fields = std::move(fields);
    return comes_from_another_site(request);
  };
  EXPECT_FALSE(foreign({{"Host", "127.0.0.1:8080"}}));
  EXPECT_FALSE(foreign({{"Host", "127.0.0.1:8080"}, {"Origin", "http://127.0.0.1:8080"}}));
  EXPECT_TRUE(foreign({{"Host", "127.0.0.1:8080"}, {"Origin", "http://127.0.0.1:8081"}}));
  EXPECT_TRUE(foreign({{"Host", "127.0.0.1:8080"}, {"Origin", "null"}}));
}

}  // namespace
}  // namespace sidegate::demo
