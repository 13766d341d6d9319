#include "secret_check.hpp"

#include <sidegate/token/key_material.hpp>

#include <string>

namespace sidegate::token {
namespace {

/// Whether the key may come from the variables of the built-in sidecar, where there is no place for `allow_weak`.
bool may_come_from_environment(const config::SecretReference& secret, const config::Diagnostics& diagnostics) {
  return secret.where.line == 0 || diagnostics.file() == config::kEnvironmentFile ||
         (secret.kind == config::SecretReference::Kind::Environment && secret.name == "DJANGO_JWT_SIGNING_KEY");
}

std::string weakness(const config::SecretReference& secret, Algorithm algorithm, bool names_variable) {
  return "the secret is " + std::to_string(secret.secret.size()) + " bytes long, but " +
         std::string(name_of(algorithm)) + " needs at least " + std::to_string(hash_bytes(algorithm)) +
         " (RFC 7518 section 3.2); use a longer one, or accept the risk with `allow_weak: true` beside the secret" +
         (names_variable ? ", or, without a configuration file, with SIDEGATE_ALLOW_WEAK_SECRET=1" : "");
}

}  // namespace

void check_secret(const config::Key& key, AlgorithmSet algorithms, config::Diagnostics& diagnostics) {
  const config::SecretReference& secret = key.secret;
  if (secret.secret.empty()) {
    diagnostics.error(secret.where, "the secret is empty");
    return;
  }
  switch (form_of(secret.secret.reveal())) {
    case KeyForm::Pem:
      diagnostics.error(secret.where, "the secret is a PEM text; an HMAC secret is bytes that only the issuer knows");
      return;
    case KeyForm::Jwk:
      diagnostics.error(secret.where, "the secret is a JWK; give the bytes of its \"k\", not the JSON around them");
      return;
    case KeyForm::Raw:
      break;
  }
  if (key.allow_weak) return;
  // The longest hash asks for most, so one message says it all.
  for (auto algorithm = kAlgorithms.rbegin(); algorithm != kAlgorithms.rend(); ++algorithm) {
    if (!algorithms.contains(*algorithm)) continue;
    if (secret.secret.size() < hash_bytes(*algorithm)) {
      const bool names_variable = may_come_from_environment(secret, diagnostics);
      diagnostics.error(secret.where, weakness(secret, *algorithm, names_variable));
    }
    return;
  }
}

}  // namespace sidegate::token
