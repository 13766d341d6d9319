#include "endpoint.hpp"

#include "credential.hpp"
#include "text_codec.hpp"

#include <sidegate/base/text.hpp>

#include <string>

namespace sidegate::authority {

using base::Message;
using base::OrMessage;
using base::Secret;
using Kind = config::SendAs::Kind;

OrMessage<Url> endpoint_url(std::string_view text, const config::Endpoint& endpoint) {
  auto url = parse_url(text);
  if (!url) return url;
  if (const auto allowed = check_scheme(*url, endpoint.allow_http, Danger::TokensAreRead); !allowed) {
    return allowed.error();
  }
  const auto literal = base::IpAddress::parse(url->address.host);
  if (literal) {
    if (const auto fine = check_address(*literal); !fine) return fine.error();
  }
  return url;
}

Secret token_line(const config::SendAs& send_as, std::string_view token) {
  switch (send_as.kind) {
    case Kind::Cookie:
      return cookie_line(send_as.name, token);
    case Kind::Bearer:
      return bearer_line(send_as.name, token);
    case Kind::Form:
    case Kind::None:
      break;
  }
  return {};
}

bool can_send(const config::SendAs& send_as, std::string_view token) noexcept {
  switch (send_as.kind) {
    case Kind::Cookie:
      return is_cookie_value(token);
    case Kind::Bearer:
      return is_visible(token);
    case Kind::Form:
    case Kind::None:
      break;  // a form holds anything
  }
  return true;
}

OrMessage<void> check_headers(const config::SendAs& send_as, const config::OwnCredential& credential) {
  using Own = config::OwnCredential::Kind;
  if (credential.kind == Own::None || send_as.kind == Kind::None || send_as.kind == Kind::Form) return {};
  const std::string_view theirs = send_as.kind == Kind::Cookie ? "Cookie" : std::string_view(send_as.name);
  const std::string_view own = credential.kind == Own::ApiKey ? std::string_view(credential.name) : "Authorization";
  if (!base::equals_ignoring_case(theirs, own)) return {};
  return Message{"`credential` and `send_as` are in the same header, " + std::string(own)};
}

}  // namespace sidegate::authority
