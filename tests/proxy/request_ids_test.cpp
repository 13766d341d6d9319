#include <sidegate/proxy/request_ids.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::proxy {
namespace {

TEST(RequestIds, AreHexadecimalAndNeverTheSame) {
  RequestIds ids;
  RequestIds others;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    RequestIds::Id id{};
    (i % 2 == 0 ? ids : others).next(id);
    const std::string text(id.data(), id.size());
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos) << text;
    EXPECT_TRUE(seen.insert(text).second);
  }
}

TEST(RequestIds, SpansAreNeverZero) {
  RequestIds ids;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    RequestIds::Id id{};
    ids.next(id);
    const std::string text(RequestIds::span_of(id));
    EXPECT_EQ(text.size(), 16U);
    EXPECT_NE(text, "0000000000000000");
    EXPECT_TRUE(seen.insert(text).second);
  }
}

struct FoundCase {
  const char* name;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::string_view expected;
};

TEST(FindRequestId, IsTheOnlyOneThatCanBeShown) {
  const std::string longest(128, 'x');
  const std::string too_long(129, 'x');
  const FoundCase cases[]{
      {"none", {}, ""},
      {"one", {{"X-Request-Id", "0123-abc"}}, "0123-abc"},
      {"among others", {{"Accept", "*/*"}, {"x-request-id", "a"}, {"Host", "h"}}, "a"},
      {"every visible character",
       {{"X-Request-Id", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}},
       "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
      {"the longest", {{"X-Request-Id", longest}}, longest},
      {"a longer one", {{"X-Request-Id", too_long}}, ""},
      {"an empty one", {{"X-Request-Id", ""}}, ""},
      {"a blank", {{"X-Request-Id", "a b"}}, ""},
      {"a tab", {{"X-Request-Id", "a\tb"}}, ""},
      {"DEL", {{"X-Request-Id", "a\x7F"}}, ""},
      {"a foreign byte", {{"X-Request-Id", "caf\xC3\xA9"}}, ""},
      {"two", {{"X-Request-Id", "a"}, {"X-Request-Id", "b"}}, ""},
      {"the same twice", {{"X-Request-Id", "a"}, {"X-Request-Id", "a"}}, ""},
      {"one that can be shown and one that cannot", {{"X-Request-Id", "a"}, {"X-Request-Id", ""}}, ""},
      {"a name that some take for it", {{"X_Request_Id", "a"}, {"X-Request-ID2", "b"}, {"Request-Id", "c"}}, ""},
      {"beside a name that some take for it", {{"X_Request_Id", "a"}, {"X-Request-Id", "b"}}, "b"},
  };
  for (const auto& [name, all, expected] : cases) {
    std::vector<http::Field> fields;
    for (const auto& [field, value] : all) {
      fields.push_back({.name = field, .value = value, .line = {}, .known = http::field_name_of(field)});
    }
    EXPECT_EQ(find_request_id(fields), expected) << name;
  }
}

}  // namespace
}  // namespace sidegate::proxy
