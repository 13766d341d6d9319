#include "introspection_protocol.hpp"

#include "certificates.hpp"
#include "http_answers.hpp"

#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/jws_verifier.hpp>

#include <openssl/rsa.h>
#include <boost/json/object.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace sidegate::authority {
namespace {

using base::UnixTime;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Method = config::ClientAuthentication::Method;

constexpr UnixTime kNow{seconds(1'700'000'000)};

config::TokenService settings(Method method = Method::Basic, const std::string& secret = "s3cret") {
  config::TokenService settings;
  settings.endpoint.url = "https://auth.test/introspect";
  settings.client.method = method;
  settings.client.id = "side gate";
  settings.client.secret.secret = base::Secret(secret);
  settings.subject = {"sub", "username", "client_id"};
  return settings;
}

Request request(const config::TokenService& with, std::string_view token = "abc") {
  return *IntrospectionProtocol::create(with)->request(token, kNow);
}

std::string private_pem(EVP_PKEY& key) {
  BIO* const out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, &key, nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

TEST(IntrospectionRequest, IsAForm) {
  const auto asked = request(settings(), "a+b c");
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.url.text, "https://auth.test/introspect");
  EXPECT_EQ(asked.content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(asked.body.reveal(), "token=a%2Bb+c&token_type_hint=access_token");
}

TEST(IntrospectionRequest, ProvesWhoAsks) {
  // `side+gate:s3%3Acr%2Bet`: each part is form-encoded before it becomes Basic (RFC 6749 section 2.3.1).
  EXPECT_EQ(request(settings(Method::Basic, "s3:cr+et")).fields.reveal(),
            "Authorization: Basic c2lkZStnYXRlOnMzJTNBY3IlMkJldA==\r\n");
  const auto form = request(settings(Method::Form, "s3:cr+et"));
  EXPECT_TRUE(form.fields.empty());
  EXPECT_EQ(form.body.reveal(),
            "token=abc&token_type_hint=access_token&client_id=side+gate&client_secret=s3%3Acr%2Bet");
  EXPECT_EQ(request(settings(Method::Bearer, "t0ken")).fields.reveal(), "Authorization: Bearer t0ken\r\n");
}

/// The assertion in the body of a request, verified with this key.
boost::json::object verified_assertion(const Request& asked, EVP_PKEY& key, token::Algorithm algorithm) {
  const std::string body(asked.body.reveal());
  const std::string type =
      "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";
  const auto at = body.find(type);
  EXPECT_NE(at, body.npos) << body;
  token::JwsVerifier verifier({.algorithms = {algorithm}, .type = {}});
  token::KeyMaterial material{.key = *token::PublicKey::create(key), .id = {}, .algorithm = {}, .until = {}};
  EXPECT_TRUE(verifier.add_key(material));
  const auto verified = verifier.verify(body.substr(at + type.size()), kNow);
  EXPECT_TRUE(verified);
  return verified ? *token::JsonReader().read_object(verified->payload) : boost::json::object();
}

TEST(IntrospectionRequest, ProvesItBySignatures) {
  struct Case {
    EVP_PKEY* key;
    token::Algorithm algorithm;
  };
  const Case cases[] = {{EVP_RSA_gen(2048), token::Algorithm::RS256},
                        {EVP_EC_gen("P-256"), token::Algorithm::ES256},
                        {EVP_EC_gen("P-384"), token::Algorithm::ES384},
                        {EVP_EC_gen("P-521"), token::Algorithm::ES512},
                        {EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), token::Algorithm::EdDSA}};
  std::set<std::string> names;
  for (const Case& test : cases) {
    const auto protocol = IntrospectionProtocol::create(settings(Method::PrivateKeyJwt, private_pem(*test.key)));
    ASSERT_TRUE(protocol);
    for (int i = 0; i < 2; ++i) {
      const auto claims = verified_assertion(*protocol->request("abc", kNow), *test.key, test.algorithm);
      EXPECT_EQ(claims.at("iss"), "side gate");
      EXPECT_EQ(claims.at("sub"), "side gate");
      EXPECT_EQ(claims.at("aud"), "https://auth.test/introspect");
      EXPECT_EQ(claims.at("iat"), 1'700'000'000);
      EXPECT_EQ(claims.at("exp"), 1'700'000'060);
      names.insert(std::string(claims.at("jti").as_string()));
    }
    EVP_PKEY_free(test.key);
  }
  EXPECT_EQ(names.size(), 2 * std::size(cases)) << "each can be used once";
}

TEST(IntrospectionRequest, AKeyMaySayWhatItIsFor) {
  // RFC 8037 appendix A.1
  const char* const jwk = R"({"kty":"OKP","crv":"Ed25519","kid":"mine","alg":"EdDSA",)"
                          R"("d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
                          R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
  const std::string body(request(settings(Method::PrivateKeyJwt, jwk)).body.reveal());
  std::string header;
  token::append_base64url(header, R"({"alg":"EdDSA","typ":"JWT","kid":"mine"})");
  EXPECT_THAT(body, HasSubstr("client_assertion=" + header + "."));
}

TEST(IntrospectionRequest, WhatCanNeverBeAskedIsFoundAtOnce) {
  const auto error_of = [](const config::TokenService& with) {
    const auto made = IntrospectionProtocol::create(with);
    return made ? std::string() : made.error().text;
  };
  const char* const none = "it holds no private key of a pair (RSA, EC or Ed25519, as PEM or JWK)";
  EXPECT_EQ(error_of(settings(Method::PrivateKeyJwt, "just a secret")), none);
  EXPECT_EQ(
      error_of(settings(Method::PrivateKeyJwt, R"({"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"})")),
      none);
  EXPECT_NE(error_of(settings(Method::PrivateKeyJwt, make_certificate("x", "", nullptr).pem())), "");
  EXPECT_NE(error_of(settings(Method::Bearer, "two words")), "");
  auto with = settings();
  with.endpoint.url = "http://auth.test/introspect";
  EXPECT_THAT(error_of(with), StartsWith("by plain http anybody"));
}

std::string read(const HttpAnswer& answer, const config::TokenService& with = settings(),
                 std::string_view token = "opaque") {
  return words_of(IntrospectionProtocol::create(with)->read(answer, token, kNow));
}

TEST(IntrospectionAnswer, IsActiveOrNot) {
  struct Case {
    const char* body;
    const char* expected;
  };
  const Case cases[] = {
      {R"({"active":true,"sub":"ann","username":"bob"})", "yes ann"},
      {R"({"active":true,"username":"bob","client_id":"c"})", "yes bob"},
      {R"({"active":true,"client_id":"c"})", "yes c"},
      {R"({"active":true})", "no missing_claim"},
      {R"({"active":false})", "no rejected"},
      {R"({"active":false,"sub":"ann"})", "no rejected"},
      {R"({"active":"true","sub":"ann"})", "\"active\" in the answer is neither true nor false"},
      {R"({"sub":"ann"})", "\"active\" in the answer is neither true nor false"},
      {R"({"data":{"active":true,"sub":"ann"}})", "\"active\" in the answer is neither true nor false"},
      {"", "the answer is no JSON object, or has a member twice"},
      {"true", "the answer is no JSON object, or has a member twice"},
      {"<html>", "the answer is no JSON object, or has a member twice"},
      {R"({"active":false,"active":true,"sub":"ann"})", "the answer is no JSON object, or has a member twice"},
  };
  for (const Case& test : cases) EXPECT_EQ(read(json_answer(test.body)), test.expected) << test.body;
}

TEST(IntrospectionAnswer, ATokenOfAnotherKindIsNoAccessToken) {
  const auto about = [](const std::string& members) {
    return read(json_answer(R"({"active":true,"sub":"ann",)" + members + "}"));
  };
  for (const char* const other :
       {R"("token_type":"refresh_token")", R"("token_type":"Refresh_Token","typ":"x")", R"("token_type":"refresh")",
        R"("typ":"Refresh")", R"("typ":"Offline","token_type":"Bearer")", R"("token_use":"refresh")",
        R"("token_type":"id_token")", R"("typ":"ID")", R"("token_use":"id")"}) {
    EXPECT_EQ(about(other), "no rejected") << other;
  }
  for (const char* const access :
       {R"("typ":"Bearer","token_type":"Bearer")", R"("token_type":"access_token","token_use":"access")",
        R"("typ":"at+jwt")", R"("token_type":null,"typ":7)"}) {
    EXPECT_EQ(about(access), "yes ann") << access;
  }
}

TEST(IntrospectionAnswer, AnotherStatusTellsNothing) {
  EXPECT_EQ(read(json_answer(R"({"active":false})", 401)), "answered 401: it does not accept `client`");
  for (const unsigned status : {201U, 204U, 302U, 400U, 403U, 404U, 429U, 500U, 503U}) {
    EXPECT_EQ(read(json_answer(R"({"active":true,"sub":"ann"})", status)), "answered " + std::to_string(status));
  }
}

TEST(IntrospectionAnswer, WhatItSaysOfTheTokenCounts) {
  const auto with_audience = [] {
    auto with = settings();
    with.audience = {"us", "them"};
    return with;
  }();
  const auto about = [](const std::string& members) {
    return json_answer(R"({"active":true,"sub":"ann",)" + members + "}");
  };
  EXPECT_EQ(read(about(R"("exp":1700000001)")), "yes ann");
  EXPECT_EQ(read(about(R"("exp":1700000000)")), "no expired");
  EXPECT_EQ(read(about(R"("nbf":1700000001)")), "no not_yet_valid");
  EXPECT_EQ(read(about(R"("iat":1700000001)")), "no not_yet_valid");
  EXPECT_EQ(read(about(R"("aud":"others")")), "yes ann");
  EXPECT_EQ(read(about(R"("aud":"us")"), with_audience), "yes ann");
  EXPECT_EQ(read(about(R"("aud":["others","them"])"), with_audience), "yes ann");
  EXPECT_EQ(read(about(R"("aud":"others")"), with_audience), "no wrong_audience");
  EXPECT_EQ(read(about(R"("x":1)"), with_audience), "no wrong_audience");
  EXPECT_EQ(read(about(R"("exp":"tomorrow")")), "the answer names a moment or an audience that cannot be read");
  EXPECT_EQ(read(about(R"("aud":7)")), "the answer names a moment or an audience that cannot be read");
  EXPECT_EQ(read(about(R"("x":1)"), settings(), token_with(R"({"exp":1700000000})")), "no expired");
}

TEST(IntrospectionAnswer, HoldsForAsLongAsItSays) {
  auto with = settings();
  with.expiry = "expires_at";
  const auto protocol = IntrospectionProtocol::create(with);
  const auto answer = json_answer(
      R"({"active":true,"sub":"ann","nbf":1699999990,"exp":1700000009,"expires_at":"2023-11-14T22:13:27Z"})");
  const auto reading = protocol->read(answer, "opaque", kNow);
  ASSERT_EQ(words_of(reading), "yes ann");
  EXPECT_EQ((*reading)->valid_from, kNow - seconds(10));
  EXPECT_EQ((*reading)->valid_until, kNow + seconds(7));
  EXPECT_EQ((*protocol->read(answer, token_with(R"({"exp":1700000003})"), kNow))->valid_until, kNow + seconds(3));
}

}  // namespace
}  // namespace sidegate::authority
