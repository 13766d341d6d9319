#include <sidegate/token/json_reader.hpp>

#include <gtest/gtest.h>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <string>
#include <vector>

namespace sidegate::token {
namespace {

struct Case {
  std::string name;
  std::string text;
  bool accepted;
};

std::string nested(std::size_t depth) {
  return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + '}';
}

std::string members(std::size_t count) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  return text + '}';
}

TEST(JsonReader, TakesOneObjectAndNothingElse) {
  using namespace std::string_literals;
  const std::vector<Case> cases{
      {"an object", R"({"a":1})", true},
      {"an empty object", "{}", true},
      {"white space around", " \r\n\t{\"a\" : [1, 2.5, true, null, \"x\"]} \n", true},
      {"the same name in different objects", R"({"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]})", true},
      {"names that differ by case", R"({"a":1,"A":1})", true},
      {"a member twice", R"({"a":1,"b":2,"a":3})", false},
      {"a member twice with the same value", R"({"a":1,"a":1})", false},
      {"a member twice, once escaped", R"({"alg":1,"\u0061lg":1})", false},
      {"a member twice deep down", R"({"a":[0,{"b":{"x":1,"x":2}}]})", false},
      {"a member twice that hides objects", R"({"a":{"x":1,"y":2},"a":{"z":1}})", false},
      {"an empty name twice", R"({"":1,"":2})", false},
      {"a list", "[1]", false},
      {"a string", "\"a\"", false},
      {"a number", "1", false},
      {"nothing", "", false},
      {"blanks only", "  ", false},
      {"two objects", "{}{}", false},
      {"something after it", "{} x", false},
      {"a NUL after it", "{}\0"s, false},
      {"cut off", R"({"a":1)", false},
      {"a comma too many", R"({"a":1,})", false},
      {"a comment", R"({/**/"a":1})", false},
      {"a byte order mark", "\xef\xbb\xbf{}", false},
      {"single quotes", "{'a':1}", false},
      {"a leading zero", R"({"a":01})", false},
      {"NaN", R"({"a":NaN})", false},
      {"a bare control character", "{\"a\":\"\n\"}", false},
      {"bytes that are no UTF-8", "{\"a\":\"\xff\"}", false},
      {"an overlong UTF-8 sequence", "{\"a\":\"\xc0\xaf\"}", false},
      {"a lone surrogate", R"({"a":"\ud800"})", false},
      {"as deep as is allowed", nested(32), true},
      {"deeper", nested(33), false},
      {"very deep", nested(100'000), false},
      {"as many members as are allowed", members(10'000), true},
      {"one more", members(10'001), false},
      {"as long as is allowed", "{}" + std::string((std::size_t{1} << 20U) - 2, ' '), true},
      {"one byte longer", "{}" + std::string((std::size_t{1} << 20U) - 1, ' '), false},
  };
  JsonReader reader;
  for (const auto& [name, text, accepted] : cases) {
    EXPECT_EQ(reader.read_object(text).has_value(), accepted) << name;
    // Whatever came before leaves no trace.
    EXPECT_EQ(boost::json::serialize(*reader.read_object(R"({"k":["v"]})")), R"({"k":["v"]})") << "after: " << name;
  }
}

TEST(JsonReader, MakesTheResultInTheStorageOfTheCaller) {
  JsonReader reader;
  for (int i = 0; i < 3; ++i) {
    boost::json::monotonic_resource storage;
    EXPECT_FALSE(reader.read_object(R"({"a":"a long string that is on the heap","b":[)", &storage));
    const auto object = reader.read_object(R"({"a":"a long string that is on the heap"})", &storage);
    ASSERT_TRUE(object);
    EXPECT_EQ(object->storage().get(), &storage);
  }
}

TEST(JsonReader, CutAnywhereIsRefusedAndDoesNoHarm) {
  const std::string text = R"({"iss":"joe","exp":1300819380,"list":[{"a":"A\n"},-1.5e3,true,null]})";
  JsonReader reader;
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(reader.read_object(text.substr(0, size))) << size;
  }
  EXPECT_TRUE(reader.read_object(text));
}

TEST(JsonReader, NumbersThatNobodyMeansAreRefused) {
  JsonReader reader;
  const auto reads = [&](const std::string& number) {
    return reader.read_object("{\"a\":" + number + "}").has_value();
  };
  EXPECT_TRUE(reads("-1234567890123456789"));
  EXPECT_TRUE(reads("18446744073709551615"));
  EXPECT_TRUE(reads("3.141592653589793238462643383279502884197e-300"));
  EXPECT_TRUE(reads(std::string(64, '1')));
  EXPECT_FALSE(reads(std::string(65, '1')));
  EXPECT_FALSE(reads("0." + std::string(64, '1')));
  EXPECT_FALSE(reads("1e" + std::string(64, '0')));
  EXPECT_FALSE(reads(std::string(100'000, '9')));
}

}  // namespace
}  // namespace sidegate::token
