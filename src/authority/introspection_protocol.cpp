#include "introspection_protocol.hpp"

#include "credential.hpp"
#include "endpoint.hpp"
#include "json_text.hpp"
#include "text_codec.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/json_reader.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;
using base::Reason;
using base::Secret;
using base::UnixTime;
using Method = config::ClientAuthentication::Method;

constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The two are form-encoded first (RFC 6749 section 2.3.1).
Secret basic_client(const config::ClientAuthentication& client) {
  std::string id;
  append_form(id, client.id);
  std::string secret;
  secret.reserve(3 * client.secret.secret.size());
  append_form(secret, client.secret.secret.reveal());
  auto line = basic_line(id, secret);
  base::wipe(secret);
  return line;
}

OrMessage<Secret> client_lines(const config::ClientAuthentication& client) {
  if (client.method == Method::Basic) return basic_client(client);
  if (client.method != Method::Bearer) return Secret();
  const auto token = client.secret.secret.reveal();
  if (token.empty() || !is_visible(token)) return Message{"the client's token is empty, or holds what no header can"};
  return bearer_line("Authorization", token);
}

/// Whether the token is meant for something else than requests. A server may look for it among all kinds that it has
/// (RFC 7662 section 2.1), and many say which it is, each in a word of its own.
bool is_no_access_token(const boost::json::object& claims) {
  for (const auto* const member : {"token_type", "typ", "token_use"}) {
    const auto* const value = claims.if_contains(member);
    if (value == nullptr || !value->is_string()) continue;
    for (const auto* const other : {"refresh_token", "refresh", "offline", "id_token", "id"}) {
      if (base::equals_ignoring_case(value->get_string(), other)) return true;
    }
  }
  return false;
}

}  // namespace

OrMessage<IntrospectionProtocol> IntrospectionProtocol::create(const config::TokenService& settings) {
  auto url = endpoint_url(settings.endpoint.url, settings.endpoint);
  if (!url) return url.error();
  IntrospectionProtocol protocol(settings, std::move(*url));
  const auto& client = settings.client;
  if (client.method == Method::PrivateKeyJwt) {
    auto assertion = ClientAssertion::create(client.secret.secret.reveal(), client.id, settings.endpoint.url);
    if (!assertion) return assertion.error();
    protocol.assertion_.emplace(std::move(*assertion));
  }
  auto lines = client_lines(client);
  if (!lines) return lines.error();
  protocol.own_ = std::move(*lines);
  return {boost::system::in_place_value, std::move(protocol)};
}

OrMessage<Request> IntrospectionProtocol::request(std::string_view token, UnixTime now) const {
  Secret assertion;
  if (assertion_) {
    auto made = assertion_->make(now);
    if (!made) return made.error();
    assertion = std::move(*made);
  }
  Request request{.method = "POST", .url = url_, .fields = own_};
  request.content_type = "application/x-www-form-urlencoded";
  request.body = form(token, assertion.reveal());
  return {boost::system::in_place_value, std::move(request)};
}

Secret IntrospectionProtocol::form(std::string_view token, std::string_view assertion) const {
  const auto& client = settings_.client;
  const auto secret = client.secret.secret.reveal();
  std::string body;
  body.reserve(256 + 3 * (token.size() + client.id.size() + secret.size()) + assertion.size());
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!body.empty()) body += '&';
    body += name;
    body += '=';
    append_form(body, value);
  };
  add("token", token);
  add("token_type_hint", "access_token");
  if (client.method == Method::Form) {
    add("client_id", client.id);
    add("client_secret", secret);
  }
  if (client.method == Method::PrivateKeyJwt) {
    add("client_assertion_type", kAssertionType);
    add("client_assertion", assertion);
  }
  return Secret(std::move(body));
}

Reading IntrospectionProtocol::read(const HttpAnswer& answer, std::string_view token, UnixTime now) const {
  if (answer.status == 401) return Message{"answered 401: it does not accept `client`"};
  if (answer.status != 200 || !check_coding(answer)) return unexpected(answer);
  auto claims = token::JsonReader().read_object(answer.body);
  if (!claims) return Message{"the answer is no JSON object, or has a member twice"};
  const auto* const active = claims->if_contains("active");
  if (active == nullptr || !active->is_bool()) return Message{"\"active\" in the answer is neither true nor false"};
  if (!active->get_bool() || is_no_access_token(*claims)) return no(Reason::Rejected);

  token::ClaimRules rules;
  rules.audience = settings_.audience;
  rules.require_claims.clear();
  auto validity = token::check_claims(*claims, rules, now);
  if (!validity && validity.error() == Reason::Malformed) {
    return Message{"the answer names a moment or an audience that cannot be read"};
  }
  // RFC 7662 section 2.2: "aud" need not be there, but then nobody says that the token is for us.
  if (!validity) return no(validity.error() == Reason::MissingClaim ? Reason::WrongAudience : validity.error());
  if (const auto* const expiry = find_member(*claims, settings_.expiry)) {
    const auto moment = read_moment(*expiry);
    if (!moment) return Message{"the answer names a moment that cannot be read"};
    validity->until = std::min(validity->until, *moment);
  }
  validity->until = std::min(validity->until, own_expiry(token).value_or(UnixTime::max()));
  std::string subject;
  if (!read_subject(*claims, settings_.subject, subject)) return no(Reason::MissingClaim);
  return yes_between(*validity, now, std::move(subject), std::move(*claims));
}

}  // namespace sidegate::authority
