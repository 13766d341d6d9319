#include "json_text.hpp"

#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sidegate::authority {
namespace {

std::string read(std::string_view text) {
  const auto value = read_json(text);
  return value ? boost::json::serialize(*value) : "nothing";
}

TEST(JsonText, ReadsAnyText) {
  for (const char* const text : {"{}", "[]", "true", "null", "7", "\"x\"", R"({"value":1})", R"([{"a":1},{"a":2}])"}) {
    EXPECT_EQ(read(text), text);
  }
  EXPECT_EQ(read(" [ 1 ]\n"), "[1]");
  for (const char* const text : {"", " ", "x", "[", "]", "{}{}", "1 2", R"([],"x":1)", R"([],"value":1)", "[]}",
                                 R"([]},{"x":1)", R"({"a":1,"a":2})", R"([{"a":1,"a":2}])", "\"\xFF\""}) {
    EXPECT_EQ(read(text), "nothing") << text;
  }
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(read(nested(32)), nested(32));
  EXPECT_EQ(read(nested(33)), "nothing");
}

TEST(JsonText, UnwrapsAnObject) {
  const auto unwrapped = [](std::string_view text) {
    const auto object = read_wrapped_object(text, wiped_storage());
    return object ? boost::json::serialize(*object) : "nothing";
  };
  EXPECT_EQ(unwrapped(R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(unwrapped(R"({"data":{"a":1},"b":2})"), R"({"a":1})");
  EXPECT_EQ(unwrapped(R"({"data":[1],"b":2})"), R"({"data":[1],"b":2})");
  EXPECT_EQ(unwrapped("[]"), "nothing");
}

TEST(JsonText, FindsMembers) {
  const auto object = *read_wrapped_object(R"({"a":"x","b":null,"c":7,"d":{"e":"y"}})");
  EXPECT_EQ(text_member(object, "a"), "x");
  EXPECT_EQ(text_member(object, "b"), "");
  EXPECT_EQ(text_member(object, "c"), "");
  EXPECT_EQ(text_member(object, "z"), "");
  EXPECT_EQ(find_member(object, "b"), nullptr);
  EXPECT_EQ(find_member(object, "z"), nullptr);
  EXPECT_EQ(*find_member(object, "d.e"), "y");
}

TEST(JsonText, KnowsAboutHowMuchItTakes) {
  const auto memory = [](const std::string& text) { return memory_of(*read_wrapped_object(text)); };
  EXPECT_EQ(memory("{}"), 0U);
  const auto one = memory(R"({"a":1})");
  EXPECT_GT(one, 20U);
  EXPECT_EQ(memory(R"({"a":")" + std::string(1'000, 'x') + "\"}"), one + 1'000);
  EXPECT_EQ(memory(R"({"a":{"a":1}})"), 2 * one);
  EXPECT_GT(memory(R"({"a":[1,2,3,4]})"), one + 4 * 8);
}

}  // namespace
}  // namespace sidegate::authority
