#include "outage_page.hpp"

#include "form.hpp"
#include "page.hpp"

#include <string_view>
#include <utility>

namespace sidegate::demo {
namespace {

constexpr std::string_view kPath = "/public/auth-service";
/// Where somebody goes whom the gateway knows already, and somebody whom it does not.
constexpr std::string_view kKnownCaller = "/session/hello";
constexpr std::string_view kNewcomer = "/newcomer/hello";

web::Response redirect(std::string_view path) {
  return {303, {}, {}, {{"Location", std::string(path)}}};
}

web::Response state_as_json(bool is_on) {
  return {200, "application/json", std::string(R"({"auth_service":")") + (is_on ? "running" : "stopped") + "\"}\n"};
}

std::string button(std::string_view action, std::string_view words) {
  return "<form method=\"post\" action=\"" + std::string(kPath) + "/" + std::string(action) +
         "\"><button type=\"submit\">" + std::string(words) + "</button></form>";
}

std::string frame(std::string_view title, std::string_view path) {
  return "<h2>" + std::string(title) + "</h2>\n<p>What Sidegate answers to <code>GET " + std::string(path) +
         "</code>:</p>\n<iframe title=\"" + std::string(title) + "\" src=\"" + std::string(path) + "\"></iframe>\n";
}

constexpr std::string_view kRunning =
    "<p class=\"state\">The Auth Service is running. Below <code>/session/</code> Sidegate asks it about every token "
    "that "
    "it does not know, and uses the answer for ten seconds.</p>\n";
constexpr std::string_view kStopped =
    "<p class=\"error\" role=\"status\">The Auth Service is stopped. Whom it has answered for goes on, for ten "
    "minutes. "
    "About anybody new nobody can tell: the answer is <strong>503, Auth service unavailable</strong>, which is neither "
    "a "
    "yes nor a no.</p>\n";

web::Response as_page(bool is_on) {
  std::string content = "<main>\n<p class=\"brand\">Sidegate demo · when the Auth Service is down</p>\n<h1>";
  content += is_on ? "The Auth Service is running" : "The Auth Service is down";
  content += "</h1>\n";
  content += is_on ? kRunning : kStopped;
  content += "<nav aria-label=\"The Auth Service\">";
  content += is_on ? button("stop", "Stop the Auth Service") : button("start", "Start it again");
  content += button("newcomer", "Come as somebody new") + "</nav>\n";
  content += frame("You, logged in", kKnownCaller) + frame("Somebody new", kNewcomer);
  content +=
      "<p>Log in first, and look at this page while the service runs: then Sidegate knows you. Each press of "
      "&ldquo;Come as somebody new&rdquo; is a token that it has not seen before.</p>\n"
      "<nav aria-label=\"Demo\"><a href=\"/login\">Log in</a><a href=\"/\">Protected page</a></nav>\n</main>\n";
  return page(200, is_on ? "The Auth Service is running" : "The Auth Service is down", content);
}

web::Response obey(const web::Request& request, std::string_view command, const ServiceSwitch& service) {
  if (comes_from_another_site(request)) return web::error_response(403, "Forbidden");
  const bool for_browser = web::prefers_html(request.find("Accept"));
  if (command == "stop") {
    service.turn_off();
  } else if (command == "start") {
    if (!service.turn_on()) return web::error_response(409, "Its port is taken by something else");
  } else {
    auto response = redirect(kPath);
    response.fields.push_back({"Set-Cookie", "newcomer_token=" + service.newcomer_token() +
                                                 "; Path=/newcomer; HttpOnly; SameSite=Lax; Max-Age=900"});
    return response;
  }
  return for_browser ? redirect(kPath) : state_as_json(service.is_on());
}

}  // namespace

std::optional<web::Response> answer_outage(const web::Request& request, const ServiceSwitch& service) {
  auto path = request.path();
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (!path.starts_with(kPath)) return std::nullopt;
  path.remove_prefix(kPath.size());
  if (path.empty()) {
    if (request.method != "GET" && request.method != "HEAD") return web::error_response(405, "Method not allowed");
    const bool is_on = service.is_on();
    return web::prefers_html(request.find("Accept")) ? as_page(is_on) : state_as_json(is_on);
  }
  if (path != "/stop" && path != "/start" && path != "/newcomer") return std::nullopt;
  if (request.method != "POST") return web::error_response(405, "Method not allowed");
  return obey(request, path.substr(1), service);
}

}  // namespace sidegate::demo
