#include <sidegate/token/claims.hpp>
#include <sidegate/token/json_reader.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sidegate::token {
namespace {

using base::Reason;
using base::UnixTime;
using std::chrono::seconds;

constexpr UnixTime kNow{seconds(1000)};

ClaimRules no_rules() {
  ClaimRules rules;
  rules.require_claims.clear();
  return rules;
}

base::Result<Validity> check(const std::string& claims, const ClaimRules& rules, UnixTime now = kNow) {
  return check_claims(*JsonReader().read_object(claims), rules, now);
}

Reason reason_of(const base::Result<Validity>& result) {
  return result ? Reason::Accepted : result.error();
}

struct Case {
  std::string name;
  std::string claims;
  Reason expected;
};

void expect_all(const std::vector<Case>& cases, const ClaimRules& rules) {
  for (const auto& [name, claims, expected] : cases) {
    EXPECT_EQ(base::name_of(reason_of(check(claims, rules))), base::name_of(expected)) << name;
  }
}

TEST(Claims, TimesAreExactToTheSecond) {
  expect_all(
      {
          {"expires in a second", R"({"exp":1001})", Reason::Accepted},
          {"expires now", R"({"exp":1000})", Reason::Expired},
          {"expired a second ago", R"({"exp":999})", Reason::Expired},
          {"a fraction is dropped", R"({"exp":1000.9})", Reason::Expired},
          {"a fraction after the next second", R"({"exp":1001.1})", Reason::Accepted},
          {"written with an exponent", R"({"exp":1.001e3})", Reason::Accepted},
          {"from now on", R"({"nbf":1000})", Reason::Accepted},
          {"from a fraction of this second on", R"({"nbf":1000.9})", Reason::Accepted},
          {"from the next second on", R"({"nbf":1001})", Reason::NotYetValid},
          {"issued now", R"({"iat":1000})", Reason::Accepted},
          {"issued in a second", R"({"iat":1001})", Reason::NotYetValid},
          {"the epoch", R"({"exp":0})", Reason::Expired},
          {"before the epoch", R"({"exp":-1,"iat":-1})", Reason::Expired},
          {"no time at all", R"({})", Reason::Accepted},
      },
      no_rules());
}

TEST(Claims, TheLeewayHoldsEitherWay) {
  ClaimRules rules = no_rules();
  rules.leeway = seconds(5);
  expect_all(
      {
          {"expired within the leeway", R"({"exp":996})", Reason::Accepted},
          {"expired at its end", R"({"exp":995})", Reason::Expired},
          {"not before, within the leeway", R"({"nbf":1005})", Reason::Accepted},
          {"not before, beyond it", R"({"nbf":1006})", Reason::NotYetValid},
          {"issued within the leeway", R"({"iat":1005})", Reason::Accepted},
          {"issued beyond it", R"({"iat":1006})", Reason::NotYetValid},
      },
      rules);
}

TEST(Claims, OnlyNumbersThatAreDatesAreTimes) {
  std::vector<Case> cases;
  for (const std::string name : {"exp", "nbf", "iat"}) {
    for (const std::string value : {"\"1001\"", "null", "true", "[1001]", "{}", "1e300", "-1e300", "1e999",
                                    "253402300800", "1790000000000", "9223372036854775807", "9223372036854775808",
                                    "18446744073709551616", "-9223372036854775808", "-62167219201"}) {
      const std::string claims = std::string("{\"").append(name).append("\":").append(value).append("}");
      cases.push_back({claims, claims, Reason::Malformed});
    }
  }
  cases.push_back({"the last second of 9999", R"({"exp":253402300799})", Reason::Accepted});
  cases.push_back({"the first second of year 0", R"({"nbf":-62167219200})", Reason::Accepted});
  // A number that no double holds is refused with the JSON or with the date; both are Malformed.
  for (const auto& [name, claims, expected] : cases) {
    const auto object = JsonReader().read_object(claims);
    const auto reason = object ? reason_of(check_claims(*object, no_rules(), kNow)) : object.error();
    EXPECT_EQ(base::name_of(reason), base::name_of(expected)) << name;
  }
}

TEST(Claims, RequiredClaimsMustBeThere) {
  ClaimRules rules;
  rules.require_claims = {"exp", "user_id"};
  expect_all(
      {
          {"both", R"({"exp":2000,"user_id":7})", Reason::Accepted},
          {"false and empty are something", R"({"exp":2000,"user_id":""})", Reason::Accepted},
          {"no exp", R"({"user_id":7})", Reason::MissingClaim},
          {"no user_id", R"({"exp":2000})", Reason::MissingClaim},
          {"null is nothing", R"({"exp":2000,"user_id":null})", Reason::MissingClaim},
          {"deeper down does not count", R"({"exp":2000,"data":{"user_id":7}})", Reason::MissingClaim},
          {"letter case counts", R"({"exp":2000,"User_Id":7})", Reason::MissingClaim},
      },
      rules);
}

TEST(Claims, ExpIsRequiredByDefault) {
  EXPECT_EQ(reason_of(check("{}", ClaimRules{})), Reason::MissingClaim);
}

TEST(Claims, TheIssuerIsExact) {
  ClaimRules rules = no_rules();
  rules.issuer = "https://auth.example";
  expect_all(
      {
          {"the same", R"({"iss":"https://auth.example"})", Reason::Accepted},
          {"a slash more", R"({"iss":"https://auth.example/"})", Reason::WrongIssuer},
          {"another case", R"({"iss":"https://Auth.example"})", Reason::WrongIssuer},
          {"something after a NUL", R"({"iss":"https://auth.example\u0000"})", Reason::WrongIssuer},
          {"empty", R"({"iss":""})", Reason::WrongIssuer},
          {"a list", R"({"iss":["https://auth.example"]})", Reason::WrongIssuer},
          {"none", R"({})", Reason::MissingClaim},
          {"null", R"({"iss":null})", Reason::MissingClaim},
      },
      rules);
  EXPECT_EQ(reason_of(check(R"({"iss":7})", no_rules())), Reason::Accepted) << "nobody asked";
}

TEST(Claims, TheAudienceIsOneOfOurs) {
  ClaimRules rules = no_rules();
  rules.audience = {"tts", "ams"};
  expect_all(
      {
          {"a string", R"({"aud":"tts"})", Reason::Accepted},
          {"the other", R"({"aud":"ams"})", Reason::Accepted},
          {"in a list", R"({"aud":["x","ams"]})", Reason::Accepted},
          {"another", R"({"aud":"utm"})", Reason::WrongAudience},
          {"a part of the name", R"({"aud":"tt"})", Reason::WrongAudience},
          {"others", R"({"aud":["utm","x"]})", Reason::WrongAudience},
          {"an empty list", R"({"aud":[]})", Reason::WrongAudience},
          {"none", R"({})", Reason::MissingClaim},
          {"null", R"({"aud":null})", Reason::MissingClaim},
          {"a number", R"({"aud":1})", Reason::Malformed},
          {"a list with something else", R"({"aud":["tts",1]})", Reason::Malformed},
      },
      rules);
  EXPECT_EQ(reason_of(check(R"({"aud":"anybody"})", no_rules())), Reason::Accepted) << "nobody asked";
}

TEST(Claims, MaxAgeCountsFromIat) {
  ClaimRules rules = no_rules();
  rules.max_age = seconds(100);
  expect_all(
      {
          {"young", R"({"iat":901})", Reason::Accepted},
          {"just too old", R"({"iat":900})", Reason::Expired},
          {"too old, though exp is far", R"({"iat":1,"exp":2000})", Reason::Expired},
          {"no iat", R"({"exp":2000})", Reason::MissingClaim},
      },
      rules);
  rules.leeway = seconds(5);
  EXPECT_EQ(reason_of(check(R"({"iat":896})", rules)), Reason::Accepted);
  EXPECT_EQ(reason_of(check(R"({"iat":895})", rules)), Reason::Expired);
}

struct EndCase {
  std::string claims;
  UnixTime end;
};

TEST(Claims, TheEndIsTheFirstMomentThatIsRefused) {
  ClaimRules rules = no_rules();
  rules.leeway = seconds(5);
  rules.max_age = seconds(100);
  const std::vector<EndCase> cases{
      {R"({"iat":950})", UnixTime(seconds(1055))},
      {R"({"iat":950,"exp":1010})", UnixTime(seconds(1015))},
      {R"({"iat":950,"exp":9000})", UnixTime(seconds(1055))},
  };
  for (const auto& [claims, end] : cases) {
    const auto result = check(claims, rules);
    ASSERT_TRUE(result) << claims;
    EXPECT_EQ(result->until, end) << claims;
    EXPECT_TRUE(check(claims, rules, end - seconds(1))) << claims;
    EXPECT_EQ(reason_of(check(claims, rules, end)), Reason::Expired) << claims;
  }
  EXPECT_EQ(*check("{}", no_rules()), Validity()) << "for ever";
}

TEST(Claims, TheStartIsTheFirstMomentThatIsAccepted) {
  ClaimRules rules = no_rules();
  rules.leeway = seconds(5);
  const std::vector<std::pair<std::string, UnixTime>> cases{
      {R"({"nbf":900})", UnixTime(seconds(895))},
      {R"({"iat":800,"nbf":900})", UnixTime(seconds(895))},
      {R"({"iat":900.9,"nbf":800})", UnixTime(seconds(895))},
      {R"({"iat":-62167219200})", UnixTime(seconds(-62'167'219'205))},
      {R"({"exp":2000})", UnixTime::min()},
  };
  for (const auto& [claims, from] : cases) {
    const auto result = check(claims, rules);
    ASSERT_TRUE(result) << claims;
    EXPECT_EQ(result->from, from) << claims;
    EXPECT_TRUE(check(claims, rules, from)) << claims;
    if (from == UnixTime::min()) continue;
    EXPECT_EQ(reason_of(check(claims, rules, from - seconds(1))), Reason::NotYetValid) << claims;
  }
}

TEST(Claims, AVastLeewayDoesNotOverflow) {
  ClaimRules rules = no_rules();
  rules.leeway = seconds::max();
  rules.max_age = seconds::max();
  EXPECT_EQ(check(R"({"iat":253402300799,"nbf":253402300799,"exp":253402300799})", rules)->until, UnixTime::max());
  EXPECT_EQ(*check(R"({"nbf":-62167219200,"iat":-62167219200})", rules), Validity());
  EXPECT_EQ(reason_of(check(R"({"iat":-62167219200,"exp":-62167219200})", rules)), Reason::Accepted);
}

TEST(Claims, ExpiredMeansThatAllElseIsWell) {
  ClaimRules rules;
  rules.issuer = "me";
  rules.audience = {"us"};
  rules.require_claims = {"exp", "user_id"};
  expect_all(
      {
          {"a claim is missing", R"({"exp":1,"iss":"me","aud":"us"})", Reason::MissingClaim},
          {"the issuer", R"({"exp":1,"iss":"you","aud":"us","user_id":1})", Reason::WrongIssuer},
          {"the audience", R"({"exp":1,"iss":"me","aud":"you","user_id":1})", Reason::WrongAudience},
          {"not yet", R"({"exp":1,"nbf":2000,"iss":"me","aud":"us","user_id":1})", Reason::NotYetValid},
          {"nothing but the time", R"({"exp":1,"iss":"me","aud":"us","user_id":1})", Reason::Expired},
      },
      rules);
}

}  // namespace
}  // namespace sidegate::token
