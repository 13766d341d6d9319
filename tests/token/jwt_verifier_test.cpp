#include <sidegate/token/base64url.hpp>
#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

#include <set>
#include <string>
#include <vector>

namespace sidegate::token {
namespace {

using base::Reason;
using base::UnixTime;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr UnixTime kNow{seconds(1'790'000'000)};
const std::string kSecret(32, 's');
const std::string kOtherSecret(32, 'o');
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

config::Key key_of(const std::string& secret) {
  config::Key key;
  key.secret.secret = base::Secret(secret);
  key.secret.where = {7, 12, "authenticators.staff.jwt.keys[0].secret"};
  return key;
}

config::JwtAuthenticator settings_with(const std::vector<config::Key>& keys,
                                       const std::vector<std::string>& algorithms = {"HS256"}) {
  config::JwtAuthenticator settings;
  settings.keys = keys;
  for (const auto& name : algorithms) settings.algorithms.push_back({name, {9, 19, "algorithms[0]"}});
  return settings;
}

JwtVerifier make(const config::JwtAuthenticator& settings) {
  config::Diagnostics diagnostics("test.yaml");
  JwtVerifier verifier(settings, diagnostics);
  for (const auto& entry : diagnostics.entries()) ADD_FAILURE() << entry.message;
  return verifier;
}

std::string token_of(std::string_view payload, std::string_view header = kHeader, std::string_view secret = kSecret) {
  return *sign_jws(header, payload, Algorithm::HS256, secret);
}

std::string claims_at(std::int64_t offset, const std::string& more = {}) {
  return R"({"exp":)" + std::to_string(kNow.time_since_epoch().count() + offset) + more + '}';
}

Reason reason_of(const base::Result<VerifiedJwt>& result) {
  return result ? Reason::Accepted : result.error();
}

/// The claims live until the next call.
base::Result<VerifiedJwt> verify(JwtVerifier& verifier, std::string_view token, UnixTime now = kNow) {
  static boost::json::object room;
  return verifier.verify(token, now, room);
}

TEST(JwtVerifier, GivesTheClaimsThatWereSigned) {
  auto verifier = make(settings_with({key_of(kSecret)}));
  const auto verified = verify(verifier, token_of(claims_at(60, R"(,"user_id":9007199254740993,"n":"\u00e9")")));
  ASSERT_TRUE(verified);
  EXPECT_EQ(boost::json::serialize(*verified->claims), claims_at(60, ",\"user_id\":9007199254740993,\"n\":\"\u00e9\""));
  EXPECT_EQ(verified->validity.until, kNow + seconds(60));
}

TEST(JwtVerifier, Rfc7515AppendixA1ExpiredIn2011) {
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const auto secret =
      decode_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  auto settings = settings_with({key_of(*secret)});
  settings.issuer = "joe";
  auto verifier = make(settings);
  const UnixTime end{seconds(1'300'819'380)};
  EXPECT_EQ(reason_of(verify(verifier, token)), Reason::Expired);
  EXPECT_EQ(reason_of(verify(verifier, token, end)), Reason::Expired);
  const auto verified = verify(verifier, token, end - seconds(1));
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->validity.until, end);
  EXPECT_EQ(verified->claims->at("http://example.com/is_root"), boost::json::value(true));
}

struct Case {
  std::string name;
  std::string token;
  Reason expected;
};

TEST(JwtVerifier, EveryReasonHasItsToken) {
  auto settings = settings_with({key_of(kSecret)});
  settings.issuer = "me";
  settings.audience = {"us"};
  settings.require_claims = {"exp", "user_id"};
  auto verifier = make(settings);
  const std::string whole = R"(,"iss":"me","aud":["us"],"user_id":1)";
  const std::string none = "eyJhbGciOiJub25lIn0.";
  const std::string good = token_of(claims_at(60, whole));
  const std::string good_payload = good.substr(good.find('.') + 1, good.rfind('.') - good.find('.') - 1);
  const std::vector<Case> cases{
      {"good", good, Reason::Accepted},
      {"opaque", "f3a9c1", Reason::Malformed},
      {"a header that is no JSON", token_of(claims_at(60, whole), "x"), Reason::Malformed},
      {"a payload that is no JSON", token_of("x"), Reason::Malformed},
      {"a payload that is a list", token_of("[]"), Reason::Malformed},
      {"an empty payload", token_of(""), Reason::Malformed},
      {"a claim twice", token_of(claims_at(60, whole + R"(,"user_id":2)")), Reason::Malformed},
      {"a claim twice deep down", token_of(claims_at(60, whole + R"(,"x":[{"y":1,"y":2}])")), Reason::Malformed},
      {"exp is a string", token_of(R"({"exp":"9999999999","iss":"me","aud":"us","user_id":1})"), Reason::Malformed},
      {"alg none", none + good_payload + '.', Reason::BadSignature},
      {"alg none with a good signature's bytes", none + good_payload + good.substr(good.rfind('.')),
       Reason::BadSignature},
      {"no signature", good.substr(0, good.rfind('.') + 1), Reason::BadSignature},
      {"another key", token_of(claims_at(60, whole), kHeader, kOtherSecret), Reason::BadSignature},
      {"another key and expired: the signature comes first", token_of(claims_at(-60, whole), kHeader, kOtherSecret),
       Reason::BadSignature},
      {"another key and no JSON: the signature comes first", token_of("x", kHeader, kOtherSecret),
       Reason::BadSignature},
      {"expired", token_of(claims_at(-1, whole)), Reason::Expired},
      {"expires now", token_of(claims_at(0, whole)), Reason::Expired},
      {"from tomorrow on", token_of(claims_at(99'999, whole + R"(,"nbf":1790086400)")), Reason::NotYetValid},
      {"issued tomorrow", token_of(claims_at(99'999, whole + R"(,"iat":1790086400)")), Reason::NotYetValid},
      {"another issuer", token_of(claims_at(60, R"(,"iss":"you","aud":["us"],"user_id":1)")), Reason::WrongIssuer},
      {"another audience", token_of(claims_at(60, R"(,"iss":"me","aud":["you"],"user_id":1)")), Reason::WrongAudience},
      {"no user_id", token_of(claims_at(60, R"(,"iss":"me","aud":["us"])")), Reason::MissingClaim},
      {"no exp", token_of(R"({"iss":"me","aud":["us"],"user_id":1})"), Reason::MissingClaim},
  };
  std::set<Reason> seen;
  for (const auto& [name, token, expected] : cases) {
    const auto reason = reason_of(verify(verifier, token));
    EXPECT_EQ(base::name_of(reason), base::name_of(expected)) << name;
    seen.insert(reason);
  }
  EXPECT_EQ(seen, (std::set{Reason::Accepted, Reason::Malformed, Reason::BadSignature, Reason::Expired,
                            Reason::NotYetValid, Reason::WrongIssuer, Reason::WrongAudience, Reason::MissingClaim}));
}

TEST(JwtVerifier, ExpCanBeDoneWithout) {
  auto settings = settings_with({key_of(kSecret)});
  settings.require_claims.clear();
  auto verifier = make(settings);
  const auto verified = verify(verifier, token_of("{}"));
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->validity.until, UnixTime::max());
}

TEST(JwtVerifier, TheRulesOfTheSettingsAreUsed) {
  auto settings = settings_with({key_of(kSecret)});
  settings.leeway = seconds(30);
  settings.max_age = seconds(3600);
  settings.type = "at+jwt";
  auto verifier = make(settings);
  const std::string header = R"({"alg":"HS256","typ":"application/AT+JWT"})";
  const std::string iat = ",\"iat\":" + std::to_string(kNow.time_since_epoch().count());
  const auto verified = verify(verifier, token_of(claims_at(-29, iat), header));
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->validity.until, kNow + seconds(1));
  EXPECT_EQ(reason_of(verify(verifier, token_of(claims_at(-30, iat), header))), Reason::Expired);
  EXPECT_EQ(reason_of(verify(verifier, token_of(claims_at(60), header))), Reason::MissingClaim);
  EXPECT_EQ(reason_of(verify(verifier, token_of(claims_at(60, iat)))), Reason::Malformed) << "another typ";
}

TEST(JwtVerifier, ARotatedKeyHasItsGrace) {
  config::Key old = key_of(kOtherSecret);
  old.until = kNow + seconds(10);
  auto verifier = make(settings_with({key_of(kSecret), old}));
  const std::string token = token_of(claims_at(60), kHeader, kOtherSecret);
  const auto verified = verify(verifier, token);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->validity.until, kNow + seconds(10)) << "not beyond the key's own end";
  EXPECT_EQ(reason_of(verify(verifier, token, kNow + seconds(10))), Reason::BadSignature);
  EXPECT_EQ(verify(verifier, token_of(claims_at(60)))->validity.until, kNow + seconds(60));
}

struct Refusal {
  std::string name;
  config::JwtAuthenticator settings;
  std::string says;
  int line;
};

TEST(JwtVerifier, SettingsThatCannotWorkAreReported) {
  config::Key from_environment = key_of("short");
  from_environment.secret.kind = config::SecretReference::Kind::Environment;
  from_environment.secret.name = "DJANGO_JWT_SIGNING_KEY";
  const std::string pem =
      "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
  const std::vector<Refusal> cases{
      {"no key", settings_with({}), "at least one key", 9},
      {"no algorithm", settings_with({key_of(kSecret)}, {}), "at least one algorithm", 7},
      {"an algorithm of public keys", settings_with({key_of(kSecret)}, {"RS256"}),
       "a secret is for HS256, HS384, HS512; accepted here: RS256; a public key is given as pem_file", 7},
      {"an unknown algorithm", settings_with({key_of(kSecret)}, {"HS265"}), "did you mean \"HS256\"", 9},
      {"none", settings_with({key_of(kSecret)}, {"none"}), "proves nothing", 9},
      {"an empty secret", settings_with({key_of("")}), "empty", 7},
      {"a weak secret", settings_with({key_of(std::string(31, 's'))}), "allow_weak: true", 7},
      {"a secret weak for the longest hash", settings_with({key_of(kSecret)}, {"HS256", "HS512"}),
       "HS512 needs at least 64", 7},
      {"a weak secret of the sidecar", settings_with({from_environment}), "SIDEGATE_ALLOW_WEAK_SECRET=1", 7},
      {"a PEM as a secret", settings_with({key_of(pem)}), "PEM", 7},
      {"a JWK as a secret", settings_with({key_of(R"({"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"})")}), "JWK", 7},
  };
  for (const auto& [name, settings, says, line] : cases) {
    SCOPED_TRACE(name);
    config::Diagnostics diagnostics("test.yaml");
    JwtVerifier verifier(settings, diagnostics);
    ASSERT_EQ(diagnostics.entries().size(), 1U);
    EXPECT_FALSE(diagnostics.ok());
    EXPECT_THAT(diagnostics.entries().front().message, HasSubstr(says));
    EXPECT_EQ(diagnostics.entries().front().where.line, line);
    EXPECT_NE(reason_of(verify(verifier, token_of(claims_at(60)))), Reason::Accepted);
  }
}

TEST(JwtVerifier, SeveralFaultsAreReportedTogether) {
  config::Diagnostics diagnostics("test.yaml");
  const JwtVerifier verifier(settings_with({key_of("a"), key_of("b")}, {"HS256", "HS384x", "HS1"}), diagnostics);
  EXPECT_EQ(diagnostics.entries().size(), 4U);
}

TEST(JwtVerifier, OnlyWhereThereIsNoFileTheVariableIsNamed) {
  config::Key key = key_of("a-weak-one");
  config::Diagnostics in_file("test.yaml");
  const JwtVerifier first(settings_with({key}), in_file);
  EXPECT_THAT(in_file.entries().at(0).message,
              AllOf(HasSubstr("allow_weak: true"), Not(HasSubstr("SIDEGATE_")), Not(HasSubstr("a-weak-one"))));
  key.secret.where.line = 0;
  config::Diagnostics without("environment");
  const JwtVerifier second(settings_with({key}), without);
  EXPECT_THAT(without.entries().at(0).message, HasSubstr("SIDEGATE_ALLOW_WEAK_SECRET=1"));
}

TEST(JwtVerifier, AWeakSecretCanBeAllowed) {
  config::Key key = key_of("short");
  key.allow_weak = true;
  auto verifier = make(settings_with({key}, {"HS256", "HS384", "HS512"}));
  EXPECT_TRUE(verify(verifier, token_of(claims_at(60), kHeader, "short")));
}

// CVE-2026-39999: the public key of an issuer, known to all, must never become the secret of an HMAC.
TEST(JwtVerifier, APublicKeyNeverBecomesASecretEvenWhenWeakOnesAreAllowed) {
  config::Key key = key_of("  -----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
  key.allow_weak = true;
  config::Diagnostics diagnostics("test.yaml");
  JwtVerifier verifier(settings_with({key}), diagnostics);
  EXPECT_FALSE(diagnostics.ok());
  const auto token = token_of(claims_at(60), kHeader, key.secret.secret.reveal());
  EXPECT_EQ(reason_of(verify(verifier, token)), Reason::BadSignature);
}

}  // namespace
}  // namespace sidegate::token
