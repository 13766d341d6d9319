#include "discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using ::testing::HasSubstr;

config::Issuer issuer(const std::string& url, bool allow_http = false) {
  config::Issuer issuer;
  issuer.kind = config::Issuer::Kind::OidcIssuer;
  issuer.url = url;
  issuer.allow_http = allow_http;
  return issuer;
}

TEST(Discovery, AsksBehindTheIssuersPath) {
  EXPECT_EQ(discovery_url(issuer("https://i.example"))->text, "https://i.example/.well-known/openid-configuration");
  EXPECT_EQ(discovery_url(issuer("https://i.example/"))->text, "https://i.example/.well-known/openid-configuration");
  EXPECT_EQ(discovery_url(issuer("https://i.example/a/"))->text,
            "https://i.example/a/.well-known/openid-configuration");
}

TEST(Discovery, FindsTheKeys) {
  const auto url =
      read_discovery(R"({"issuer":"https://i.example/","other":[{}],"jwks_uri":"https://keys.example/k?v=1"})",
                     issuer("https://i.example/"));
  ASSERT_TRUE(url) << url.error().text;
  EXPECT_EQ(url->text, "https://keys.example/k?v=1");
}

TEST(Discovery, RefusesWhatCannotBeBelieved) {
  struct Case {
    const char* document;
    const char* expected;
  };
  const Case cases[] = {
      {"", "not valid JSON"},
      {"[]", "not valid JSON"},
      {R"({"issuer":"https://i.example","issuer":"https://i.example","jwks_uri":"https://i.example/k"})", "twice"},
      {R"({"jwks_uri":"https://i.example/k"})", "not this issuer"},
      {R"({"issuer":"https://i.example/","jwks_uri":"https://i.example/k"})", "not this issuer"},
      {R"({"issuer":"https://I.example","jwks_uri":"https://i.example/k"})", "not this issuer"},
      {R"({"issuer":["https://i.example"],"jwks_uri":"https://i.example/k"})", "not this issuer"},
      {R"({"issuer":"https://i.example"})", "\"jwks_uri\" is missing"},
      {R"({"issuer":"https://i.example","jwks_uri":7})", "\"jwks_uri\" is missing"},
      {R"({"issuer":"https://i.example","jwks_uri":"/k"})", "no well-formed URL"},
      {R"({"issuer":"https://i.example","jwks_uri":"https://u:p@i.example/k"})", "credentials"},
      {R"({"issuer":"https://i.example","jwks_uri":"http://i.example/k"})", "from https to http"},
      {R"({"issuer":"https://i.example","jwks_uri":"http://127.0.0.1/k"})", "from https to http"},
      {R"({"issuer":"https://i.example","jwks_uri":"file:///k"})", "http:// or https://"},
  };
  for (const Case& test : cases) {
    for (const bool allow_http : {false, true}) {
      const auto url = read_discovery(test.document, issuer("https://i.example", allow_http));
      ASSERT_FALSE(url) << test.document;
      EXPECT_THAT(url.error().text, HasSubstr(test.expected));
    }
  }
}

TEST(Discovery, AnIssuerOnThisMachineMayHaveItsKeysThere) {
  const std::string document = R"({"issuer":"http://127.0.0.1:8","jwks_uri":")";
  EXPECT_TRUE(read_discovery(document + R"(http://localhost:9/k"})", issuer("http://127.0.0.1:8")));
  EXPECT_TRUE(read_discovery(document + R"(https://i.example/k"})", issuer("http://127.0.0.1:8")));
  EXPECT_FALSE(read_discovery(document + R"(http://i.example/k"})", issuer("http://127.0.0.1:8")));
  EXPECT_TRUE(read_discovery(document + R"(http://i.example/k"})", issuer("http://127.0.0.1:8", true)));
}

}  // namespace
}  // namespace sidegate::authority
