#include "forging.hpp"

#include <sidegate/token/jwt_verifier.hpp>
#include <sidegate/token/signer.hpp>

#include <gtest/gtest.h>
#include <boost/json/object.hpp>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Tokens whose signature is good, made with the right secret over just these characters, and that are refused for what
// they say or how they are written. What the parts of a verifier refuse stands in their own tests; forged signatures
// stand in forgeries_test.cpp.
namespace sidegate::token {
namespace {

using namespace std::string_literals;
using base::Reason;
using base::UnixTime;
using std::chrono::seconds;

constexpr UnixTime kNow{seconds(1'790'000'000)};
const std::string kSecret(64, 's');
const std::string kHeader = R"({"alg":"HS256"})";
const std::string kClaims = R"({"exp":1790000060})";

config::Key key_of(const std::string& secret) {
  config::Key key;
  key.secret.secret = base::Secret(secret);
  return key;
}

config::JwtAuthenticator settings_of(const std::vector<config::Key>& keys = {key_of(kSecret)}) {
  config::JwtAuthenticator settings;
  settings.keys = keys;
  settings.algorithms.push_back({"HS256", {}});
  return settings;
}

std::string signed_with(std::string_view header, std::string_view payload = kClaims) {
  return *sign_jws(header, payload, Algorithm::HS256, kSecret);
}

std::string with_claims(std::string_view payload) {
  return signed_with(kHeader, payload);
}

struct Case {
  std::string name;
  std::string token;
  Reason expected;
};

/// Asks about a token in each way that there is. Whatever is refused, the next good one is accepted.
class Asking {
 public:
  explicit Asking(const config::JwtAuthenticator& settings) : verifier_(settings, diagnostics_) {
    EXPECT_TRUE(diagnostics_.ok());
  }

  void expect(const Case& token, UnixTime now = kNow) {
    EXPECT_EQ(base::name_of(reason_of(token.token, now)), base::name_of(token.expected)) << token.name;
    EXPECT_EQ(base::name_of(reason_of(token.token, now)), base::name_of(token.expected)) << token.name << ", again";
    CheckList checks;
    EXPECT_EQ(base::name_of(reason_of(token.token, now, &checks)), base::name_of(token.expected)) << token.name;
    ASSERT_FALSE(checks.empty()) << token.name;
    EXPECT_EQ(checks.back().passed, token.expected == Reason::Accepted) << token.name;
  }

  void expect_all(const std::vector<Case>& cases, const std::string& good) {
    for (const Case& each : cases) {
      expect(each);
      EXPECT_EQ(reason_of(good, kNow), Reason::Accepted) << "after: " << each.name;
    }
  }

 private:
  Reason reason_of(const std::string& token, UnixTime now, CheckList* checks = nullptr) {
    const auto verified = verifier_.verify(token, now, room_, checks);
    return verified ? Reason::Accepted : verified.error();
  }

  config::Diagnostics diagnostics_{"test.yaml"};
  JwtVerifier verifier_;
  boost::json::object room_{};
};

void expect_all(const std::vector<Case>& cases, const config::JwtAuthenticator& settings = settings_of(),
                const std::string& good = signed_with(kHeader)) {
  Asking(settings).expect_all(cases, good);
}

struct Rewriting {
  std::string name;
  std::function<void(std::string&)> rewrite;  ///< makes of a good text one that a lenient decoder takes for the same
};

void replace_first(std::string& text, char from, char to) {
  const auto at = text.find(from);
  ASSERT_NE(at, text.npos);
  text[at] = to;
}

/// RFC 4648 section 3.5: the last letter leaves bits over, and the next letter has the lowest of them set.
void set_left_over_bit(std::string& text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  ASSERT_NE(text.size() % 4, 0U);
  text.back() = kAlphabet[kAlphabet.find(text.back()) + 1];
}

/// A header or a set of claims whose text has both letters that the other alphabet writes in another way, and leaves
/// bits over.
std::string text_of(const std::string& object) {
  std::string wide = object;
  wide.insert(wide.size() - 1, R"(,"x":"?????>>>>>")");
  while (wide.size() % 3 == 0) wide += ' ';
  return key_pairs::encoded(wide);
}

const std::vector<Rewriting> kRewritings{
    {"padding", [](std::string& text) { text += '='; }},
    {"padding of two", [](std::string& text) { text += "=="; }},
    {"the other alphabet, minus as plus", [](std::string& text) { replace_first(text, '-', '+'); }},
    {"the other alphabet, underscore as slash", [](std::string& text) { replace_first(text, '_', '/'); }},
    {"bits left over that are not zero", set_left_over_bit},
    {"a blank before it", [](std::string& text) { text.insert(0, 1, ' '); }},
    {"a blank inside", [](std::string& text) { text.insert(4, 1, ' '); }},
    {"a line feed inside", [](std::string& text) { text.insert(8, 1, '\n'); }},
    {"a line end behind it", [](std::string& text) { text += "\r\n"; }},
    {"a tab behind it", [](std::string& text) { text += '\t'; }},
    {"a NUL behind it", [](std::string& text) { text += '\0'; }},
    {"a letter that is half a byte", [](std::string& text) { text.resize(text.size() / 4 * 4 + 1, 'A'); }},
    {"a letter in percent encoding", [](std::string& text) { text.replace(0, 1, "%65"); }},
};

// RFC 7515 section 2: base64url "with all trailing '=' characters omitted [...] and without the inclusion of any line
// breaks, whitespace, or other additional characters". A second text for the same token would be a second key in caches
// and lists of tokens.
TEST(Refusals, ATextThatIsNotTheOneOfItsBytes) {
  const std::string header = text_of(kHeader);
  TokenParts good;
  for (int i = 0; good.signature.find('-') == std::string::npos || good.signature.find('_') == std::string::npos; ++i) {
    good = parts_of(sealed(header, text_of(R"({"exp":1790000060,"i":)" + std::to_string(i) + '}'), kSecret));
  }
  std::vector<Case> cases{{"the good one", good.token(), Reason::Accepted}};
  for (const auto& [name, rewrite] : kRewritings) {
    TokenParts parts = good;
    rewrite(parts.header);
    cases.push_back({"header: " + name, sealed(parts.header, parts.payload, kSecret), Reason::Malformed});
    parts = good;
    rewrite(parts.payload);
    cases.push_back({"payload: " + name, sealed(parts.header, parts.payload, kSecret), Reason::Malformed});
    parts = good;
    rewrite(parts.signature);
    cases.push_back({"signature: " + name, parts.token(), Reason::Malformed});
  }
  expect_all(cases, settings_of(), good.token());
}

TEST(Refusals, AStructureOfAnotherKind) {
  const std::string good = signed_with(kHeader);
  const TokenParts parts = parts_of(good);
  expect_all({
      {"a full stop before it", '.' + good, Reason::Malformed},
      {"a full stop behind it", good + '.', Reason::Malformed},
      {"an empty header", sealed("", parts.payload, kSecret), Reason::Malformed},
      {"an empty payload", sealed(parts.header, "", kSecret), Reason::Malformed},
      {"an empty signature", parts.signing_input() + '.', Reason::BadSignature},
      {"the scheme before it", "Bearer " + good, Reason::Malformed},
      {"quotes around it", '"' + good + '"', Reason::Malformed},
      {"full stops in percent encoding", parts.header + "%2E" + parts.payload + "%2E" + parts.signature,
       Reason::Malformed},
      {"two tokens", good + ',' + good, Reason::Malformed},
      {"a token as payload", signed_with(R"({"alg":"HS256","cty":"JWT"})", good), Reason::Malformed},
  });
}

TEST(Refusals, AHeaderThatIsNotOneJsonObject) {
  const auto sized = [](std::size_t bytes) { return R"({"alg":"HS256","x":")" + std::string(bytes - 22, 'x') + "\"}"; };
  const auto nested = [](std::size_t depth) {
    return R"({"alg":"HS256","x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + '}';
  };
  const std::vector<std::pair<std::string, std::string>> malformed{
      {"nothing in quotes", R"("")"},
      {"null", "null"},
      {"a text", R"("HS256")"},
      {"a list of it", "[" + kHeader + "]"},
      {"two", kHeader + kHeader},
      {"another behind a NUL", kHeader + '\0' + kHeader},
      {"a letter behind it", kHeader + "x"},
      {"a comma too many", R"({"alg":"HS256",})"},
      {"cut off", R"({"alg":"HS256")"},
      {"a byte order mark", "\xef\xbb\xbf" + kHeader},
      {"UTF-16", "{\0\"\0a\0l\0g\0\"\0:\0\"\0H\0S\0002\0005\0006\0\"\0}\0"s},
      {"a comment", R"({/**/"alg":"HS256"})"},
      {"single quotes", "{'alg':'HS256'}"},
      {"no quotes", "{alg:HS256}"},
      {"bytes that are no UTF-8", "{\"alg\":\"HS256\",\"kid\":\"\xff\"}"},
      {"a lone surrogate", R"({"alg":"HS256","kid":"\udc00"})"},
      {"alg twice, the good one last", R"({"alg":"none","alg":"HS256"})"},
      {"alg twice, the good one first", R"({"alg":"HS256","alg":"none"})"},
      {"alg twice, once with an escape", R"({"alg":"HS256","\u0061lg":"none"})"},
      {"kid twice", R"({"alg":"HS256","kid":"a","kid":"a"})"},
      {"a member twice that nobody looks at", R"({"alg":"HS256","x":1,"x":1})"},
      {"a member twice deep down", R"({"alg":"HS256","x":[{"y":{"z":1,"z":2}}]})"},
      {"deeper than it may be", nested(9)},
      {"very deep", nested(100'000)},
      {"longer than it may be", sized(16 * 1024 + 1)},
  };
  std::vector<Case> cases{{"as deep as it may be", signed_with(nested(8)), Reason::Accepted},
                          {"as long as it may be", signed_with(sized(16 * 1024)), Reason::Accepted}};
  for (const auto& [name, header] : malformed) cases.push_back({name, signed_with(header), Reason::Malformed});
  expect_all(cases);
}

// RFC 7515 section 4.1.11, RFC 7797 section 6: whoever does not understand must refuse.
TEST(Refusals, AnExtensionThatMustBeUnderstood) {
  std::vector<Case> cases;
  for (const std::string more :
       {R"("crit":["b64"],"b64":false)", R"("crit":["b64"],"b64":true)", R"("crit":["alg"])", R"("crit":["x"],"x":1)",
        R"("crit":["x"])", R"("crit":"exp")", R"("crit":null)", R"("crit":{})", R"("crit":false)",
        R"("\u0063rit":["x"])", R"("b64":false)", R"("b64":null)", R"("b64":0)", R"("b64":1)", R"("b64":"false")",
        R"("b64":[])", R"("b6\u0034":false)"}) {
    cases.push_back({more, signed_with(R"({"alg":"HS256",)" + more + '}'), Reason::Malformed});
  }
  // The payload as RFC 7797 would have it, not encoded.
  cases.push_back({"an unencoded payload",
                   sealed(key_pairs::encoded(R"({"alg":"HS256","b64":false,"crit":["b64"]})"), kClaims, kSecret),
                   Reason::Malformed});
  cases.push_back({"another letter case is another name", signed_with(R"({"alg":"HS256","Crit":["x"],"B64":false})"),
                   Reason::Accepted});
  expect_all(cases);
}

TEST(Refusals, AnAlgorithmThatIsNone) {
  std::vector<Case> cases{{"HS256 with escapes", signed_with(R"({"alg":"\u0048S\u00325\u0036"})"), Reason::Accepted}};
  for (const std::string name :
       {"none",         "None",    "NONE",        "nOnE",
        " none",        "none ",   "none\\u0000", "\\u006eone",
        "n\\u00f6ne",   "null",    "false",       "0",
        "HS256\\u0000", " HS256",  "HS256 ",      "hs256",
        "Hs256",        "HS-256",  "HS2560",      "HS256,none",
        "HS1",          "HS128",   "HMACSHA256",  "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "A256KW",       "dir",     "RSA1_5",      "RSA-OAEP",
        "ES256K",       "Ed25519", "EDDSA",       "HS384",
        "HS512",        "RS256",   "PS256",       "ES256",
        "EdDSA"}) {
    const std::string header = R"({"alg":")" + name + R"("})";
    const std::string token = signed_with(header);
    cases.push_back({name, token, Reason::BadSignature});
    cases.push_back({name + ", without a signature", parts_of(token).signing_input() + '.', Reason::BadSignature});
  }
  for (const std::string value : {"", "\"\"", "null", "true", "0", "256", "[]", R"(["HS256"])", R"({"HS256":1})"}) {
    const std::string header = value.empty() ? "{}" : R"({"alg":)" + value + '}';
    cases.push_back({header, signed_with(header), Reason::Malformed});
  }
  expect_all(cases);
}

TEST(Refusals, AMemberOfTheWrongType) {
  std::vector<Case> cases;
  for (const std::string name : {"kid", "typ"}) {
    for (const std::string value : {"null", "true", "0", "1.5", "[]", R"(["a"])", "{}"}) {
      const std::string header = R"({"alg":"HS256",")" + name + "\":" + value + '}';
      cases.push_back({header, signed_with(header), Reason::Malformed});
    }
  }
  expect_all(cases);
}

// RFC 8725 section 3.11: a token for one purpose is none for another.
TEST(Refusals, AnotherType) {
  auto settings = settings_of();
  settings.type = "at+jwt";
  std::vector<Case> cases;
  for (const std::string type : {"JWT", "", "at+jwt ", " at+jwt", "at+jwt\\u0000", "at-jwt", "at+jwt2", "id+jwt",
                                 "logout+jwt", "dpop+jwt", "application/JWT", "application/application/at+jwt",
                                 "application/at+jwt; charset=utf-8", "application/x/at+jwt", "/at+jwt"}) {
    const std::string header = R"({"alg":"HS256","typ":")" + type + R"("})";
    cases.push_back({header, signed_with(header), Reason::Malformed});
  }
  expect_all(cases, settings, signed_with(R"({"alg":"HS256","typ":"at+jwt"})"));
}

TEST(Refusals, APayloadThatIsNotOneJsonObject) {
  const auto nested = [](std::size_t depth) {
    return R"({"exp":1790000060,"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + '}';
  };
  const auto members = [](std::size_t count) {
    std::string payload = R"({"exp":1790000060)";
    for (std::size_t i = 1; i < count; ++i) payload += ",\"" + std::to_string(i) + "\":0";
    return payload + '}';
  };
  const std::vector<std::pair<std::string, std::string>> malformed{
      {"a text", R"("exp")"},
      {"a number", "1790000060"},
      {"null", "null"},
      {"a list of it", '[' + kClaims + ']'},
      {"two", kClaims + kClaims},
      {"a comma behind it", kClaims + ','},
      {"a NUL behind it", kClaims + '\0'},
      {"a byte order mark", "\xef\xbb\xbf" + kClaims},
      {"a claim twice, once with an escape", R"({"exp":1790000060,"\u0065xp":1})"},
      {"a claim twice deep down", R"({"exp":1790000060,"a":[0,{"b":{"c":1,"\u0063":2}}]})"},
      {"an empty name twice", R"({"exp":1790000060,"":1,"":1})"},
      {"bytes that are no UTF-8", "{\"exp\":1790000060,\"sub\":\"\xc3\x28\"}"},
      {"an overlong NUL", "{\"exp\":1790000060,\"sub\":\"\xc0\x80\"}"},
      {"a lone surrogate", R"({"exp":1790000060,"sub":"\ud83d"})"},
      {"a control character", "{\"exp\":1790000060,\"sub\":\"\x01\"}"},
      {"a comment", R"({"exp":1790000060/**/})"},
      {"deeper than it may be", nested(33)},
      {"very deep", nested(200'000)},
      {"more claims than it may have", members(10'001)},
      {"longer than it may be", kClaims + std::string((std::size_t{1} << 20U) + 1 - kClaims.size(), ' ')},
  };
  std::vector<Case> cases{{"as deep as it may be", with_claims(nested(32)), Reason::Accepted},
                          {"as many claims as it may have", with_claims(members(10'000)), Reason::Accepted}};
  for (const auto& [name, payload] : malformed) cases.push_back({name, with_claims(payload), Reason::Malformed});
  expect_all(cases);
}

TEST(Refusals, ATimeThatIsNoDate) {
  const std::vector<std::pair<std::string, Reason>> values{
      {"1790000060", Reason::Accepted},
      {"1790000060.5", Reason::Accepted},
      {"1.79000006e9", Reason::Accepted},
      {"17900000600000000000e-10", Reason::Accepted},
      {"1790000060." + std::string(53, '0'), Reason::Accepted},
      {"1790000060." + std::string(54, '0'), Reason::Malformed},
      {"1790000000.999", Reason::Expired},
      {"1790000000", Reason::Expired},
      {"0", Reason::Expired},
      {"-0", Reason::Expired},
      {"-1", Reason::Expired},
      {"-1790000060", Reason::Expired},
      {"1e-400", Reason::Expired},
      {"1790000060000", Reason::Malformed},
      {"1e400", Reason::Malformed},
      {"-1e400", Reason::Malformed},
      {"1e2147483648", Reason::Malformed},
      {"1e99999999999999999999", Reason::Malformed},
      {"18446744073709551615", Reason::Malformed},
      {"-9223372036854775808", Reason::Malformed},
      {std::string(5000, '9'), Reason::Malformed},
      {"NaN", Reason::Malformed},
      {"nan", Reason::Malformed},
      {"Infinity", Reason::Malformed},
      {"-Infinity", Reason::Malformed},
      {"+1790000060", Reason::Malformed},
      {"01790000060", Reason::Malformed},
      {"0x6AB13C3C", Reason::Malformed},
      {"1790000060.", Reason::Malformed},
      {".5", Reason::Malformed},
      {"-", Reason::Malformed},
      {"", Reason::Malformed},
      {"null", Reason::Malformed},
      {"true", Reason::Malformed},
      {"\"1790000060\"", Reason::Malformed},
      {"\"2026-09-21T14:14:20Z\"", Reason::Malformed},
      {"[1790000060]", Reason::Malformed},
      {"{}", Reason::Malformed},
  };
  std::vector<Case> cases;
  for (const auto& [value, expected] : values) {
    cases.push_back({"exp " + value.substr(0, 40), with_claims(R"({"exp":)" + value + '}'), expected});
    if (expected != Reason::Malformed) continue;
    for (const std::string name : {"nbf", "iat"}) {
      const std::string claims = R"({"exp":1790000060,")" + name + "\":" + value + '}';
      cases.push_back({name + ' ' + value.substr(0, 40), with_claims(claims), expected});
    }
  }
  expect_all(cases);
}

TEST(Refusals, AClaimThatSaysAnother) {
  auto settings = settings_of();
  settings.issuer = "https://auth.example";
  settings.audience = {"tts"};
  settings.max_age = seconds(100);
  settings.require_claims = {"exp", "data.user.id"};
  const std::string good_issuer = R"("iss":"https://auth.example")";
  const std::string good_audience = R"("aud":"tts")";
  const std::string good_id = R"("data":{"user":{"id":7}})";
  const std::string good_times = R"("exp":1790000060,"iat":1789999990)";
  const auto claims = [](std::initializer_list<std::string> members) {
    std::string object;
    for (const std::string& member : members) object += (object.empty() ? "{" : ",") + member;
    return with_claims(object + '}');
  };
  const auto issued_by = [&](const std::string& issuer) {
    return claims({good_times, good_audience, good_id, R"("iss":)" + issuer});
  };
  const auto meant_for = [&](const std::string& audience) {
    return claims({good_times, good_issuer, good_id, R"("aud":)" + audience});
  };
  const auto about = [&](const std::string& data) { return claims({good_times, good_issuer, good_audience, data}); };
  const auto at = [&](const std::string& times) { return claims({times, good_issuer, good_audience, good_id}); };
  expect_all(
      {
          {"an issuer with a path", issued_by(R"("https://auth.example/other")"), Reason::WrongIssuer},
          {"a part of the issuer", issued_by(R"("https://auth.exampl")"), Reason::WrongIssuer},
          {"the issuer and a NUL", issued_by(R"("https://auth.example\u0000.evil")"), Reason::WrongIssuer},
          {"the issuer and a line feed", issued_by(R"("https://auth.example\n")"), Reason::WrongIssuer},
          {"letters that look like it", issued_by("\"https://\u0430uth.example\""), Reason::WrongIssuer},
          {"the issuer in a list", issued_by(R"(["https://auth.example"])"), Reason::WrongIssuer},
          {"the issuer as an object", issued_by(R"({"https://auth.example":1})"), Reason::WrongIssuer},
          {"the issuer is a number", issued_by("0"), Reason::WrongIssuer},
          {"the issuer with an escape is the same", issued_by(R"("https:\/\/auth.e\u0078ample")"), Reason::Accepted},
          {"the audience with something before it", meant_for(R"("xtts")"), Reason::WrongAudience},
          {"the audience in another case", meant_for(R"("TTS")"), Reason::WrongAudience},
          {"the audience within a text", meant_for(R"("ams tts")"), Reason::WrongAudience},
          {"the audience and a NUL", meant_for(R"("tts\u0000")"), Reason::WrongAudience},
          {"any audience", meant_for(R"("*")"), Reason::WrongAudience},
          {"others in a list", meant_for(R"(["ams","","*"])"), Reason::WrongAudience},
          {"the audience deeper in a list", meant_for(R"([["tts"]])"), Reason::Malformed},
          {"the audience beside null", meant_for(R"(["tts",null])"), Reason::Malformed},
          {"the audience as an object", meant_for(R"({"tts":true})"), Reason::Malformed},
          {"the audience is false", meant_for("false"), Reason::Malformed},
          {"the required claim is null", about(R"("data":{"user":{"id":null}})"), Reason::MissingClaim},
          {"its parent is null", about(R"("data":{"user":null})"), Reason::MissingClaim},
          {"its parent is a list", about(R"("data":[{"user":{"id":7}}])"), Reason::MissingClaim},
          {"its parent is a text", about(R"("data":{"user":"id"})"), Reason::MissingClaim},
          {"it lies elsewhere", about(R"("user":{"id":7},"id":7)"), Reason::MissingClaim},
          {"in another case", about(R"("data":{"User":{"id":7}})"), Reason::MissingClaim},
          {"the path as one name", about(R"("data.user.id":7)"), Reason::Accepted},
          {"the path as one name, null", about(R"("data.user.id":null,)" + good_id), Reason::MissingClaim},
          {"no iat", at(R"("exp":1790000060)"), Reason::MissingClaim},
          {"iat is null", at(R"("exp":1790000060,"iat":null)"), Reason::Malformed},
          {"older than it may be", at(R"("exp":1790000060,"iat":1789999900)"), Reason::Expired},
          {"issued in the future", at(R"("exp":1790000060,"iat":1790000001)"), Reason::NotYetValid},
          {"not yet", at(good_times + R"(,"nbf":1790000001)"), Reason::NotYetValid},
          {"not yet and expired", at(R"("exp":1,"iat":1789999990,"nbf":1790000001)"), Reason::NotYetValid},
          {"exp in another case", at(R"("EXP":1790000060,"iat":1789999990)"), Reason::MissingClaim},
      },
      settings, at(good_times));
}

// Keys past their `until` do not count, nor do their names.
TEST(Refusals, AKeyWhoseTimeIsOver) {
  const std::string old_secret(64, 'o');
  config::Key old = key_of(old_secret);
  old.until = kNow;
  config::Key named;
  named.form = config::Key::Form::Jwk;
  named.secret.secret =
      base::Secret(R"({"kty":"oct","kid":"old","k":")" + key_pairs::encoded(std::string(64, 'n')) + "\"}");
  named.until = kNow;
  Asking asking(settings_of({key_of(kSecret), old, named}));
  const auto by = [](const std::string& header, const std::string& secret) {
    return *sign_jws(header, kClaims, Algorithm::HS256, secret);
  };
  const std::string by_old = by(kHeader, old_secret);
  const std::string by_named = by(R"({"alg":"HS256","kid":"old"})", std::string(64, 'n'));
  for (const std::string& token : {by_old, by_named}) {
    asking.expect({"its last second", token, Reason::Accepted}, kNow - seconds(1));
    asking.expect({"the moment it ends", token, Reason::BadSignature}, kNow);
    asking.expect({"long after", token, Reason::BadSignature}, kNow + seconds(30));
  }
  const std::string header = R"({"alg":"HS256","kid":"old"})";
  asking.expect({"its name with the other old key", by(header, old_secret), Reason::BadSignature});
  asking.expect({"its name with a key that is in use", by(header, kSecret), Reason::Accepted});
}

}  // namespace
}  // namespace sidegate::token
