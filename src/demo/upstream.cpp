#include "upstream.hpp"

#include "page.hpp"

#include <sidegate/base/text.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace sidegate::demo {
namespace {

constexpr std::size_t kShownOfCredential = 6;

std::string shortened(std::string_view credential) {
  // Of a short one even six characters would be too much.
  return std::string(credential.substr(0, std::min(kShownOfCredential, credential.size() / 4))) + "…";
}

std::string shortened_cookies(std::string_view cookies) {
  std::string shown;
  while (true) {
    const auto semicolon = cookies.find(';');
    const auto cookie = base::trim_blanks(cookies.substr(0, semicolon));
    const auto equals = cookie.find('=');
    if (!shown.empty()) shown += "; ";
    shown += equals == std::string_view::npos
                 ? shortened(cookie)
                 : std::string(cookie.substr(0, equals + 1)) + shortened(cookie.substr(equals + 1));
    if (semicolon == std::string_view::npos) return shown;
    cookies.remove_prefix(semicolon + 1);
  }
}

bool is_identity(std::string_view name) {
  const std::string lower = base::lower_case(name);
  return lower.starts_with("x-user-") || lower.starts_with("x-auth-");
}

std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  base::append_json_escaped(quoted, text);
  return quoted + '"';
}

/// Indented, since it is people with curl who read it.
web::Response as_json(const web::Request& request) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const web::Field& field : request.fields) {
    const std::string value = json_string(without_credentials(field.name, field.value));
    const auto known = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
      return base::equals_ignoring_case(header.first, field.name);
    });
    if (known == headers.end()) {
      headers.emplace_back(field.name, value);
    } else {
      known->second += ", " + value;
    }
  }
  std::string body = "{\n  \"method\": " + json_string(request.method) +
                     ",\n  \"target\": " + json_string(request.target) + ",\n  \"headers\": {";
  std::string_view separator = "\n";
  for (const auto& [name, values] : headers) {
    body += separator;
    body += "    " + json_string(name) + ": [" + values + "]";
    separator = ",\n";
  }
  body += headers.empty() ? "}" : "\n  }";
  body += ",\n  \"body_bytes\": " + std::to_string(request.body.size()) + "\n}\n";
  return {200, "application/json", std::move(body)};
}

constexpr std::string_view kKnownCaller =
    "<p>Sidegate verified your token before this request got here. It removed every identity header that came from "
    "outside, and then set its own: they are marked below, and this application can believe them.</p>\n";
constexpr std::string_view kUnknownCaller =
    "<p>This path is open to everyone, so Sidegate did not look at credentials. It still removed every identity header "
    "that came from outside: none can arrive here.</p>\n";

web::Response as_page(const web::Request& request) {
  const bool known_caller = request.find("X-User-Id").has_value();
  std::string content = "<main>\n<p class=\"brand\">Sidegate demo · the application behind the gate</p>\n<h1>";
  if (const auto id = request.find("X-User-Id")) {
    content += "Hello, user " + escape_html(*id);
  } else {
    content += "Hello, whoever you are";
  }
  content += "</h1>\n";
  content += known_caller ? kKnownCaller : kUnknownCaller;
  content +=
      "<p>The request: <code>" + escape_html(request.method) + " " + escape_html(request.target) + "</code>, " +
      std::to_string(request.body.size()) +
      " bytes of body.</p>\n<h2>Headers</h2>\n"
      "<table>\n<caption>As they reached this application; tokens and cookies are shortened here only.</caption>\n"
      "<thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Value</th></tr></thead>\n<tbody>\n";
  for (const web::Field& field : request.fields) {
    const bool identity = is_identity(field.name);
    content += identity ? "<tr class=\"identity\">" : "<tr>";
    content += "<th scope=\"row\">" + escape_html(field.name);
    if (identity) content += "<span class=\"note\">identity, set by Sidegate</span>";
    content += "</th><td>" + escape_html(without_credentials(field.name, field.value)) + "</td></tr>\n";
  }
  content +=
      "</tbody>\n</table>\n<nav aria-label=\"Demo\"><a href=\"/\">Protected page</a>"
      "<a href=\"/public/hello\">Public page</a><a href=\"/public/auth-service\">When the Auth Service is down</a>"
      "<a href=\"/login\">Log in</a>"
      "<form method=\"post\" action=\"/logout\"><button type=\"submit\">Log out</button></form></nav>\n</main>\n";
  return page(200, request.path(), content);
}

}  // namespace

std::string without_credentials(std::string_view name, std::string_view value) {
  const std::string lower = base::lower_case(name);
  if (lower == "cookie") return shortened_cookies(value);
  if (lower == "authorization" || lower == "proxy-authorization") {
    const auto space = value.find(' ');
    if (space == std::string_view::npos) return shortened(value);
    return std::string(value.substr(0, space + 1)) + shortened(base::trim_blanks(value.substr(space)));
  }
  const bool secret = lower.find("token") != std::string::npos || lower.find("api-key") != std::string::npos ||
                      lower.find("secret") != std::string::npos || lower.find("password") != std::string::npos;
  return secret ? shortened(value) : std::string(value);
}

web::Response show_request(const web::Request& request) {
  return web::prefers_html(request.find("Accept")) ? as_page(request) : as_json(request);
}

}  // namespace sidegate::demo
