#include <sidegate/authority/issuer_check.hpp>

#include "tls.hpp"
#include "url.hpp"

namespace sidegate::authority {
namespace {

using base::IpAddress;
using base::OrMessage;

OrMessage<void> check_url(const config::Issuer& issuer) {
  const auto url = parse_url(issuer.url);
  if (!url) return url.error();
  if (auto allowed = check_scheme(*url, issuer.allow_http); !allowed) return allowed;
  const auto literal = IpAddress::parse(url->address.host);
  return literal ? check_address(*literal) : OrMessage<void>{};
}

void check_issuer(const config::Issuer& issuer, config::Diagnostics& diagnostics) {
  if (const auto fine = check_url(issuer); !fine) diagnostics.error(issuer.where, fine.error().text);
  if (!issuer.ca) return;
  const auto context = make_tls_context(issuer.ca->secret);
  if (!context) diagnostics.error(issuer.ca->where, context.error().text);
}

}  // namespace

void check_issuers(const config::Config& config, config::Diagnostics& diagnostics) {
  for (const auto& authenticator : config.authenticators) {
    for (const auto& key : authenticator.jwt.keys) {
      if (!key.issuer) continue;
      check_issuer(*key.issuer, diagnostics);
      const bool is_named = key.issuer->kind == config::Issuer::Kind::OidcIssuer;
      if (is_named && key.issuer->url != authenticator.jwt.issuer) {
        diagnostics.warning(key.issuer->where,
                            "\"issuer\" is another than this one, whose tokens usually name it as it stands here");
      }
    }
  }
}

}  // namespace sidegate::authority
