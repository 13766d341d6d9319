#include "discovery.hpp"

#include <sidegate/token/json_reader.hpp>

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <optional>

namespace sidegate::authority {
namespace {

namespace json = boost::json;
using base::Message;
using base::OrMessage;

constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";

std::optional<std::string_view> text_of(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get_string();
}

}  // namespace

OrMessage<Url> discovery_url(const config::Issuer& issuer) {
  std::string_view url = issuer.url;
  if (url.ends_with('/')) url.remove_suffix(1);
  return parse_url(std::string(url).append(kWellKnown));
}

OrMessage<Url> read_discovery(std::string_view document, const config::Issuer& issuer) {
  const auto metadata = token::JsonReader().read_object(document);
  if (!metadata) return Message{"it is not valid JSON, or has a member twice"};
  const auto named = text_of(*metadata, "issuer");
  if (!named || *named != issuer.url) {
    return Message{"\"issuer\" in it is not this issuer; it must be the same text as `oidc_issuer`"};
  }
  const auto place = text_of(*metadata, "jwks_uri");
  if (!place) return Message{"it does not say where the keys are: \"jwks_uri\" is missing"};
  auto url = parse_url(*place);
  if (!url) return Message{"\"jwks_uri\" in it: " + url.error().text};
  const auto asked = parse_url(issuer.url);
  if (asked && asked->encrypted && !url->encrypted) return Message{"\"jwks_uri\" in it leads from https to http"};
  if (const auto allowed = check_scheme(*url, issuer.allow_http); !allowed) {
    return Message{"\"jwks_uri\" in it: " + allowed.error().text};
  }
  return url;
}

}  // namespace sidegate::authority
