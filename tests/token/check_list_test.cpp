#include <sidegate/token/check_list.hpp>
#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace sidegate::token {
namespace {

using base::Reason;
using base::UnixTime;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr UnixTime kNow{seconds(1'790'000'000)};
const std::string kSecret(32, 's');
const std::string kOldSecret(32, 'o');
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"at+jwt","kid":"k1"})";

config::Key key_of(const std::string& secret, const std::string& variable) {
  config::Key key;
  key.secret.kind = config::SecretReference::Kind::Environment;
  key.secret.name = variable;
  key.secret.secret = base::Secret(secret);
  return key;
}

config::JwtAuthenticator settings() {
  config::JwtAuthenticator settings;
  settings.keys = {key_of(kSecret, "JWT_KEY"), key_of(kOldSecret, "OLD_KEY")};
  settings.keys[1].until = kNow - seconds(3600);
  settings.algorithms.push_back({"HS256", {}});
  settings.issuer = "me";
  settings.audience = {"us", "them"};
  settings.type = "at+jwt";
  settings.leeway = seconds(5);
  settings.max_age = seconds(7200);
  settings.require_claims = {"exp", "user_id"};
  return settings;
}

std::string claims_with(const std::string& exp, const std::string& more) {
  return R"({"exp":)" + exp + R"(,"iat":1789999940,"user_id":1)" + more + '}';
}
const std::string kWhole = claims_with("1790000600", R"(,"iss":"me","aud":["us"])");

std::string token_of(std::string_view payload, std::string_view header = kHeader, const std::string& secret = kSecret) {
  return *sign_jws(header, payload, Algorithm::HS256, secret);
}

/// Verifies with a list and without one, which decide the same.
std::pair<Reason, CheckList> verify(const std::string& token) {
  config::Diagnostics diagnostics("test.yaml");
  JwtVerifier verifier(settings(), diagnostics);
  EXPECT_TRUE(diagnostics.ok());
  CheckList checks;
  boost::json::object room;
  const auto with = verifier.verify(token, kNow, room, &checks);
  const auto without = verifier.verify(token, kNow, room);
  EXPECT_EQ(with ? Reason::Accepted : with.error(), without ? Reason::Accepted : without.error());
  return {with ? Reason::Accepted : with.error(), checks};
}

std::string lines_of(const CheckList& checks) {
  std::string text;
  for (const Check& check : checks) {
    text += std::string(name_of(check.name)) + (check.passed ? ": " : " FAILED: ") + check.detail + '\n';
  }
  return text;
}

TEST(CheckList, TellsEveryCheckOfAGoodToken) {
  const auto [reason, checks] = verify(token_of(kWhole));
  EXPECT_EQ(reason, Reason::Accepted);
  EXPECT_EQ(lines_of(checks),
            "form: three parts of base64url\n"
            "header: kid is \"k1\"\n"
            "typ: \"at+jwt\"\n"
            "alg: HS256\n"
            "signature: made by keys[0] (env JWT_KEY)\n"
            "claims: a JSON object\n"
            "required_claims: exp, user_id\n"
            "iss: \"me\"\n"
            "aud: \"[\\\"us\\\"]\"\n"
            "nbf: there is none, leeway 5 s\n"
            "iat: 2026-09-21T14:12:20Z (1 minute ago), leeway 5 s\n"
            "max_age: until 2026-09-21T16:12:25Z (in 119 minutes)\n"
            "exp: 2026-09-21T14:23:20Z (in 10 minutes), leeway 5 s\n");
}

TEST(CheckList, TheSecondTimeTheHeaderIsToldOfToo) {
  config::Diagnostics diagnostics("test.yaml");
  JwtVerifier verifier(settings(), diagnostics);
  const std::string token = token_of(kWhole);
  CheckList first;
  CheckList second;
  boost::json::object room;
  EXPECT_TRUE(verifier.verify(token, kNow, room, &first));
  EXPECT_TRUE(verifier.verify(token, kNow, room));
  EXPECT_TRUE(verifier.verify(token, kNow, room, &second));
  EXPECT_EQ(lines_of(first), lines_of(second));
}

TEST(CheckList, ARefusalIsTheLastCheckThatWasMade) {
  struct Case {
    std::string name;
    std::string token;
    Reason reason;
    CheckName check;
    std::string says;
  };
  const auto with = [](const std::string& more) { return token_of(claims_with("1790000600", more)); };
  const Case cases[]{
      {"opaque", "f3a9c1", Reason::Malformed, CheckName::Form, "not three parts"},
      {"a part that is no base64url", "e30.e30.!", Reason::Malformed, CheckName::Form, "not base64url"},
      {"a header that is no base64url", "e30=.e30.e30", Reason::Malformed, CheckName::Form, "its header"},
      {"a header that is no JSON", token_of(kWhole, "x"), Reason::Malformed, CheckName::Header, "not a JSON object"},
      {"no alg", token_of(kWhole, "{}"), Reason::Malformed, CheckName::Header, "alg is missing"},
      {"crit", token_of(kWhole, R"({"alg":"HS256","crit":["x"]})"), Reason::Malformed, CheckName::Header, "crit"},
      {"b64", token_of(kWhole, R"({"alg":"HS256","b64":false})"), Reason::Malformed, CheckName::Header, "b64"},
      {"another type", token_of(kWhole, R"({"alg":"HS256","typ":"JWT"})"), Reason::Malformed, CheckName::Type,
       "\"JWT\" is not the type that is wanted, \"at+jwt\""},
      {"no signature", token_of(kWhole, R"({"alg":"none","typ":"at+jwt"})"), Reason::BadSignature, CheckName::Algorithm,
       "\"none\" is none of the algorithms"},
      {"another key", token_of(kWhole, kHeader, std::string(32, 'x')), Reason::BadSignature, CheckName::Signature,
       "made by none of keys[0] (env JWT_KEY), keys[1] (env OLD_KEY)"},
      {"a key that is over", token_of(kWhole, kHeader, kOldSecret), Reason::BadSignature, CheckName::Signature,
       "not used since 2026-09-21T13:13:20Z (60 minutes ago)"},
      {"claims that are none", token_of("[]"), Reason::Malformed, CheckName::Claims, "not a JSON object"},
      {"a date that is none", token_of(claims_with("\"soon\"", "")), Reason::Malformed, CheckName::Expiry,
       "no number of seconds"},
      {"an audience that is none", with(R"(,"aud":7)"), Reason::Malformed, CheckName::Audience, "neither a text nor"},
      {"no user_id", token_of(R"({"exp":1790000600})"), Reason::MissingClaim, CheckName::RequiredClaims,
       "user_id is not there"},
      {"no issuer", with(""), Reason::MissingClaim, CheckName::RequiredClaims, "iss is not there"},
      {"no audience", with(R"(,"iss":"me")"), Reason::MissingClaim, CheckName::RequiredClaims, "aud is not there"},
      {"another issuer", with(R"(,"iss":"you","aud":"us")"), Reason::WrongIssuer, CheckName::Issuer,
       "\"you\", not \"me\""},
      {"another audience", with(R"(,"iss":"me","aud":"you")"), Reason::WrongAudience, CheckName::Audience,
       "\"you\", which does not name us, them"},
      {"not yet", with(R"(,"iss":"me","aud":"us","nbf":1790000060)"), Reason::NotYetValid, CheckName::NotBefore,
       "(in 1 minute)"},
      {"from the future", token_of(R"({"exp":1790000600,"iat":1790000060,"user_id":1,"iss":"me","aud":"us"})"),
       Reason::NotYetValid, CheckName::IssuedAt, "(in 1 minute)"},
      {"too old", token_of(R"({"exp":1790000600,"iat":1789990000,"user_id":1,"iss":"me","aud":"us"})"), Reason::Expired,
       CheckName::MaxAge, "ago)"},
      {"expired", token_of(claims_with("1789999940", R"(,"iss":"me","aud":"us")")), Reason::Expired, CheckName::Expiry,
       "2026-09-21T14:12:20Z (1 minute ago), leeway 5 s"},
  };
  for (const auto& [name, token, reason, check, says] : cases) {
    SCOPED_TRACE(name);
    const auto [actual, checks] = verify(token);
    EXPECT_EQ(base::name_of(actual), base::name_of(reason));
    ASSERT_FALSE(checks.empty());
    EXPECT_EQ(name_of(checks.back().name), name_of(check));
    EXPECT_FALSE(checks.back().passed);
    EXPECT_THAT(checks.back().detail, HasSubstr(says));
    EXPECT_EQ(std::count_if(checks.begin(), checks.end(), [](const Check& each) { return !each.passed; }), 1);
    EXPECT_THAT(lines_of(checks), Not(HasSubstr(token))) << "never its own text";
  }
}

TEST(CheckList, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (const CheckName name : kCheckNames) names.insert(name_of(name));
  EXPECT_EQ(names.size(), kCheckNames.size());
  EXPECT_FALSE(names.contains(""));
}

TEST(CheckList, WhatOthersWroteIsShownInQuotes) {
  EXPECT_EQ(in_quotes("a \"b\""), R"("a \"b\"")");
  EXPECT_EQ(in_quotes("\x1b[31m\xff"), R"("\u001b[31m\ufffd")");
  EXPECT_EQ(in_quotes(std::string(101, 'a')), '"' + std::string(100, 'a') + "…\"");
}

}  // namespace
}  // namespace sidegate::token
