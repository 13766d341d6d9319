#include "session_protocol.hpp"

#include "credential.hpp"
#include "endpoint.hpp"
#include "json_text.hpp"
#include "text_codec.hpp"

#include <sidegate/base/text.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;
using base::Secret;
using inquiry::RenewedSession;

constexpr std::size_t kCookiesMax = 16;
constexpr std::size_t kCookieBytesMax = std::size_t{8} * 1024;

/// What the last of the fields that set this cookie gives it: that is what a browser keeps (RFC 6265 section 5.3).
std::string_view cookie_value(const HttpAnswer& answer, std::string_view name) {
  std::string_view value;
  for (const auto& field : answer.set_cookies) {
    const auto pair = std::string_view(field).substr(0, field.find(';'));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || base::trim_blanks(pair.substr(0, equals)) != name) continue;
    value = base::trim_blanks(pair.substr(equals + 1));
  }
  return value;
}

std::size_t memory_of(const RenewedSession& session) {
  std::size_t bytes = sizeof(RenewedSession) + session.access.size() + session.refresh.size();
  for (const auto& cookie : session.cookies) bytes += sizeof(Secret) + cookie.size();
  return bytes;
}

bool has_too_many_cookies(const HttpAnswer& answer) {
  const auto& cookies = answer.set_cookies;
  return cookies.size() > kCookiesMax || std::any_of(cookies.begin(), cookies.end(), [](const auto& cookie) {
           return cookie.size() > kCookieBytesMax;
         });
}

}  // namespace

OrMessage<SessionProtocol> SessionProtocol::create(const config::SessionRefresh& settings) {
  auto url = endpoint_url(settings.endpoint.url, settings.endpoint);
  if (!url) return url.error();
  const config::SendAs as_cookie{.kind = config::SendAs::Kind::Cookie, .name = settings.refresh_cookie};
  if (const auto apart = check_headers(as_cookie, settings.endpoint.credential); !apart) return apart.error();
  auto own = own_lines(settings.endpoint.credential);
  if (!own) return own.error();
  return SessionProtocol(settings, std::move(*url), std::move(*own));
}

bool SessionProtocol::can_send(std::string_view refresh_token) const noexcept {
  return is_cookie_value(refresh_token);
}

Request SessionProtocol::request(std::string_view refresh_token) const {
  std::string body;
  body.reserve(16 + 2 * refresh_token.size());
  body += "{\"refresh\":\"";
  base::append_json_escaped(body, refresh_token);
  body += "\"}";
  return {.method = "POST",
          .url = url_,
          .fields = joined(own_, cookie_line(settings_.refresh_cookie, refresh_token)),
          .content_type = "application/json",
          .body = Secret(std::move(body))};
}

Reading SessionProtocol::read(const HttpAnswer& answer, std::string_view refresh_token) const {
  if (answer.status == 400 || answer.status == 401 || answer.status == 403) return no(base::Reason::Rejected);
  const bool is_yes = answer.status == 200 || answer.status == 201;
  if (!is_yes || !check_coding(answer)) return unexpected(answer);
  if (has_too_many_cookies(answer)) return Message{"the answer sets more cookies, or larger ones, than are handed on"};

  const auto json = read_wrapped_object(answer.body, wiped_storage());
  const auto in_json = [&](std::string_view name) { return json ? text_member(*json, name) : std::string_view{}; };
  const auto access = cookie_value(answer, settings_.cookie);
  auto session = std::make_shared<RenewedSession>();
  session->sets_access = !access.empty();
  session->access = Secret(std::string(session->sets_access ? access : in_json("access")));
  if (session->access.empty()) return Message{"the answer holds no new token"};
  if (cookie_value(answer, settings_.refresh_cookie).empty() && in_json("refresh") != refresh_token) {
    session->refresh = Secret(std::string(in_json("refresh")));
  }
  for (const auto& cookie : answer.set_cookies) session->cookies.emplace_back(std::string(cookie));

  auto renewed = yes({}, {});
  renewed->claims.reset();
  renewed->bytes += memory_of(*session);
  renewed->session = std::move(session);
  return renewed;
}

}  // namespace sidegate::authority
