#include "guide.hpp"

#include "directory.hpp"

#include <fmt/format.h>

namespace sidegate::demo {
namespace {

// Braces are doubled for fmt.
constexpr auto kConfiguration = R"(version: 1

listeners:
  public: {{address: "127.0.0.1:{gateway}"}}
admin: {{address: "127.0.0.1:0"}}
shutdown: {{grace: 0s, timeout: 2s}}
access_log: {{path: stderr}}

upstreams:
  auth: {{servers: ["http://127.0.0.1:{auth}"]}}
  app: {{servers: ["http://127.0.0.1:{upstream}"]}}

authenticators:
  staff:
    jwt:
      token: [{{cookie: access_token}}, {{bearer: Authorization}}]
      keys: [{{secret: {{env: DEMO_SIGNING_KEY}}}}]
      algorithms: [HS256]
      require_claims: [exp, user_id]
      subject: user_id
  # The same tokens, which the Auth Service decides on: its answer is used for a while, and for longer when it is down.
  session:
    remote:
      token: [{{cookie: access_token}}, {{bearer: Authorization}}]
      url: "http://127.0.0.1:{auth}/api/v1/users/token/validate/"
      send_as: {{cookie: access_token}}
      subject: user_id
      cache: {{ttl: 10s}}
  newcomer:
    remote:
      token: [{{cookie: newcomer_token}}]
      url: "http://127.0.0.1:{auth}/api/v1/users/token/validate/"
      send_as: {{cookie: access_token}}
      subject: user_id
      cache: {{ttl: 10s}}

user_info:
  directory:
    for: [session, newcomer]
    url: "http://127.0.0.1:{auth}/api/v1/tts/user-info/{{subject}}/"
    batch_url: "http://127.0.0.1:{auth}/api/v1/tts/users-info/"
    credential: {{api_key: {{header: X-API-Key, value: {{env: DEMO_API_KEY}}}}}}

# A token that ends soon is replaced while its refresh token holds.
session_refresh:
  for: [staff]
  url: "http://127.0.0.1:{auth}/api/v1/users/token/refresh/"

inject:
  X-User-Id: "{{subject}}"
  X-User-Type: "{{claims.user_type|staff}}"
  X-User-Email: "{{user.email|}}"
  X-User-Roles: "{{roles}}"
  X-Auth-Method: "{{authenticator}}"

routes:
  # Whoever logs in has no token yet.
  - {{name: login, path: [/login, /logout, "/api/v1/users/**"], authenticate: none, upstream: auth}}
  # The service checks tokens and API keys itself.
  - {{name: directory, path: ["/api/v1/tts/**", "/api/v1/hdts/**"], authenticate: none, upstream: auth}}
  - {{name: public, path: "/public/**", authenticate: none, upstream: app}}
  - {{name: session, path: "/session/**", authenticate: [session], user_info: directory, upstream: app}}
  - {{name: newcomer, path: "/newcomer/**", authenticate: [newcomer], user_info: directory, upstream: app}}
  - {{name: app, path: "/**", authenticate: [staff], upstream: app}}
)";

constexpr auto kThingsToTry = R"txt(
Sidegate demo

  Open      {origin}/login
  User      {user}
  Password  {password}

Or paste these into another terminal, from the top:

  # No token: 401
  curl -i {origin}/

  # Log in; with the cookie the request passes, and the answer lists the headers that reached the application
  JAR=$(mktemp); curl -s -o /dev/null -w 'login: %{{http_code}}\n' -c "$JAR" -d username={user} -d password={password} {origin}/api/v1/users/login/
  curl -s -b "$JAR" {origin}/

  # The same with a bearer token
  TOKEN=$(curl -s -H 'Content-Type: application/json' -d '{{"username":"{user}","password":"{password}"}}' {origin}/api/v1/users/login/ | sed -n 's/.*"access":"\([^"]*\)".*/\1/p')
  curl -s -H "Authorization: Bearer $TOKEN" {origin}/reports

  # A forged identity does not arrive: X-User-Id stays {id}, and on a public page there is none
  curl -s -H "Authorization: Bearer $TOKEN" -H 'X-User-Id: 1' {origin}/
  curl -s -H 'X-User-Id: 1' {origin}/public/hello

  # Who is user {id}? Who is employee 5?
  curl -s -H "Authorization: Bearer $TOKEN" {origin}/api/v1/tts/user-info/{id}/
  curl -s -H 'X-API-Key: {api_key}' {origin}/api/v1/hdts/employees/internal/5/

  # Here the Auth Service is asked about the token, and who that is: X-User-Email and X-User-Roles
  curl -s -H "Authorization: Bearer $TOKEN" {origin}/session/

  # Stop the Auth Service. Whom it has answered for goes on; for a token that it was not asked about: 503
  NEW=$(curl -s -H 'Content-Type: application/json' -d '{{"username":"{user}","password":"{password}"}}' {origin}/api/v1/users/login/ | sed -n 's/.*"access":"\([^"]*\)".*/\1/p')
  curl -s -X POST {origin}/public/auth-service/stop
  curl -s -H "Authorization: Bearer $TOKEN" {origin}/session/
  curl -i -H "Authorization: Bearer $NEW" {origin}/session/

  # Start it again; in a browser the page {origin}/public/auth-service has buttons for it
  curl -s -X POST {origin}/public/auth-service/start
  curl -s -H "Authorization: Bearer $NEW" {origin}/session/

Passwords and keys are new for every run. Ctrl-C stops it.
)txt";

}  // namespace

std::string gateway_configuration(std::uint16_t gateway_port, std::uint16_t auth_port, std::uint16_t upstream_port) {
  return fmt::format(kConfiguration, fmt::arg("gateway", gateway_port), fmt::arg("auth", auth_port),
                     fmt::arg("upstream", upstream_port));
}

std::string things_to_try(std::uint16_t gateway_port, const User& user, const std::string& api_key) {
  return fmt::format(kThingsToTry, fmt::arg("origin", fmt::format("http://127.0.0.1:{}", gateway_port)),
                     fmt::arg("user", user.name), fmt::arg("password", user.password), fmt::arg("api_key", api_key),
                     fmt::arg("id", demo_person().id));
}

}  // namespace sidegate::demo
