#include "key_pairs.hpp"

#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Reason;
using base::UnixTime;
using config::Diagnostics;
using Form = config::Key::Form;
using json::serialize;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr UnixTime kNow{seconds(1'790'000'000)};
constexpr std::string_view kClaims = R"({"exp":1790000600})";

config::Key key_of(Form form, const std::string& text) {
  config::Key key;
  key.form = form;
  key.secret.kind = config::SecretReference::Kind::File;
  key.secret.name = "/keys/file";
  key.secret.secret = base::Secret(text);
  key.secret.where = {7, 12, "authenticators.staff.jwt.keys[0]." + std::string(form_name(key))};
  return key;
}

config::JwtAuthenticator settings_with(const std::vector<config::Key>& keys,
                                       const std::vector<std::string>& algorithms) {
  config::JwtAuthenticator settings;
  settings.keys = keys;
  int line = 9;
  for (const auto& name : algorithms) settings.algorithms.push_back({name, {line++, 19, "algorithms"}});
  return settings;
}

struct Compiled {
  Diagnostics diagnostics{"test.yaml"};
  JwtVerifier verifier;
  json::object room{};

  explicit Compiled(const config::JwtAuthenticator& settings) : verifier(settings, diagnostics) {}

  std::vector<std::string> lines(Diagnostics::Severity severity) const { return diagnostics.lines(severity); }
  std::vector<std::string> errors() const { return lines(Diagnostics::Severity::Error); }
  std::vector<std::string> warnings() const { return lines(Diagnostics::Severity::Warning); }
  base::Result<VerifiedJwt> verify(const std::string& token, UnixTime now = kNow, CheckList* checks = nullptr) {
    return verifier.verify(token, now, room, checks);
  }
  bool accepts(const std::string& token, UnixTime now = kNow) { return verify(token, now).has_value(); }
};

SigningKey signing_key(KeyKind kind) {
  return read_signing_keys(pair_of(kind).private_pem)->at(0);
}

std::string token_by(KeyKind kind, Algorithm algorithm, std::string_view key_id = {}) {
  json::object header{{"alg", name_of(algorithm)}};
  if (!key_id.empty()) header["kid"] = key_id;
  return *sign_jws(serialize(header), kClaims, algorithm, signing_key(kind));
}

TEST(ConfiguredKeys, EveryFormOfFileVerifies) {
  const KeyPair& rsa = pair_of(KeyKind::Rsa);
  const KeyPair& ec = pair_of(KeyKind::P256);
  const std::vector<std::pair<config::Key, KeyKind>> cases{
      {key_of(Form::Pem, rsa.public_pem), KeyKind::Rsa},
      {key_of(Form::Jwk, serialize(rsa.public_jwk)), KeyKind::Rsa},
      {key_of(Form::JwkSet, jwk_set({rsa.public_jwk})), KeyKind::Rsa},
      {key_of(Form::Pem, ec.public_pem), KeyKind::P256},
  };
  for (const auto& [key, kind] : cases) {
    const Algorithm algorithm = kind == KeyKind::Rsa ? Algorithm::RS256 : Algorithm::ES256;
    Compiled compiled(settings_with({key}, {std::string(name_of(algorithm))}));
    EXPECT_THAT(compiled.diagnostics.lines(), IsEmpty());
    EXPECT_TRUE(compiled.accepts(token_by(kind, algorithm)));
    EXPECT_FALSE(compiled.accepts(token_by(kind == KeyKind::Rsa ? KeyKind::P256 : KeyKind::Rsa,
                                           kind == KeyKind::Rsa ? Algorithm::ES256 : Algorithm::RS256)));
  }
}

TEST(ConfiguredKeys, AnAlgorithmThatIsNotOnTheListIsRefusedThoughTheKeyFits) {
  Compiled compiled(settings_with({key_of(Form::Pem, pair_of(KeyKind::Rsa).public_pem)}, {"RS256"}));
  EXPECT_TRUE(compiled.accepts(token_by(KeyKind::Rsa, Algorithm::RS256)));
  EXPECT_FALSE(compiled.accepts(token_by(KeyKind::Rsa, Algorithm::RS512)));
  EXPECT_FALSE(compiled.accepts(token_by(KeyKind::Rsa, Algorithm::PS256)));
}

// RFC 8725 section 2.1.
TEST(ConfiguredKeys, APublicKeyIsNoSecretEvenWhereBothKindsAreAccepted) {
  const std::string pem = pair_of(KeyKind::Rsa).public_pem;
  config::Key secret = key_of(Form::Secret, std::string(32, 's'));
  Compiled compiled(settings_with({key_of(Form::Pem, pem), secret}, {"RS256", "HS256"}));
  EXPECT_THAT(compiled.diagnostics.lines(), IsEmpty());
  EXPECT_TRUE(compiled.accepts(token_by(KeyKind::Rsa, Algorithm::RS256)));
  EXPECT_TRUE(compiled.accepts(*sign_jws(R"({"alg":"HS256"})", kClaims, Algorithm::HS256, std::string(32, 's'))));
  EXPECT_FALSE(compiled.accepts(*sign_jws(R"({"alg":"HS256"})", kClaims, Algorithm::HS256, pem)));
}

TEST(ConfiguredKeys, AnUntilHoldsForEveryKeyOfASet) {
  config::Key key =
      key_of(Form::JwkSet, jwk_set({pair_of(KeyKind::Rsa).public_jwk, pair_of(KeyKind::P256).public_jwk}));
  key.until = kNow + seconds(10);
  Compiled compiled(settings_with({key}, {"RS256", "ES256"}));
  for (const std::string& token :
       {token_by(KeyKind::Rsa, Algorithm::RS256), token_by(KeyKind::P256, Algorithm::ES256)}) {
    EXPECT_EQ(compiled.verify(token)->validity.until, kNow + seconds(10));
    EXPECT_FALSE(compiled.accepts(token, kNow + seconds(10)));
  }
}

TEST(ConfiguredKeys, TheLabelHasTheKeyIdOfASet) {
  const std::string set = jwk_set(
      {changed(pair_of(KeyKind::Rsa).public_jwk, "kid", "a"), changed(pair_of(KeyKind::P256).public_jwk, "kid", "b")});
  Compiled compiled(settings_with({key_of(Form::JwkSet, set)}, {"RS256", "ES256"}));
  CheckList checks;
  ASSERT_TRUE(compiled.verify(token_by(KeyKind::P256, Algorithm::ES256, "b"), kNow, &checks));
  std::vector<std::string> details;
  for (const Check& check : checks) {
    if (check.name == CheckName::Signature) details.push_back(check.detail);
  }
  EXPECT_THAT(details, ElementsAre("made by keys[0] (file /keys/file) kid \"b\""));
}

struct Refused {
  std::string name;
  config::Key key;
  std::string says;
};

TEST(ConfiguredKeys, FilesThatCannotBeUsedAreReported) {
  const KeyPair& rsa = pair_of(KeyKind::Rsa);
  const std::string jwk = serialize(rsa.public_jwk);
  const std::string set = jwk_set({rsa.public_jwk});
  const std::string secret_jwk = R"({"kty":"oct","alg":"HS256","k":"c2VjcmV0"})";
  const std::vector<Refused> cases{
      {"a private PEM", key_of(Form::Pem, rsa.private_pem), "this key file cannot be used: it holds a private key"},
      {"a text as PEM", key_of(Form::Pem, "hello"), "it holds no PEM block"},
      {"a JWK as PEM", key_of(Form::Pem, jwk), "it is a JWK; jwk_file and jwks_file read those"},
      {"a PEM as JWK", key_of(Form::Jwk, rsa.public_pem), "it is a PEM; pem_file reads those"},
      {"a PEM as set", key_of(Form::JwkSet, rsa.public_pem), "it is a PEM; pem_file reads those"},
      {"a text as JWK", key_of(Form::Jwk, "hello"), "it is not a JWK"},
      {"a set as JWK", key_of(Form::Jwk, set), "it is a JWK Set; jwks_file reads those"},
      {"a JWK as set", key_of(Form::JwkSet, jwk), "it is a single JWK; jwk_file reads those"},
      {"a JWK for encryption", key_of(Form::Jwk, with(rsa.public_jwk, "use", "enc")), "not for signatures"},
      {"a set without a key to use", key_of(Form::JwkSet, jwk_set({7})), "no key of the JWK Set can be used"},
      {"a short RSA key", key_of(Form::Pem, key_pairs::make_rsa(1024).public_pem), "has 1024 bits"},
      {"a key of another type", key_of(Form::Pem, pair_of(KeyKind::P256).public_pem),
       "a public key (EC P-256) is for ES256; accepted here: HS256, RS256"},
      {"another algorithm of the type", key_of(Form::Jwk, with(rsa.public_jwk, "alg", "PS256")),
       "by its \"alg\", is for PS256; accepted here: HS256, RS256"},
      {"a set of other types",
       key_of(Form::JwkSet, jwk_set({pair_of(KeyKind::P256).public_jwk, pair_of(KeyKind::Ed448).public_jwk})),
       "none of the 2 keys of the set fits the algorithms HS256, RS256"},
      {"a short secret", key_of(Form::Jwk, secret_jwk), "the secret is 6 bytes long, but HS256 needs at least 32"},
      {"a short secret in a set", key_of(Form::JwkSet, R"({"keys":[)" + jwk + "," + secret_jwk + "]}"),
       "the secret is 6 bytes long"},
  };
  for (const auto& [name, key, says] : cases) {
    Compiled compiled(settings_with({key}, {"HS256", "RS256"}));
    EXPECT_THAT(compiled.errors(),
                ElementsAre(testing::AllOf(
                    HasSubstr("test.yaml:7:12: at authenticators.staff.jwt.keys[0]." + std::string(form_name(key))),
                    HasSubstr(says), Not(HasSubstr("c2VjcmV0")))))
        << name;
    EXPECT_THAT(compiled.warnings(), IsEmpty()) << name;
    EXPECT_FALSE(compiled.accepts(token_by(KeyKind::Rsa, Algorithm::RS256))) << name;
  }
}

TEST(ConfiguredKeys, AShortSecretOfAFileCanBeAllowed) {
  config::Key key = key_of(Form::Jwk, R"({"kty":"oct","k":"c2VjcmV0"})");
  key.allow_weak = true;
  Compiled compiled(settings_with({key}, {"HS256"}));
  EXPECT_THAT(compiled.diagnostics.lines(), IsEmpty());
  EXPECT_TRUE(compiled.accepts(*sign_jws(R"({"alg":"HS256"})", kClaims, Algorithm::HS256, "secret")));
}

TEST(ConfiguredKeys, WarnsOfWhatIsLeftOut) {
  const KeyPair& rsa = pair_of(KeyKind::Rsa);
  Compiled with_private(settings_with({key_of(Form::Jwk, serialize(rsa.private_jwk))}, {"RS256"}));
  EXPECT_THAT(with_private.diagnostics.lines(), ElementsAre(HasSubstr("warning: it holds a private key")));
  EXPECT_TRUE(with_private.accepts(token_by(KeyKind::Rsa, Algorithm::RS256)));

  const std::string set = jwk_set({rsa.public_jwk, json::object{{"kty", "AKP"}}, pair_of(KeyKind::P256).public_jwk});
  Compiled with_others(settings_with({key_of(Form::JwkSet, set)}, {"RS256"}));
  EXPECT_THAT(with_others.diagnostics.lines(), ElementsAre(HasSubstr("warning: key 1 of the JWK Set is left out")))
      << "a key of an algorithm that is not accepted is no news";
  EXPECT_TRUE(with_others.accepts(token_by(KeyKind::Rsa, Algorithm::RS256)));
  EXPECT_FALSE(with_others.accepts(token_by(KeyKind::P256, Algorithm::ES256)));
}

TEST(ConfiguredKeys, WarnsOfAnAlgorithmThatNoKeyFits) {
  const auto key = key_of(Form::Pem, pair_of(KeyKind::P256).public_pem);
  Compiled compiled(settings_with({key}, {"ES256", "ES384", "HS256"}));
  EXPECT_THAT(
      compiled.diagnostics.lines(),
      ElementsAre("test.yaml:10:19: at algorithms: warning: no key fits this algorithm, so its tokens are refused",
                  HasSubstr("test.yaml:11:19: at algorithms: warning: no key fits")));
  EXPECT_TRUE(compiled.accepts(token_by(KeyKind::P256, Algorithm::ES256)));
}

TEST(ConfiguredKeys, WhereAnAlgorithmIsMisspeltNoKeyIsBlamed) {
  const auto key = key_of(Form::Pem, pair_of(KeyKind::Rsa).public_pem);
  Compiled compiled(settings_with({key}, {"HS256", "RS265"}));
  EXPECT_THAT(compiled.diagnostics.lines(), ElementsAre(HasSubstr("did you mean \"RS256\"")));
}

TEST(ConfiguredKeys, AllFaultsAreReportedTogether) {
  const KeyPair& rsa = pair_of(KeyKind::Rsa);
  Compiled compiled(
      settings_with({key_of(Form::Pem, rsa.private_pem), key_of(Form::Jwk, "hello"),
                     key_of(Form::Pem, pair_of(KeyKind::P256).public_pem), key_of(Form::Pem, rsa.public_pem)},
                    {"RS256"}));
  EXPECT_EQ(compiled.errors().size(), 3U);
}

}  // namespace
}  // namespace sidegate::token
