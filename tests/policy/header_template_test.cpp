#include "header_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <string>

namespace sidegate::policy {
namespace {

using base::Reason;
using ::testing::HasSubstr;

boost::json::object object_of(std::string_view text) {
  return boost::json::parse(text).as_object();
}

/// The value, or the name of the reason in brackets.
std::string render(const std::string& text, const boost::json::object& claims, std::string_view subject = "42",
                   std::string_view roles_claim = "roles") {
  const auto compiled = HeaderTemplate::compile(text);
  if (!compiled) return "<" + compiled.error().text + ">";
  Identity identity;
  identity.authenticator = "staff";
  identity.subject = subject;
  identity.claims = &claims;
  identity.roles_claim = roles_claim;
  std::string out = "before:";
  const auto done = compiled->render(&identity, out);
  if (!done) return "<" + std::string(base::name_of(done.error())) + ">";
  EXPECT_EQ(out.substr(0, 7), "before:");
  return out.substr(7);
}

TEST(HeaderTemplate, FillsItsPlaceholders) {
  struct Case {
    const char* text;
    const char* claims;
    const char* expected;
  };
  const Case cases[]{
      {"", "{}", ""},
      {"plain text; 50% \"x\"", "{}", "plain text; 50% \"x\""},
      {"{subject}", "{}", "42"},
      {"{authenticator}", "{}", "staff"},
      {"user {subject} by {authenticator}.", "{}", "user 42 by staff."},
      {"{subject}{subject}", "{}", "4242"},
      {"{claims.name}", R"({"name":"Ann"})", "Ann"},
      {"{claims.name}", "{}", ""},
      {"{claims.name}", R"({"name":null})", ""},
      {"{claims.name|nobody}", "{}", "nobody"},
      {"{claims.name|nobody}", R"({"name":""})", "nobody"},
      {"{claims.name|nobody}", R"({"name":null})", "nobody"},
      {"{claims.name|nobody}", R"({"name":[]})", "nobody"},
      {"{claims.name|nobody}", R"({"name":"Ann"})", "Ann"},
      {"{claims.name|}", "{}", ""},
      {"{claims.name|a|b}", "{}", "a|b"},
      {"{subject|nobody}", "{}", "42"},
      {"{roles|none}", "{}", "none"},
      {"{claims.on}", R"({"on":true})", "true"},
      {"{claims.on|x}", R"({"on":false})", "false"},
      {"{claims.n}", R"({"n":-7})", "-7"},
      {"{claims.n|x}", R"({"n":0})", "0"},
      {"{claims.n}", R"({"n":9223372036854775807})", "9223372036854775807"},
      {"{claims.n}", R"({"n":18446744073709551615})", "18446744073709551615"},
      {"{claims.n}", R"({"n":1.5})", "1.5"},
      {"{claims.n}", R"({"n":1e300})", "1e+300"},
      {"{claims.a.b}", R"({"a":{"b":"deep"}})", "deep"},
      {"{claims.a.b.c}", R"({"a":{"b":{"c":1}}})", "1"},
      {"{claims.a.b}", R"({"a.b":"flat","a":{"b":"deep"}})", "flat"},
      {"{claims.a.b|x}", R"({"a":"text"})", "x"},
      {"{claims.https://x.example/dept}", R"({"https://x.example/dept":"it"})", "it"},
      {"{claims.list}", R"({"list":["a","b",1,true,null]})", "a,b,1,true,"},
      {"{claims.list}", R"({"list":["a,b","c"]})", "a%2Cb,c"},
      {"{claims.text}", R"({"text":"a,b"})", "a,b"},
      {"{claims.list}", R"({"list":[["a","b"],{"c":1}]})", R"(["a"%2C"b"],{"c":1})"},
      {"{claims.map}", R"({"map":{"a":1,"b":[2]}})", R"({"a":1,"b":[2]})"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(render(each.text, object_of(each.claims)), each.expected) << each.text << " " << each.claims;
  }
}

TEST(HeaderTemplate, WritesRolesOneWay) {
  struct Case {
    const char* claims;
    const char* expected;
  };
  const Case cases[]{
      {R"({"roles":["Admin","User"]})", "Admin,User"},
      {R"({"roles":[{"system":"TTS","role":"Technician"},"AMS:User"]})", "TTS:Technician,AMS:User"},
      {R"({"roles":"Admin"})", "Admin"},
      {R"({"roles":{"system":"TTS","role":"Admin"}})", "TTS:Admin"},
      {R"({"roles":["a,b",{"system":"x,y","role":"z%"}]})", "a%2Cb,x%2Cy:z%25"},
      {R"({"roles":[]})", ""},
      {R"({"roles":null})", ""},
      {R"({"roles":[1,null,true,["a"],{},{"role":"x"},{"system":"x"},{"system":1,"role":"x"}]})", ""},
      {R"({"roles":[1,"a",2,"b",3]})", "a,b"},
      {R"({"roles":["","a",""]})", "a"},
      {"{}", ""},
  };
  for (const Case& each : cases) EXPECT_EQ(render("{roles}", object_of(each.claims)), each.expected) << each.claims;
  EXPECT_EQ(render("{roles}", object_of(R"({"realm_access":{"roles":["a"]}})"), "42", "realm_access.roles"), "a");
}

TEST(HeaderTemplate, EncodesWhatCouldBeReadAsSomethingElse) {
  struct Case {
    const char* value;
    const char* expected;
  };
  const Case cases[]{
      {"a b", "a b"},         {" a ", "%20a%20"},
      {"  ", "%20%20"},       {" ", "%20"},
      {"  a  ", "%20 a %20"}, {"50%", "50%25"},
      {"%41", "%2541"},       {"J\xC3\xBCrgen", "J%C3%BCrgen"},
      {"~}|{", "~}|{"},       {"\xF0\x9F\x98\x80", "%F0%9F%98%80"},
  };
  for (const Case& each : cases) {
    boost::json::object claims;
    claims["v"] = each.value;
    EXPECT_EQ(render("{claims.v}", claims), each.expected) << each.value;
    EXPECT_EQ(render("{subject}", {}, each.value), each.expected) << each.value;
  }
}

TEST(HeaderTemplate, AControlCharacterIsRefused) {
  for (int code = 0; code < 0x80; ++code) {
    if (code >= 0x20 && code != 0x7F) continue;
    const std::string value = "a" + std::string(1, static_cast<char>(code)) + "b";
    boost::json::object claims;
    claims["v"] = value;
    claims["list"] = {value};
    claims["roles"] = {value};
    for (const auto* text : {"{claims.v}", "{claims.list}", "{roles}", "x {claims.v|y}"}) {
      EXPECT_EQ(render(text, claims), "<malformed>") << text << code;
    }
    EXPECT_EQ(render("{subject}", claims, value), "<malformed>") << code;
  }
}

TEST(HeaderTemplate, KnowsWhetherItSpeaksOfTheCaller) {
  EXPECT_FALSE(HeaderTemplate::compile("")->needs_identity());
  EXPECT_FALSE(HeaderTemplate::compile("plain")->needs_identity());
  EXPECT_TRUE(HeaderTemplate::compile("x {authenticator}")->needs_identity());
  EXPECT_TRUE(HeaderTemplate::compile("{claims.x|y}")->needs_identity());
  std::string out;
  EXPECT_TRUE(HeaderTemplate::compile("plain")->render(nullptr, out).has_value());
  EXPECT_EQ(out, "plain");
}

/// The same with what is known of the user; `(left out)` for a header that is.
std::string render_user(const std::string& text, std::string_view claims, std::string_view user) {
  const auto compiled = HeaderTemplate::compile(text);
  const auto of_token = object_of(claims);
  const auto known = object_of(user);
  const Identity identity{
      .authenticator = "staff", .subject = "42", .claims = &of_token, .user = &known, .roles_claim = "roles"};
  std::string out;
  const auto done = compiled->render(&identity, out);
  if (!done) return "<" + std::string(base::name_of(done.error())) + ">";
  return *done ? out : "(left out)";
}

TEST(HeaderTemplate, TellsWhatIsKnownOfTheUser) {
  EXPECT_TRUE(HeaderTemplate::compile("{user.email|}")->needs_identity());
  EXPECT_EQ(render_user("{user.email}", "{}", R"({"email":"a@b.c"})"), "a@b.c");
  EXPECT_EQ(render_user("{user.address.city}", "{}", R"({"address":{"city":"Bern"}})"), "Bern");
  EXPECT_EQ(render_user("{user.systems}", "{}", R"({"systems":["TTS","AMS"]})"), "TTS,AMS");
  EXPECT_EQ(render_user("{user.email|nobody}", R"({"email":"from the token"})", "{}"), "nobody");
  EXPECT_EQ(render("{user.email|nobody}", {}), "nobody") << "nothing is known of this one";
}

TEST(HeaderTemplate, AControlCharacterInUserInformationLeavesTheHeaderOut) {
  EXPECT_EQ(render_user("{user.name}", "{}", R"({"name":"a\r\nX-User-Id: 1"})"), "(left out)");
  EXPECT_EQ(render_user("{roles}", "{}", R"({"roles":["a\nb"]})"), "(left out)");
  EXPECT_EQ(render_user("{claims.name}", R"({"name":"a\nb"})", "{}"), "<malformed>");
}

TEST(HeaderTemplate, RolesOfTheTokenAndOfTheUserAreMerged) {
  constexpr auto kUser =
      R"({"roles":[{"system":"TTS","role":"Technician"},{"system":"AMS","role":"User"},"TTS:Technician"]})";
  EXPECT_EQ(render_user("{roles}", "{}", kUser), "TTS:Technician,AMS:User");
  EXPECT_EQ(render_user("{roles}", R"({"roles":["AMS:User","admin"]})", kUser), "AMS:User,admin,TTS:Technician");
  EXPECT_EQ(render_user("{roles}", R"({"roles":["TTS"]})", R"({"roles":["TTS:T","TT","TTS"]})"), "TTS,TTS:T,TT");
  EXPECT_EQ(render_user("{roles|none}", "{}", R"({"roles":[]})"), "none");
  EXPECT_EQ(render_user("a{roles}", R"({"roles":["x"]})", R"({"roles":"y"})"), "ax,y");
}

TEST(HeaderTemplate, SaysWhatIsWrong) {
  struct Case {
    std::string text;
    const char* why;
  };
  const Case cases[]{
      {"{", "a \"{\" without its \"}\""},
      {"{subject", "a \"{\" without its \"}\""},
      {"}", "a \"}\" without its \"{\""},
      {"a}b{subject}", "a \"}\" without its \"{\""},
      {"{}", "{} is no placeholder"},
      {"{subjct}",
       "{subjct} is no placeholder; there are {subject}, {roles}, {authenticator}, {claims.NAME} and {user.NAME}"},
      {"{claims.}", "{claims.} is no placeholder"},
      {"{claims}", "{claims} is no placeholder"},
      {"{ subject }", "{ subject } is no placeholder"},
      {"{user.}", "{user.} is no placeholder"},
      {"a\r\nX: b", "visible ASCII characters and spaces only"},
      {"a\tb", "visible ASCII characters and spaces only"},
      {"caf\xC3\xA9", "visible ASCII characters and spaces only"},
      {std::string("a\0b", 3), "visible ASCII characters and spaces only"},
      {"{claims.x|a\nb}", "visible ASCII characters and spaces only"},
  };
  for (const Case& each : cases) {
    const auto compiled = HeaderTemplate::compile(each.text);
    ASSERT_FALSE(compiled.has_value()) << each.text;
    EXPECT_THAT(compiled.error().text, HasSubstr(each.why)) << each.text;
  }
}

}  // namespace
}  // namespace sidegate::policy
