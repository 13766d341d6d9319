#include "remote_protocol.hpp"

#include "credential.hpp"
#include "endpoint.hpp"
#include "json_text.hpp"
#include "text_codec.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/token/subject.hpp>
#include <sidegate/token/unverified_claims.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sidegate::authority {
namespace {

namespace json = boost::json;
using base::Message;
using base::OrMessage;
using base::Reason;
using base::Secret;
using base::UnixTime;
using Kind = config::SendAs::Kind;

/// RFC 8259 section 2.
constexpr std::string_view kJsonBlanks = " \t\r\n";
/// The same, section 8.1: it may be passed over.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view media_type(const HttpAnswer& answer) {
  const std::string_view type = answer.content_type;
  return base::trim_blanks(type.substr(0, type.find(';')));
}

/// RFC 6839 section 3.1.
bool is_json_type(std::string_view type) {
  const std::string lower = base::lower_case(type);
  return lower == "application/json" || lower == "text/json" || lower.ends_with("+json");
}

/// Some call it text, and yet it may be a no.
bool is_json(std::string_view type, std::string_view body) {
  return is_json_type(type) || body.starts_with('{') || body.starts_with("false");
}

/// What many frameworks call HTML, unless they are told otherwise, is no page where it is empty, or JSON.
bool is_page(std::string_view type, std::string_view body) {
  const bool is_html =
      base::equals_ignoring_case(type, "text/html") || base::equals_ignoring_case(type, "application/xhtml+xml");
  return body.starts_with('<') || (is_html && !body.empty() && !is_json(type, body));
}

/// What the service says in so many words: nothing where it does not, and a message where it is no boolean.
OrMessage<std::optional<bool>> stated(const json::object& object) {
  std::optional<bool> verdict;
  for (const auto* const name : {"valid", "active"}) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr) continue;
    if (!value->is_bool()) return Message{std::string("\"") + name + "\" in the answer is neither true nor false"};
    verdict = verdict.value_or(true) && value->get_bool();
  }
  return verdict;
}

/// Whether it says no anywhere; a message where that cannot be told.
OrMessage<bool> is_refusal(const json::object& object) {
  const auto outside = stated(object);
  if (!outside) return outside.error();
  const json::value* const data = object.if_contains("data");
  const auto inside = data != nullptr && data->is_object() ? stated(data->get_object()) : outside;
  if (!inside) return inside.error();
  return !outside->value_or(true) || !inside->value_or(true);
}

/// A moment that the answer may name; a message where it cannot be read.
OrMessage<std::optional<UnixTime>> moment_of(const json::object& claims, std::string_view name) {
  const json::value* const value = find_member(claims, name);
  if (value == nullptr) return std::optional<UnixTime>{};
  const auto moment = read_moment(*value);
  if (!moment) return Message{"the answer names a moment that cannot be read"};
  return moment;
}

}  // namespace

OrMessage<RemoteProtocol> RemoteProtocol::create(const config::TokenService& settings) {
  if (settings.send_as.kind == Kind::None) return Message{"`send_as` says nothing, so that no token would be sent"};
  auto url = endpoint_url(settings.endpoint.url, settings.endpoint);
  if (!url) return url.error();
  if (const auto apart = check_headers(settings.send_as, settings.endpoint.credential); !apart) return apart.error();
  auto own = own_lines(settings.endpoint.credential);
  if (!own) return own.error();
  return RemoteProtocol(settings, std::move(*url), std::move(*own));
}

bool RemoteProtocol::can_send(std::string_view token) const noexcept {
  return authority::can_send(settings_.send_as, token);
}

Request RemoteProtocol::request(std::string_view token) const {
  Request request{.url = url_};
  request.fields = joined(own_, token_line(settings_.send_as, token));
  if (settings_.send_as.kind != Kind::Form) return request;
  std::string body;
  body.reserve(1 + 3 * (settings_.send_as.name.size() + token.size()));
  append_form(body, settings_.send_as.name);
  body += '=';
  append_form(body, token);
  request.method = "POST";
  request.content_type = "application/x-www-form-urlencoded";
  request.body = Secret(std::move(body));
  return request;
}

Reading RemoteProtocol::read(const HttpAnswer& answer, std::string_view token, UnixTime now) const {
  if (answer.status == 400 || answer.status == 401 || answer.status == 403) return no(Reason::Rejected);
  if (answer.status != 200 || !check_coding(answer)) return unexpected(answer);
  std::string_view body = answer.body;
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  body.remove_prefix(std::min(body.find_first_not_of(kJsonBlanks), body.size()));
  const auto type = media_type(answer);
  // A page where people log in is no yes, though it is a 200.
  if (is_page(type, body)) return Message{"answered with a page for people"};
  if (body.empty() || !is_json(type, body)) return read_token(token, now);
  auto value = read_json(body);
  if (!value) return Message{"the answer is no valid JSON, or has a member twice"};
  if (value->is_object()) return read_object(std::move(value->get_object()), token, now);
  if (const auto* const verdict = value->if_bool(); verdict != nullptr && !*verdict) return no(Reason::Rejected);
  if (value->is_number()) return Message{"the answer is a number, which is neither a yes nor a no"};
  return read_token(token, now);
}

Reading RemoteProtocol::read_object(json::object object, std::string_view token, UnixTime now) const {
  const auto refused = is_refusal(object);
  if (!refused) return refused.error();
  if (*refused) return no(Reason::Rejected);
  const auto outer = moment_of(object, settings_.expiry);
  if (!outer) return outer.error();
  json::value* const data = object.if_contains("data");
  const bool is_wrapped = data != nullptr && data->is_object();
  json::object claims = is_wrapped ? std::move(data->get_object()) : std::move(object);

  const auto from = moment_of(claims, "nbf");
  if (!from) return from.error();
  const auto until = moment_of(claims, settings_.expiry);
  if (!until) return until.error();
  std::string subject;
  if (!read_subject(claims, settings_.subject, subject)) return no(Reason::MissingClaim);
  const auto end = std::min({outer->value_or(UnixTime::max()), until->value_or(UnixTime::max()),
                             own_expiry(token).value_or(UnixTime::max())});
  return yes_between({from->value_or(UnixTime::min()), end}, now, std::move(subject), std::move(claims));
}

Reading RemoteProtocol::read_token(std::string_view token, UnixTime now) const {
  json::object claims;
  std::string subject;
  if (!token::has_jwt_form(token) || !token::UnverifiedClaims(token.size()).read(token, claims) ||
      !token::subject_of(claims, settings_.token_subject, subject)) {
    return no(Reason::MissingClaim);
  }
  const auto end = token::date_in(claims, "exp").value_or(UnixTime::max());
  return yes_between({UnixTime::min(), end}, now, std::move(subject), std::move(claims));
}

}  // namespace sidegate::authority
