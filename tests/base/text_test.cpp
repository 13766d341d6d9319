#include <sidegate/base/text.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace sidegate::base {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

static_assert(to_lower('A') == 'a' && to_lower('Z') == 'z' && to_lower('@') == '@' && to_lower('[') == '[');
static_assert(to_upper('a') == 'A' && to_upper('z') == 'Z' && to_upper('`') == '`' && to_upper('{') == '{');
static_assert(to_lower('\xC4') == '\xC4' && to_upper('\xE4') == '\xE4');  // Latin-1 letters are no letters here
static_assert(is_digit('0') && is_digit('9') && !is_digit('/') && !is_digit(':'));
static_assert(is_alpha('a') && is_alpha('Z') && !is_alpha('@') && !is_alpha('[') && !is_alpha('`') && !is_alpha('{'));
static_assert(hex_value('0') == 0 && hex_value('9') == 9 && hex_value('a') == 10 && hex_value('F') == 15);
static_assert(hex_value('g') == -1 && hex_value('/') == -1 && hex_value(':') == -1 && hex_value('@') == -1);

TEST(Text, EqualsIgnoringCase) {
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_TRUE(equals_ignoring_case("Content-Length", "cONTENT-lENGTH"));
  EXPECT_FALSE(equals_ignoring_case("Host", "Hos"));
  EXPECT_FALSE(equals_ignoring_case("[", "{"));  // differ by the bit that letters differ by
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("\xC4", "\xE4"));
  EXPECT_FALSE(equals_ignoring_case("\xE2\x84\xAA", "k"));  // the Kelvin sign
}

TEST(Text, LowerCase) {
  EXPECT_EQ(lower_case(""), "");
  EXPECT_EQ(lower_case("X-User_Id.9 \xC4Z["), "x-user_id.9 \xC4z[");
}

struct TextCase {
  std::string_view input;
  std::string_view expected;
};

TEST(Text, TrimBlanks) {
  constexpr std::array<TextCase, 8> cases{{{"", ""},
                                           {" ", ""},
                                           {" \t \t", ""},
                                           {"a", "a"},
                                           {" \ta b\t ", "a b"},
                                           {"\r\na\n", "\r\na\n"},
                                           {"\va\f", "\va\f"},
                                           {"a ", "a"}}};
  for (const auto& [input, expected] : cases) EXPECT_EQ(trim_blanks(input), expected) << input;
}

// RFC 9110 section 5.6.2, every byte.
TEST(Text, TokenCharacters) {
  const std::string_view token_chars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    EXPECT_EQ(is_token_char(c), token_chars.find(c) != std::string_view::npos) << code;
  }
  EXPECT_TRUE(is_token("X-User_Id"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token("a:"));
  EXPECT_FALSE(is_token("a\0"sv));
}

struct DecimalCase {
  std::string_view input;
  std::optional<std::uint64_t> expected;
};

TEST(Text, ParseDecimal) {
  const std::array<DecimalCase, 17> cases{{{"0", 0},
                                           {"7", 7},
                                           {"007", 7},
                                           {"18446744073709551615", 18446744073709551615ULL},
                                           {"018446744073709551615", 18446744073709551615ULL},
                                           {"18446744073709551616", {}},
                                           {"99999999999999999999999999", {}},
                                           {"", {}},
                                           {" 1", {}},
                                           {"1 ", {}},
                                           {"+1", {}},
                                           {"-1", {}},
                                           {"1,1", {}},
                                           {"0x10", {}},
                                           {"1e3", {}},
                                           {"1\0"sv, {}},
                                           {"\xD9\xA1", {}}}};  // ARABIC-INDIC DIGIT ONE
  for (const auto& [input, expected] : cases) EXPECT_EQ(parse_decimal(input), expected) << input;
}

struct PortCase {
  std::string_view input;
  std::optional<std::uint16_t> expected;
};

TEST(Text, ParsePort) {
  const std::array<PortCase, 12> cases{{{"0", 0},
                                        {"80", 80},
                                        {"00080", 80},
                                        {"65535", 65535},
                                        {"65536", {}},
                                        {"99999", {}},
                                        {"000080", {}},
                                        {"", {}},
                                        {"-1", {}},
                                        {"80 ", {}},
                                        {"http", {}},
                                        {"8\0"sv, {}}}};
  for (const auto& [input, expected] : cases) EXPECT_EQ(parse_port(input), expected) << input;
}

struct ListCase {
  std::string_view input;
  std::vector<std::string_view> expected;
};

TEST(Text, ListItems) {
  const std::array<ListCase, 9> cases{{{"", {}},
                                       {" ", {}},
                                       {",", {}},
                                       {", ,\t,", {}},
                                       {"a", {"a"}},
                                       {"a,b", {"a", "b"}},
                                       {" a\t, b ,", {"a", "b"}},
                                       {",a,,b", {"a", "b"}},
                                       {"a b, c", {"a b", "c"}}}};
  for (const auto& [input, expected] : cases) {
    std::vector<std::string_view> items;
    for_each_list_item(input, [&](std::string_view item) { items.push_back(item); });
    EXPECT_EQ(items, expected) << input;
  }
}

TEST(Text, WriteHex) {
  constexpr std::array<std::uint8_t, 5> bytes{0x00, 0x0F, 0xA0, 0x7F, 0xFF};
  std::string out(11, '.');
  write_hex(bytes, out.data());
  EXPECT_EQ(out, "000fa07fff.");
}

struct DistanceCase {
  std::string_view left;
  std::string_view right;
  std::size_t expected;
};

TEST(Text, EditDistance) {
  constexpr std::array<DistanceCase, 9> cases{{{"", "", 0},
                                               {"", "abc", 3},
                                               {"abc", "", 3},
                                               {"abc", "abc", 0},
                                               {"kitten", "sitting", 3},
                                               {"upstream", "upstreams", 1},
                                               {"ab", "ba", 2},
                                               {"flaw", "lawn", 2},
                                               {"A", "a", 1}}};
  for (const auto& [left, right, expected] : cases) {
    EXPECT_EQ(edit_distance(left, right), expected) << left << ' ' << right;
    EXPECT_EQ(edit_distance(right, left), expected) << right << ' ' << left;
  }
}

TEST(Text, JsonEscape) {
  constexpr std::array<TextCase, 23> cases{{
      {"", ""},
      {"/plain path?~", "/plain path?~"},
      {R"(say "hi" \o/)", R"(say \"hi\" \\o/)"},
      {"\0"sv, R"(\u0000)"},
      {"a\nb\r\t", R"(a\u000ab\u000d\u0009)"},
      {"\x1F\x20\x7F", R"(\u001f \u007f)"},
      {"\xC3\xA4", "\xC3\xA4"},
      {"\xE2\x82\xAC", "\xE2\x82\xAC"},
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
      {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},                       // the last code point
      {"\x80", R"(\ufffd)"},                                          // continues nothing
      {"\xC3", R"(\ufffd)"},                                          // cut off
      {"\xC3(", R"(\ufffd()"},                                        // the next character is not swallowed
      {"\xE2\x82", R"(\ufffd\ufffd)"},                                // cut off
      {"\xE2\x82\"", R"(\ufffd\ufffd\")"},                            // and never the quote
      {"\xC0\xAF", R"(\ufffd\ufffd)"},                                // overlong slash
      {"\xC1\xBF", R"(\ufffd\ufffd)"},                                // overlong DEL
      {"\xE0\x9F\xBF", R"(\ufffd\ufffd\ufffd)"},                      // overlong
      {"\xED\xA0\x80", R"(\ufffd\ufffd\ufffd)"},                      // a surrogate
      {"\xF0\x8F\xBF\xBF", R"(\ufffd\ufffd\ufffd\ufffd)"},            // overlong
      {"\xF4\x90\x80\x80", R"(\ufffd\ufffd\ufffd\ufffd)"},            // above U+10FFFF
      {"\xF8\x88\x80\x80\x80", R"(\ufffd\ufffd\ufffd\ufffd\ufffd)"},  // five bytes
      {"\xFF\xFE", R"(\ufffd\ufffd)"},
  }};
  for (const auto& [input, expected] : cases) {
    std::string out = "x";
    append_json_escaped(out, input);
    EXPECT_EQ(out, "x" + std::string(expected));
  }
}

// A terminal obeys the C1 controls (U+0080 to U+009F, NEL among them) in two bytes too.
TEST(Text, JsonEscapeOfEveryC1Control) {
  for (std::uint8_t code = 0x80; code < 0xA0; ++code) {
    std::string digits(2, '.');
    write_hex({&code, 1}, digits.data());
    std::string out;
    append_json_escaped(out, "a\xC2" + std::string(1, static_cast<char>(code)) + "b");
    EXPECT_EQ(out, "a\\u00" + digits + "b");
  }
}

// Some readers end a line at U+2028 and U+2029.
TEST(Text, JsonEscapeOfLineEndsBeyondAsciiAndNothingAroundThem) {
  constexpr std::array<TextCase, 14> cases{{
      {"a\u2028b", R"(a\u2028b)"},
      {"a\u2029b", R"(a\u2029b)"},
      {"\u2028\u2029\xC2\x85", R"(\u2028\u2029\u0085)"},
      {"\u2027", "\u2027"},
      {"\u202A", "\u202A"},
      {"\u00A0", "\u00A0"},
      {"\u00BF", "\u00BF"},
      {"\u00C0", "\u00C0"},             // the same last byte as U+0080
      {"\u0440", "\u0440"},             // likewise
      {"\u20A8", "\u20A8"},             // the same last byte as U+2028
      {"\u1028", "\u1028"},             // one bit beside U+2028
      {"\U00010085", "\U00010085"},     // four bytes
      {"\xC2", R"(\ufffd)"},            // cut off before a C1 control is whole
      {"\xE2\x80", R"(\ufffd\ufffd)"},  // cut off before a line end is whole
  }};
  for (const auto& [input, expected] : cases) {
    std::string out;
    append_json_escaped(out, input);
    EXPECT_EQ(out, expected);
  }
}

TEST(Text, JsonEscapeOfEveryByteStaysOneLineInQuotes) {
  for (int code = 0; code < 256; ++code) {
    std::string out;
    append_json_escaped(out, std::string(1, static_cast<char>(code)));
    for (const char c : out) {
      EXPECT_TRUE(c >= 0x20 && c < 0x7F) << code;
    }
    EXPECT_FALSE(out.empty()) << code;
    EXPECT_NE(out, "\"");
    EXPECT_NE(out, "\\");
  }
}

}  // namespace
}  // namespace sidegate::base
