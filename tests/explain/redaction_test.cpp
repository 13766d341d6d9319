#include "redaction.hpp"

#include <gtest/gtest.h>

namespace sidegate::explain {
namespace {

TEST(Redaction, TakesAwayWhatACredentialIsMadeOf) {
  config::Config config;
  config.authenticators.emplace_back();
  config.authenticators.front().jwt.token = {{config::TokenSource::Kind::Bearer, "X-Letter"},
                                             {config::TokenSource::Kind::Cookie, "Session"}};
  struct Case {
    const char* line;
    const char* expected;
  };
  const Case cases[]{
      {"Authorization: Bearer secret", "Authorization: <redacted>"},
      {"AUTHORIZATION:secret", "AUTHORIZATION: <redacted>"},
      {"Proxy-Authorization: Basic secret", "Proxy-Authorization: <redacted>"},
      {"x-letter: secret", "x-letter: <redacted>"},
      {"Cookie: a=secret; b=\"secret; c = secret=x ;;d=",
       "Cookie: a=<redacted>; b=<redacted>; c=<redacted>; d=<redacted>"},
      {"cookie: secret", "cookie: <redacted>"},
      {"Cookie:", "Cookie: "},
      {"X-API-Key: secret", "X-API-Key: <redacted>"},
      {"x-auth-token: secret", "x-auth-token: <redacted>"},
      {"X_Hub_Signature: secret", "X_Hub_Signature: <redacted>"},
      {"X-CSRFToken: secret", "X-CSRFToken: <redacted>"},
      {"Cf-Access-Jwt-Assertion: secret", "Cf-Access-Jwt-Assertion: <redacted>"},
      {"X-Auth: secret", "X-Auth: <redacted>"},
      {"Api-Keys: secret", "Api-Keys: <redacted>"},
      {"X-Sessionid: secret", "X-Sessionid: <redacted>"},
      {"Set-Cookie: secret", "Set-Cookie: <redacted>"},
      {"X-Keyboard: shown", "X-Keyboard: shown"},
      {"X-Passenger: shown", "X-Passenger: shown"},
      {"X-Auth-Method: shown", "X-Auth-Method: shown"},
      {"Accept:  shown", "Accept:  shown"},
      {"GET /shown HTTP/1.1", "GET /shown HTTP/1.1"},
  };
  for (const Case& each : cases) EXPECT_EQ(redacted_line(each.line, config), each.expected);
}

}  // namespace
}  // namespace sidegate::explain
