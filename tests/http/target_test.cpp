#include <sidegate/http/target.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sidegate::http {
namespace {

using base::Reason;
using namespace std::string_view_literals;

struct Case {
  std::string_view target;
  std::string_view path;
  std::string_view query = {};
  std::string_view authority = {};
  bool has_encoded_slash = false;
  bool has_path_parameters = false;
};

void expect_canonical(const Case& each) {
  SCOPED_TRACE(each.target);
  std::string storage = "what was there before";
  const auto canonical = canonicalise(each.target, false, storage);
  ASSERT_TRUE(canonical) << base::name_of(canonical.error());
  EXPECT_EQ(canonical->path, each.path);
  EXPECT_EQ(canonical->query, each.query);
  EXPECT_EQ(canonical->authority, each.authority);
  EXPECT_EQ(canonical->rewritten, each.target != std::string(each.path) + std::string(each.query));
  EXPECT_EQ(canonical->has_encoded_slash, each.has_encoded_slash);
  EXPECT_EQ(canonical->has_path_parameters, each.has_path_parameters);
}

TEST(Target, IsMadeCanonical) {
  constexpr std::array<Case, 62> cases{{
      {"/", "/"},
      {"/a", "/a"},
      {"/a/", "/a/"},
      {"/a/b.c/d-e_f~g", "/a/b.c/d-e_f~g"},
      {"/!$&'()*+,=:@", "/!$&'()*+,=:@"},
      // Percent-encoding of unreserved characters is undone (RFC 3986 section 6.2.2.2), of others upper-cased.
      {"/%41%62%31", "/Ab1"},
      {"/%7Euser", "/~user"},
      {"/%2d%5f", "/-_"},
      {"/a%20b", "/a%20b"},
      {"/caf%c3%a9", "/caf%C3%A9"},
      {"/100%25", "/100%25"},
      {"/%252e%252e/a", "/%252e%252e/a"},  // is not decoded twice
      {"/%3a%40", "/%3A%40"},              // may stand there as they are, but mean the same to no rule
      {"/a%3bb", "/a%3Bb"},
      {"/a%23b", "/a%23b"},
      {"/a%3fb", "/a%3Fb"},
      {"/%80%ff", "/%80%FF"},
      // Dot segments.
      {"/.", "/"},
      {"/./", "/"},
      {"/a/.", "/a/"},
      {"/a/./b", "/a/b"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/../b", "/b"},
      {"/a/b/..", "/a/"},
      {"/a/b/../", "/a/"},
      {"/a/b/../../c", "/c"},
      {"/a/./../b/.", "/b/"},
      {"/public/../admin", "/admin"},
      {"/public/%2e%2e/admin", "/admin"},
      {"/public/%2E./admin", "/admin"},
      {"/public/.%2e/admin", "/admin"},
      {"/a/%2e/b", "/a/b"},
      {"/a/b/%2e%2e", "/a/"},
      {"/...", "/..."},
      {"/.a", "/.a"},
      {"/..a/b..", "/..a/b.."},
      {"/a./b", "/a./b"},
      {"/.well-known/x", "/.well-known/x"},
      // Repeated slashes.
      {"//", "/"},
      {"///", "/"},
      {"//a", "/a"},
      {"/a//b", "/a/b"},
      {"/a//", "/a/"},
      {"/a///b///", "/a/b/"},
      {"/a//..", "/"},
      {"/a/b//../c", "/a/c"},
      {"/.//a", "/a"},
      // The query is as it was.
      {"/?", "/", "?"},
      {"/a?b=c", "/a", "?b=c"},
      {"/a?b?c", "/a", "?b?c"},
      {"/a/../b?c/../d//e;%2F%zz%00", "/b", "?c/../d//e;%2F%zz%00"},
      {"/a?\"<>\\^`{|}[]'", "/a", "?\"<>\\^`{|}[]'"},
      {"/secret?x=/public/y", "/secret", "?x=/public/y"},
      // Absolute form.
      {"http://app.example/a", "/a", "", "app.example"},
      {"http://app.example", "/", "", "app.example"},
      {"http://app.example?b", "/", "?b", "app.example"},
      {"HTTPS://App.Example:8443/a/../b?c", "/b", "?c", "App.Example:8443"},
      {"http://[::1]:80/", "/", "", "[::1]:80"},
      {"http://a//b", "/b", "", "a"},
      {"http://a/http://b/c", "/http:/b/c", "", "a"},
      {"//admin/x", "/admin/x"},  // no authority
  }};
  for (const Case& each : cases) expect_canonical(each);
}

// Some origins need them, so they are only reported; whoever has matched the route decides.
TEST(Target, ReportsWhatSomeOriginsReadInAnotherWay) {
  constexpr bool kSlash = true;
  constexpr bool kParameters = true;
  constexpr std::array<Case, 33> cases{{
      {"/a%2Fb", "/a%2Fb", "", "", kSlash},
      {"/a%2fb", "/a%2Fb", "", "", kSlash},
      {"/%2f", "/%2F", "", "", kSlash},
      {"/%2F%2Fa", "/%2F%2Fa", "", "", kSlash},
      {"/a%2F/", "/a%2F/", "", "", kSlash},
      {"/a%2Fb?c%2Fd", "/a%2Fb", "?c%2Fd", "", kSlash},
      {"/a?b%2Fc", "/a", "?b%2Fc"},
      {"/%41%2f%42//c", "/A%2FB/c", "", "", kSlash},
      {"http://a/b%2Fc", "/b%2Fc", "", "a", kSlash},
      {"/a%252Fb", "/a%252Fb"},  // is not decoded twice
      {"/a;b", "/a;b", "", "", false, kParameters},
      {"/a;", "/a;", "", "", false, kParameters},
      {"/;", "/;", "", "", false, kParameters},
      {"/;a=b/c", "/;a=b/c", "", "", false, kParameters},
      {"/a;b=c;d/e;f", "/a;b=c;d/e;f", "", "", false, kParameters},
      {"/a;b?c;d", "/a;b", "?c;d", "", false, kParameters},
      {"/a?b;c", "/a", "?b;c"},
      {"http://a/b;c", "/b;c", "", "a", false, kParameters},
      {"/a%3Bb", "/a%3Bb"},  // a semicolon that begins no parameter
      {"/a%2Fb;c", "/a%2Fb;c", "", "", kSlash, kParameters},
      // Even where they stood in what dot segments took away: the received path had them.
      {"/a%2Fb/../c", "/c", "", "", kSlash},
      {"/a;b/../c", "/c", "", "", false, kParameters},
      {"/a;jsessionid=1/../b", "/b", "", "", false, kParameters},
      // Dots that are no dot segment, however the path is split.
      {"/..a%2Fb", "/..a%2Fb", "", "", kSlash},
      {"/a..%2Fb", "/a..%2Fb", "", "", kSlash},
      {"/a%2F..b", "/a%2F..b", "", "", kSlash},
      {"/...%2Fa", "/...%2Fa", "", "", kSlash},
      {"/a%2F...", "/a%2F...", "", "", kSlash},
      {"/.a;b", "/.a;b", "", "", false, kParameters},
      {"/...;a", "/...;a", "", "", false, kParameters},
      {"/a;..", "/a;..", "", "", false, kParameters},
      {"/a;../b", "/a;../b", "", "", false, kParameters},
      {"/a%3B../b", "/a%3B../b"},
  }};
  for (const Case& each : cases) expect_canonical(each);
}

struct RefusedCase {
  std::string_view target;
  Reason expected;
};

TEST(Target, IsRefusedWhereItCouldBeReadInAnotherWay) {
  constexpr std::array<RefusedCase, 62> cases{{
      {"", Reason::BadTarget},
      {"*", Reason::BadTarget},
      {"**", Reason::BadTarget},
      {"a", Reason::BadTarget},
      {"app.example:443", Reason::BadTarget},
      {"?a", Reason::BadTarget},
      {"./a", Reason::BadTarget},
      {" /", Reason::BadTarget},
      // An encoded backslash.
      {"/a%5cb", Reason::EncodedSlash},
      {"/a%5C..%5Cb", Reason::EncodedSlash},
      {"/a%2Fb%5Cc", Reason::EncodedSlash},
      {"/a;b%5Cc", Reason::EncodedSlash},
      // An encoded control character.
      {"/%00", Reason::EncodedControl},
      {"/a%0ab", Reason::EncodedControl},
      {"/a%0D%0AX:b", Reason::EncodedControl},
      {"/%09", Reason::EncodedControl},
      {"/%1F", Reason::EncodedControl},
      {"/%7f", Reason::EncodedControl},
      // What a path may not hold.
      {"/a\\b", Reason::BadTarget},
      {"/\\..\\b", Reason::BadTarget},
      {"/a#b", Reason::BadTarget},
      {"/#", Reason::BadTarget},
      {"/a\"b", Reason::BadTarget},
      {"/a<b", Reason::BadTarget},
      {"/a>b", Reason::BadTarget},
      {"/a^b", Reason::BadTarget},
      {"/a`b", Reason::BadTarget},
      {"/{id}", Reason::BadTarget},
      {"/a|b", Reason::BadTarget},
      {"/a}", Reason::BadTarget},
      {"/[a]", Reason::BadTarget},
      {"/a]", Reason::BadTarget},
      {"/a b", Reason::BadTarget},
      {"/a\tb", Reason::BadTarget},
      {"/a\0b"sv, Reason::BadTarget},
      {"/a\x7F", Reason::BadTarget},
      {"/caf\xC3\xA9", Reason::BadTarget},
      {"/\xFF", Reason::BadTarget},
      {"/a/%2e%2e/\x80", Reason::BadTarget},
      // Percent-encoding that is none.
      {"/%", Reason::BadPercentEncoding},
      {"/%4", Reason::BadPercentEncoding},
      {"/%zz", Reason::BadPercentEncoding},
      {"/%4g", Reason::BadPercentEncoding},
      {"/%%41", Reason::BadPercentEncoding},
      {"/%u002f", Reason::BadPercentEncoding},
      {"/a%?b", Reason::BadPercentEncoding},
      {"/a%4?1", Reason::BadPercentEncoding},
      // Above the root.
      {"/..", Reason::ClimbsAboveRoot},
      {"/../", Reason::ClimbsAboveRoot},
      {"/../a", Reason::ClimbsAboveRoot},
      {"/a/../../b", Reason::ClimbsAboveRoot},
      {"/%2e%2e/a", Reason::ClimbsAboveRoot},
      {"//..", Reason::ClimbsAboveRoot},
      {"/./../a", Reason::ClimbsAboveRoot},
      {"http://a/..", Reason::ClimbsAboveRoot},
      {"/a;b/../..", Reason::ClimbsAboveRoot},
      {"/a%2Fb/../..", Reason::ClimbsAboveRoot},
      // The query.
      {"/a?b#c", Reason::BadTarget},
      {"/a?b c", Reason::BadTarget},
      {"/a?\x01", Reason::BadTarget},
      {"/a?\x7F", Reason::BadTarget},
      {"/a?\xC3\xA9", Reason::BadTarget},
  }};
  for (const auto& [target, expected] : cases) {
    SCOPED_TRACE(target);
    std::string storage;
    const auto canonical = canonicalise(target, false, storage);
    ASSERT_FALSE(canonical) << canonical->path;
    EXPECT_EQ(base::name_of(canonical.error()), base::name_of(expected));
  }
}

// Whatever a route keeps: an origin that splits a path at encoded slashes, or drops parameters, would climb.
TEST(Target, ADotSegmentMayNotHide) {
  for (const std::string_view target :
       {// Beside an encoded slash.
        "/..%2F", "/..%2fadmin", "/a/..%2Fb", "/a%2F..", "/a%2f..", "/a%2F../b", "/a%2F..%2Fb", "/a%2Fb%2F..", "/%2F..",
        "/%2F..%2F", "/a%2F%2F..", "/.%2Fa", "/a%2F.", "/a%2F./b", "/a%2F.%2Fb", "/%2e%2e%2Fadmin", "/%2E.%2fadmin",
        "/a%2F%2e%2E", "/a%2F.%2e/b", "/a/%2e%2F",
        // Before a semicolon.
        "/..;", "/..;/admin", "/a/..;b", "/a/..;b=c/d", "/a/..;;b", "/.;", "/.;a/b", "/%2e%2e;/admin", "/%2e;a",
        "/.%2E;a",
        // Before an encoded semicolon.
        "/..%3B", "/..%3b/admin", "/a/..%3Bb=c/d", "/.%3Ba", "/%2e%2e%3b",
        // Both.
        "/a%2F..;b", "/a%2F..;b%2Fc", "/a%2F..%3Bb", "/a;b%2F..", "/a;b%2F..;c", "/..;a%2Fb", "/..%3Ba%2Fb", "/;%2F..",
        // Though it would be taken away again.
        "/a/..%2Fb/..", "/..;/..",
        // In absolute form, and with a query.
        "http://a/..;/b", "/..;?a"}) {
    std::string storage;
    const auto canonical = canonicalise(target, false, storage);
    ASSERT_FALSE(canonical) << target << ' ' << canonical->path;
    EXPECT_EQ(base::name_of(canonical.error()), "hidden_dot_segment") << target;
  }
}

TEST(Target, AnAuthorityIsAHost) {
  for (const std::string_view target :
       {"http://"sv,     "http:///a"sv,       "http://?a"sv,    "http://user@a/"sv, "http://u:p@a/"sv,
        "http://a#b/"sv, "http://a\tb/"sv,    "http://a b/"sv,  "http://a\\b/"sv,   "http://caf\xC3\xA9/"sv,
        "http://a:b/"sv, "http://a%41/"sv,    "http://[::1/"sv, "http:/a"sv,        "http:a"sv,
        "ftp://a/"sv,    "javascript://a/"sv, "://a/"sv,        "httpx://a/"sv,     "ws://a/"sv}) {
    std::string storage;
    const auto canonical = canonicalise(target, false, storage);
    ASSERT_FALSE(canonical) << target;
    EXPECT_EQ(canonical.error(), Reason::BadTarget) << target;
  }
}

TEST(Target, AnAsteriskIsForOptions) {
  std::string storage;
  const auto canonical = canonicalise("*", true, storage);
  ASSERT_TRUE(canonical);
  EXPECT_EQ(canonical->path, "*");
  EXPECT_EQ(canonical->query, "");
  EXPECT_FALSE(canonical->rewritten);
  EXPECT_FALSE(canonicalise("*", false, storage));
  EXPECT_FALSE(canonicalise("*?a", true, storage));
  EXPECT_EQ(canonicalise("/*", true, storage).value().path, "/*");
}

// Every byte in a path: only what RFC 3986 allows passes, and an encoding of it means the same.
TEST(Target, EveryByteOfAPath) {
  const std::string_view plain = "!$&'()*+,-.:;=@_~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/?";
  for (int code = 0; code < 256; ++code) {
    const std::string target = {'/', 'a', static_cast<char>(code), 'b'};
    std::string storage;
    const bool allowed = plain.find(static_cast<char>(code)) != std::string_view::npos;
    const auto canonical = canonicalise(target, false, storage);
    EXPECT_EQ(canonical.has_value(), allowed) << code;
    if (canonical) {
      EXPECT_FALSE(canonical->has_encoded_slash) << code;
      EXPECT_EQ(canonical->has_path_parameters, code == ';') << code;
    }

    constexpr std::string_view digits = "0123456789abcdef";
    const std::string encoded = {
        '/', 'a', '%', digits[static_cast<std::size_t>(code) / 16], digits[static_cast<std::size_t>(code) % 16], 'b'};
    const bool hidden = code < 0x20 || code == 0x7F || code == '\\';
    const auto decoded = canonicalise(encoded, false, storage);
    EXPECT_EQ(decoded.has_value(), !hidden) << code;
    if (decoded) {
      EXPECT_EQ(decoded->has_encoded_slash, code == '/') << code;
      EXPECT_FALSE(decoded->has_path_parameters) << code;
    }
  }
}

TEST(Target, TheStorageIsUsedAgain) {
  std::string storage;
  ASSERT_TRUE(canonicalise("/" + std::string(200, 'a') + "/../b", false, storage));
  const char* const memory = storage.data();
  const auto canonical = canonicalise("/c//d", false, storage);
  ASSERT_TRUE(canonical);
  EXPECT_EQ(canonical->path, "/c/d");
  EXPECT_EQ(canonical->path.data(), memory);
}

struct DecodesCase {
  std::string_view segment;
  std::string_view literal;
  bool expected;
};

TEST(Target, DecodesTo) {
  constexpr std::array<DecodesCase, 13> cases{{{"", "", true},
                                               {"a", "a", true},
                                               {"a", "A", false},
                                               {"a", "", false},
                                               {"", "a", false},
                                               {"ab", "a", false},
                                               {"a", "ab", false},
                                               {"a%20b", "a b", true},
                                               {"caf%C3%A9", "caf\xC3\xA9", true},
                                               {"%25", "%", true},
                                               {"%2541", "%41", true},
                                               {"%2541", "A", false},
                                               {"a%20", "a", false}}};
  for (const auto& [segment, literal, expected] : cases) {
    EXPECT_EQ(decodes_to(segment, literal), expected) << segment << ' ' << literal;
  }
}

struct DecodeCase {
  std::string_view text;
  std::string_view expected;
};

TEST(Target, PercentDecode) {
  constexpr std::array<DecodeCase, 9> cases{{{"", ""},
                                             {"abc", "abc"},
                                             {"a%20b", "a b"},
                                             {"%2F%2f", "//"},
                                             {"%2541", "%41"},
                                             {"%00", "\0"sv},
                                             {"%", "%"},
                                             {"%4", "%4"},
                                             {"%zz%41", "%zzA"}}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(percent_decode(text), expected) << text;
}

}  // namespace
}  // namespace sidegate::http
