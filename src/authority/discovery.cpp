#include "discovery.hpp"

#include "json_text.hpp"

#include <sidegate/token/json_reader.hpp>

#include <boost/json/object.hpp>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;

constexpr std::string_view kWellKnown = "/.well-known/openid-configuration";

}  // namespace

OrMessage<Url> discovery_url(const config::Issuer& issuer) {
  std::string_view url = issuer.url;
  if (url.ends_with('/')) url.remove_suffix(1);
  return parse_url(std::string(url).append(kWellKnown));
}

OrMessage<Url> read_discovery(std::string_view document, const config::Issuer& issuer) {
  const auto metadata = token::JsonReader().read_object(document);
  if (!metadata) return Message{"it is not valid JSON, or has a member twice"};
  if (text_member(*metadata, "issuer") != issuer.url) {
    return Message{"\"issuer\" in it is not this issuer; it must be the same text as `oidc_issuer`"};
  }
  const auto place = text_member(*metadata, "jwks_uri");
  if (place.empty()) return Message{"it does not say where the keys are: \"jwks_uri\" is missing"};
  auto url = parse_url(place);
  if (!url) return Message{"\"jwks_uri\" in it: " + url.error().text};
  const auto asked = parse_url(issuer.url);
  if (asked && asked->encrypted && !url->encrypted) return Message{"\"jwks_uri\" in it leads from https to http"};
  if (const auto allowed = check_scheme(*url, issuer.allow_http); !allowed) {
    return Message{"\"jwks_uri\" in it: " + allowed.error().text};
  }
  return url;
}

}  // namespace sidegate::authority
