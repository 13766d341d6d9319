#include <sidegate/http/cookies.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace sidegate::http {
namespace {

using base::Reason;

std::vector<Field> cookie_fields(const std::vector<std::string_view>& values) {
  std::vector<Field> fields;
  fields.push_back({.name = "Host", .value = "a=host; access_token=host", .line = {}, .known = FieldName::Host});
  for (const auto value : values) {
    fields.push_back({.name = "Cookie", .value = value, .line = {}, .known = FieldName::Cookie});
  }
  return fields;
}

struct FindCase {
  std::string_view name;
  std::vector<std::string_view> cookies;
  base::Result<std::optional<std::string_view>> expected;
};

TEST(Cookies, AreFoundByExactName) {
  using Found = std::optional<std::string_view>;
  const std::array<FindCase, 26> cases{{
      {"no field", {}, Found{}},
      {"an empty field", {""}, Found{}},
      {"the only one", {"access_token=abc"}, Found{"abc"}},
      {"among others", {"a=1; access_token=abc; b=2"}, Found{"abc"}},
      {"without blanks", {"a=1;access_token=abc;b=2"}, Found{"abc"}},
      {"with many blanks", {"a=1 ;\t access_token \t= abc\t ; b=2"}, Found{"abc"}},
      {"in a second field", {"a=1", "access_token=abc"}, Found{"abc"}},
      {"with equals signs in it", {"access_token=a=b=="}, Found{"a=b=="}},
      {"with a comma in it", {"access_token=a,b"}, Found{"a,b"}},
      {"a longer name", {"access_token2=abc"}, Found{}},
      {"a shorter name", {"access_toke=abc"}, Found{}},
      {"a name before it", {"xaccess_token=abc"}, Found{}},
      {"other letter case", {"Access_Token=abc"}, Found{}},
      {"a twin", {"access-token=abc"}, Found{}},
      {"as a value", {"a=access_token=abc"}, Found{}},
      {"empty", {"access_token="}, Found{}},
      {"only blanks", {"access_token= \t"}, Found{}},
      {"without an equals sign", {"access_token"}, Found{}},
      {"separators at every place", {";; ;access_token=abc; ;"}, Found{"abc"}},
      {"twice the same", {"access_token=abc; access_token=abc"}, Found{"abc"}},
      {"twice the same in two fields", {"access_token=abc", "access_token=abc"}, Found{"abc"}},
      {"twice", {"access_token=abc; access_token=abd"}, Reason::AmbiguousCookie},
      {"twice in two fields", {"access_token=abc", "a=1; access_token=abd"}, Reason::AmbiguousCookie},
      {"once empty", {"access_token=; access_token=abc"}, Reason::AmbiguousCookie},
      {"three times, the first and the last the same",
       {"access_token=a; access_token=b; access_token=a"},
       Reason::AmbiguousCookie},
      {"quoted", {"access_token=\"abc\""}, Reason::QuotedCookie},
  }};
  for (const auto& [name, cookies, expected] : cases) {
    SCOPED_TRACE(name);
    const auto found = find_cookie(cookie_fields(cookies), "access_token");
    ASSERT_EQ(found.has_value(), expected.has_value());
    if (found) {
      EXPECT_EQ(*found, *expected);
    } else {
      EXPECT_EQ(found.error(), expected.error());
    }
  }
}

struct WithoutCase {
  std::string_view name;
  std::vector<std::string_view> cookies;
  std::vector<std::string_view> without;
  bool changed;
  std::string_view expected;
};

TEST(Cookies, AreTakenOut) {
  const std::array<WithoutCase, 11> cases{{
      {"no field", {}, {"a"}, false, ""},
      {"not there", {"b=2; c=3"}, {"a"}, false, ""},
      {"no names", {"b=2; c=3"}, {}, false, ""},
      {"the only one", {"a=1"}, {"a"}, true, ""},
      {"the first", {"a=1; b=2; c=3"}, {"a"}, true, "Cookie: b=2; c=3\r\n"},
      {"the middle", {"b=2;a=1;c=3"}, {"a"}, true, "Cookie: b=2; c=3\r\n"},
      {"the last", {"b=2; c=3; a=1"}, {"a"}, true, "Cookie: b=2; c=3\r\n"},
      {"every one of that name", {"a=1; b=2; a=3", "a=4"}, {"a"}, true, "Cookie: b=2\r\n"},
      {"several names", {"a=1; b=2", "c=3; d=4"}, {"a", "c"}, true, "Cookie: b=2; d=4\r\n"},
      {"what is left stays as it is", {"a=1; b = \"x y\" ; c"}, {"a"}, true, "Cookie: b = \"x y\"; c\r\n"},
      {"with blanks around the name", {" a =1; b=2"}, {"a"}, true, "Cookie: b=2\r\n"},
  }};
  for (const auto& [name, cookies, without, changed, expected] : cases) {
    SCOPED_TRACE(name);
    std::string out = "before|";
    EXPECT_EQ(append_cookies_without(cookie_fields(cookies), without, out), changed);
    EXPECT_EQ(out, "before|" + std::string(expected));
  }
}

TEST(Cookies, AreVisitedInOrder) {
  std::string seen;
  for_each_cookie(cookie_fields({"a=1; =2; three", " ; b==", ";"}),
                  [&](std::string_view name, std::string_view value, std::string_view pair) {
                    seen += '[' + std::string(name) + '|' + std::string(value) + '|' + std::string(pair) + ']';
                  });
  EXPECT_EQ(seen, "[a|1|a=1][|2|=2][|three|three][b|=|b==]");
}

// HAProxy once looped for ever on a cookie that begins with a delimiter (CVE-2019-14241).
TEST(Cookies, TakeLinearTime) {
  const std::string value = std::string(30'000, ';') + "access_token=x" + std::string(30'000, ';');
  EXPECT_EQ(find_cookie(cookie_fields({value}), "access_token").value(), "x");
}

}  // namespace
}  // namespace sidegate::http
