#include "auth_service.hpp"

#include "form.hpp"
#include "login_page.hpp"

#include <sidegate/base/secret.hpp>
#include <sidegate/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <limits>
#include <utility>

namespace sidegate::demo {
namespace {

namespace json = boost::json;

constexpr std::string_view kAccessCookie = "access_token";
constexpr std::string_view kRefreshCookie = "refresh_token";
constexpr std::size_t kBatchMax = 100;

web::Response json_response(const json::value& value, unsigned status = 200) {
  return {status, "application/json", json::serialize(value) + "\n"};
}

/// Whoever asked may use the answer again.
web::Response for_a_minute(web::Response response) {
  response.fields.push_back({"Cache-Control", "private, max-age=60"});
  return response;
}

web::Response unauthorized(std::string_view words) {
  auto response = web::error_response(401, words);
  response.fields.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

web::Response redirect(std::string_view path) {
  return {303, {}, {}, {{"Location", std::string(path)}}};
}

/// Not `Secure`: the demo is plain HTTP on loopback.
web::Field set_cookie(std::string_view name, std::string_view value, std::chrono::seconds lifetime) {
  return {"Set-Cookie", std::string(name) + "=" + std::string(value) +
                            "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(lifetime.count())};
}

/// An empty object where the body is no JSON object.
json::object parse_object(std::string_view body) {
  boost::system::error_code failed;
  json::value value = json::parse({body.data(), body.size()}, failed);
  if (failed || !value.is_object()) return {};
  return std::move(value.get_object());
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> parse_id(std::string_view text) {
  const auto number = base::parse_decimal(text);
  if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::string_view without_trailing_slash(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

/// The person whose id is the last segment of the path.
const Person* person_of(const web::Request& request) {
  const auto path = without_trailing_slash(request.path());
  const auto id = parse_id(path.substr(path.rfind('/') + 1));
  return id ? find_person(*id) : nullptr;
}

struct Credentials {
  std::string name;
  std::string password;
};

/// Nothing where the body is neither a form nor JSON.
std::optional<Credentials> credentials_of(const web::Request& request) {
  if (base::equals_ignoring_case(media_type(request), "application/json")) {
    const auto object = parse_object(request.body);
    const auto name = text_of(object, "username");
    return Credentials{name.empty() ? text_of(object, "email") : name, text_of(object, "password")};
  }
  if (!base::equals_ignoring_case(media_type(request), "application/x-www-form-urlencoded")) return std::nullopt;
  auto form = parse_form(request.body);
  return Credentials{form["username"].empty() ? form["email"] : form["username"], form["password"]};
}

}  // namespace

struct AuthService::Endpoint {
  std::string_view method;
  std::string_view path;  ///< ends in `/*` where one more segment follows
  web::Response (AuthService::*answer)(const web::Request&);

  bool matches(std::string_view asked) const {
    if (!path.ends_with("/*")) return asked == path;
    const auto folder = path.substr(0, path.size() - 1);
    return asked.size() > folder.size() && asked.starts_with(folder) &&
           asked.find('/', folder.size()) == std::string_view::npos;
  }
};

AuthService::AuthService(User user, std::string api_key, Tokens tokens)
    : user_(std::move(user)), api_key_(std::move(api_key)), tokens_(std::move(tokens)) {}

const AuthService::Endpoint* AuthService::find(std::string_view path, std::string_view method, std::string& allow) {
  static constexpr std::array<Endpoint, 10> kEndpoints{{
      {"GET", "/login", &AuthService::show_login},
      // Where a browser stands after a wrong password, and comes back to.
      {"GET", "/api/v1/users/login", &AuthService::show_login},
      {"POST", "/api/v1/users/login", &AuthService::log_in},
      {"POST", "/logout", &AuthService::log_out},
      {"POST", "/api/v1/users/token/refresh", &AuthService::refresh},
      {"GET", "/api/v1/users/token/validate", &AuthService::validate},
      {"GET", "/api/v1/tts/user-info/*", &AuthService::one_user},
      {"POST", "/api/v1/tts/users-info", &AuthService::several_users},
      {"GET", "/api/v1/tts/round-robin", &AuthService::round_robin},
      {"GET", "/api/v1/hdts/employees/internal/*", &AuthService::employee},
  }};
  for (const Endpoint& endpoint : kEndpoints) {
    if (!endpoint.matches(path)) continue;
    if (endpoint.method == method || (endpoint.method == "GET" && method == "HEAD")) return &endpoint;
    if (!allow.empty()) allow += ", ";
    allow += endpoint.method == "GET" ? "GET, HEAD" : endpoint.method;
  }
  return nullptr;
}

web::Response AuthService::answer(const web::Request& request) {
  std::string allow;
  const Endpoint* endpoint = find(without_trailing_slash(request.path()), request.method, allow);
  if (endpoint != nullptr) return (this->*endpoint->answer)(request);
  if (allow.empty()) return web::error_response(404, "Not found");
  auto refusal = web::error_response(405, "Method not allowed");
  refusal.fields.push_back({"Allow", allow});
  return refusal;
}

std::string AuthService::make_access() const {
  return tokens_.make_access(demo_person());
}

web::Response AuthService::show_login(const web::Request&) {
  return login_page(user_);
}

web::Response AuthService::log_in(const web::Request& request) {
  if (comes_from_another_site(request)) return web::error_response(403, "Forbidden");
  const auto credentials = credentials_of(request);
  if (!credentials) return web::error_response(415, "Unsupported media type");
  const bool is_json = base::equals_ignoring_case(media_type(request), "application/json");
  if (!knows(credentials->name, credentials->password)) {
    if (!is_json && web::prefers_html(request.find("Accept"))) return login_page(user_, 401);
    return web::error_response(401, "Invalid username or password");
  }
  const auto access = tokens_.make_access(demo_person());
  const auto refresh = tokens_.make_refresh(demo_person());
  auto response = is_json ? json_response(json::object{{"access", access}, {"refresh", refresh}}) : redirect("/");
  response.fields.push_back(set_cookie(kAccessCookie, access, Tokens::kAccessLifetime));
  response.fields.push_back(set_cookie(kRefreshCookie, refresh, Tokens::kRefreshLifetime));
  return response;
}

web::Response AuthService::log_out(const web::Request& request) {
  if (comes_from_another_site(request)) return web::error_response(403, "Forbidden");
  if (const auto token = find_cookie(request, kRefreshCookie)) tokens_.end_session(*token);
  auto response = web::prefers_html(request.find("Accept")) ? redirect("/login")
                                                            : json_response(json::object{{"detail", "Logged out"}});
  response.fields.push_back(set_cookie(kAccessCookie, "", std::chrono::seconds(0)));
  response.fields.push_back(set_cookie(kRefreshCookie, "", std::chrono::seconds(0)));
  return response;
}

web::Response AuthService::refresh(const web::Request& request) {
  if (comes_from_another_site(request)) return web::error_response(403, "Forbidden");
  std::string token = text_of(parse_object(request.body), "refresh");
  if (token.empty()) token = find_cookie(request, kRefreshCookie).value_or("");
  if (token.empty()) return unauthorized("Authentication required");
  const Person* person = tokens_.verify_refresh(token);
  if (person == nullptr) return unauthorized("Invalid token");
  const auto access = tokens_.make_access(*person);
  auto response = json_response(json::object{{"access", access}});
  response.fields.push_back(set_cookie(kAccessCookie, access, Tokens::kAccessLifetime));
  return response;
}

web::Response AuthService::validate(const web::Request& request) {
  const auto caller = caller_of(request);
  if (!caller) {
    auto refusal = json_response(json::object{{"valid", false}, {"error", "Invalid token"}}, 401);
    refusal.fields.push_back({"WWW-Authenticate", "Bearer"});
    return refusal;
  }
  return for_a_minute(json_response(json::object{{"valid", true},
                                                 {"user_id", caller->user_id},
                                                 {"user_type", caller->user_type},
                                                 {"email", caller->email},
                                                 {"exp", caller->expires.time_since_epoch().count()}}));
}

web::Response AuthService::one_user(const web::Request& request) {
  if (auto refused = refusal(request)) return std::move(*refused);
  const Person* person = person_of(request);
  return person == nullptr ? web::error_response(404, "User not found")
                           : for_a_minute(json_response(user_info(*person)));
}

web::Response AuthService::several_users(const web::Request& request) {
  if (auto refused = refusal(request)) return std::move(*refused);
  const auto object = parse_object(request.body);
  const json::value* ids = object.if_contains("user_ids");
  if (ids == nullptr || !ids->is_array()) return web::error_response(400, "user_ids must be a list");
  if (ids->get_array().size() > kBatchMax) return web::error_response(400, "At most 100 user_ids at a time");
  json::array users;
  for (const json::value& id : ids->get_array()) {
    std::optional<std::int64_t> number;
    if (id.is_int64()) number = id.get_int64();
    if (id.is_string()) number = parse_id({id.get_string().data(), id.get_string().size()});
    const Person* person = number ? find_person(*number) : nullptr;
    if (person != nullptr) users.push_back(user_info(*person));
  }
  return for_a_minute(json_response(std::move(users)));
}

web::Response AuthService::round_robin(const web::Request& request) {
  if (auto refused = refusal(request)) return std::move(*refused);
  auto query = parse_form(request.query());
  if (query["system"].empty() || query["role"].empty()) return web::error_response(400, "system and role are required");
  json::array ids;
  for (const std::int64_t id : on_rota(query["system"], query["role"])) ids.emplace_back(id);
  return json_response(json::object{{"user_ids", std::move(ids)}});
}

web::Response AuthService::employee(const web::Request& request) {
  switch (api_key_of(request)) {
    case ApiKey::Missing:
      return web::error_response(401, "API key required");
    case ApiKey::Wrong:
      return web::error_response(403, "Invalid API key");
    case ApiKey::Right:
      break;
  }
  const Person* person = person_of(request);
  return person == nullptr ? web::error_response(404, "Employee not found") : json_response(employee_info(*person));
}

bool AuthService::knows(std::string_view name, std::string_view password) const {
  // Both are compared whatever the first says, so that the time does not tell which of them was wrong.
  const bool name_fits = base::equal_in_constant_time(name, user_.name);
  const bool email_fits = base::equal_in_constant_time(name, demo_person().email);
  const bool password_fits = base::equal_in_constant_time(password, user_.password);
  return static_cast<unsigned>(name_fits | email_fits) & static_cast<unsigned>(password_fits);
}

AuthService::ApiKey AuthService::api_key_of(const web::Request& request) const {
  const auto key = request.find("X-API-Key");
  if (!key || key->empty()) return ApiKey::Missing;
  return base::equal_in_constant_time(*key, api_key_) ? ApiKey::Right : ApiKey::Wrong;
}

std::optional<AccessClaims> AuthService::caller_of(const web::Request& request) {
  auto token = find_cookie(request, kAccessCookie);
  if (!token) token = find_bearer(request);
  return token ? tokens_.verify_access(*token) : std::nullopt;
}

std::optional<web::Response> AuthService::refusal(const web::Request& request) {
  switch (api_key_of(request)) {
    case ApiKey::Right:
      return std::nullopt;
    case ApiKey::Wrong:
      return web::error_response(403, "Invalid API key");
    case ApiKey::Missing:
      break;
  }
  if (caller_of(request)) return std::nullopt;
  const bool has_token = find_cookie(request, kAccessCookie) || find_bearer(request);
  return unauthorized(has_token ? "Invalid token" : "Authentication required");
}

}  // namespace sidegate::demo
