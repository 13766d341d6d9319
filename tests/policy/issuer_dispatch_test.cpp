#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sidegate/policy/trace.hpp>

#include <string>

#include "deciding.hpp"

namespace sidegate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kOneSecret = "1111111111111111111111111111111111";
const std::string kTwoSecret = "2222222222222222222222222222222222";
const std::string kAnySecret = "3333333333333333333333333333333333";

/// An authenticator whose tokens are signed with `secret`.
std::string jwt(const std::string& name, const std::string& token, const std::string& secret,
                const std::string& issuer = {}) {
  return "  " + name + ": {jwt: {token: [" + token + "], keys: [{secret: \"" + secret + "\"}], algorithms: [HS256]" +
         (issuer.empty() ? "" : ", issuer: \"" + issuer + "\"") + "}}\n";
}

std::string configuration(const std::string& authenticators, const std::string& authenticate) {
  return "version: 1\n"
         "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
         "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
         "authenticators:\n" +
         authenticators + "inject: {X-Auth-Method: \"{authenticator}\"}\n" +
         "routes: [{name: r, path: /**, authenticate: " + authenticate + ", upstream: app}]\n";
}

constexpr auto kBearer = "{bearer: Authorization}";
constexpr auto kCookie = "{cookie: session}";

std::string token_from(const std::string& issuer, const std::string& secret) {
  return token_of({{"iss", issuer}, {"sub", "a"}}, secret);
}
std::string bearer(const std::string& token) {
  return request_of("GET /", {"Authorization: Bearer " + token});
}

TEST(IssuerDispatch, ATokenIsForTheAuthenticatorWhoseIssuerItNames) {
  Deciding deciding(configuration(jwt("one", kBearer, kOneSecret, "https://one") +
                                      jwt("two", kBearer, kTwoSecret, "https://two") + jwt("any", kBearer, kAnySecret),
                                  "[one, any, two]"));
  EXPECT_EQ(deciding.description(bearer(token_from("https://one", kOneSecret))), "forward r one=a");
  EXPECT_EQ(deciding.lines(bearer(token_from("https://two", kTwoSecret))), "X-Auth-Method: two\r\n");
  EXPECT_EQ(deciding.description(bearer(token_from("https://three", kAnySecret))), "forward r any=a");
  EXPECT_EQ(deciding.description(bearer(token_of({{"sub", "a"}}, kAnySecret))), "forward r any=a") << "no iss";
  EXPECT_EQ(deciding.description(bearer(token_of({{"sub", "a"}, {"iss", 7}}, kAnySecret))), "forward r any=a");
}

TEST(IssuerDispatch, AnIssuerVouchesForItsOwnTokensOnly) {
  Deciding deciding(configuration(
      jwt("one", kBearer, kOneSecret, "https://one") + jwt("two", kBearer, kTwoSecret, "https://two"), "[one, two]"));
  EXPECT_EQ(deciding.description(bearer(token_from("https://two", kOneSecret))),
            "refuse bad_signature two bad_signature");
  EXPECT_EQ(deciding.description(bearer(token_from("https://one", kTwoSecret))),
            "refuse bad_signature one bad_signature");
  EXPECT_EQ(deciding.description(bearer(token_from("https://three", kOneSecret))),
            "refuse wrong_issuer one wrong_issuer")
      << "which nobody names";
  EXPECT_EQ(deciding.description(bearer("e30.e30")), "refuse malformed one malformed");
  EXPECT_EQ(deciding.description(bearer(std::string(20'000, 'a'))), "refuse token_too_large one malformed");
  // Both members name an issuer, and the two verifiers might each believe another one.
  const auto twice =
      *token::sign_jws(R"({"alg":"HS256"})", R"({"iss":"https://one","iss":"https://two","exp":4000000000})",
                       token::Algorithm::HS256, kTwoSecret);
  EXPECT_THAT(deciding.description(bearer(twice)), HasSubstr("refuse")) << "one of them";
}

TEST(IssuerDispatch, OnlyThoseThatReadThePlaceAreAsked) {
  Deciding deciding(configuration(
      jwt("one", kBearer, kOneSecret, "https://one") + jwt("two", kCookie, kTwoSecret, "https://two"), "[one, two]"));
  const auto two = token_from("https://two", kTwoSecret);
  EXPECT_EQ(deciding.description(bearer(two)), "refuse bad_signature one bad_signature");
  EXPECT_EQ(deciding.description(request_of("GET /", {"Cookie: session=" + two})), "forward r two=a -authorization");
  // The first authenticator whose credential is present decides.
  EXPECT_EQ(deciding.description(request_of(
                "GET /", {"Cookie: session=" + two, "Authorization: Bearer " + token_from("https://one", kOneSecret)})),
            "forward r one=a -cookie");
}

TEST(IssuerDispatch, TheCredentialIsForwardedWhicheverAuthenticatorItIsFor) {
  Deciding deciding(configuration(jwt("one", std::string(kCookie) + ", " + kBearer, kOneSecret, "https://one") +
                                      jwt("two", kBearer, kTwoSecret, "https://two"),
                                  "[one, two]"));
  EXPECT_EQ(deciding.description(bearer(token_from("https://two", kTwoSecret))), "forward r two=a");
}

TEST(IssuerDispatch, AnAuthenticatorThatWouldNeverBeAskedIsAnError) {
  const auto two_of = [](const std::string& first, const std::string& second) {
    return compile(configuration(jwt("one", kBearer, kOneSecret, first) + jwt("two", kBearer, kTwoSecret, second),
                                 "[one, two]"))
        .lines;
  };
  EXPECT_THAT(two_of("https://same", "https://same"),
              ElementsAre(HasSubstr("\"two\" would never be asked: \"one\" before it reads the bearer token of "
                                    "Authorization too, and has the same issuer")));
  EXPECT_THAT(two_of("", ""), ElementsAre(HasSubstr("and neither names an issuer")));
  const auto optional =
      compile(configuration(jwt("one", kBearer, kOneSecret) + jwt("two", kBearer, kTwoSecret), "optional"));
  EXPECT_TRUE(optional.ok);
  EXPECT_THAT(optional.lines, ElementsAre(HasSubstr("warning: ")));
}

TEST(IssuerDispatch, TheTraceTellsWhomTheTokenIsFor) {
  Deciding deciding(configuration(
      jwt("one", kBearer, kOneSecret, "https://one") + jwt("two", kBearer, kTwoSecret, "https://two"), "[one, two]"));
  ParsedRequest request(bearer(token_from("https://two", kTwoSecret)));
  Scratch scratch;
  Trace trace;
  deciding.policy().decide(request.request(), kNow, scratch, &trace);
  EXPECT_EQ(trace.authenticator, "two");
  ASSERT_EQ(trace.places.size(), 1U);
  EXPECT_EQ(trace.places[0].authenticator, "one") << "who found it";
}

}  // namespace
}  // namespace sidegate::policy
