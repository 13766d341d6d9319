#include "secret_check.hpp"

#include <sidegate/token/key_material.hpp>

#include <algorithm>

namespace sidegate::token {
namespace {

/// Whether the key may come from the variables of the built-in sidecar, where there is no place for `allow_weak`.
bool may_come_from_environment(const config::SecretReference& secret, const config::Diagnostics& diagnostics) {
  return secret.where.line == 0 || diagnostics.file() == config::kEnvironmentFile ||
         (secret.kind == config::SecretReference::Kind::Environment && secret.name == "DJANGO_JWT_SIGNING_KEY");
}

}  // namespace

std::optional<std::string> find_weakness(const base::Secret& secret, AlgorithmSet algorithms) {
  // The longest hash asks for most, so one message says it all.
  const auto longest = std::find_if(kAlgorithms.rbegin(), kAlgorithms.rend(), [&](Algorithm algorithm) {
    return (algorithms & kHmacAlgorithms).contains(algorithm);
  });
  if (longest == kAlgorithms.rend() || secret.size() >= hash_bytes(*longest)) return std::nullopt;
  return "the secret is " + std::to_string(secret.size()) + " bytes long, but " + std::string(name_of(*longest)) +
         " needs at least " + std::to_string(hash_bytes(*longest)) +
         " (RFC 7518 section 3.2); use a longer one, or accept the risk with `allow_weak: true` beside the secret";
}

bool check_secret(const config::Key& key, AlgorithmSet algorithms, config::Diagnostics& diagnostics) {
  const config::SecretReference& secret = key.secret;
  const auto refuse = [&](std::string why) {
    diagnostics.error(secret.where, std::move(why));
    return false;
  };
  if (secret.secret.empty()) return refuse("the secret is empty");
  switch (form_of(secret.secret.reveal())) {
    case KeyForm::Pem:
      return refuse(
          "the secret is a PEM text; an HMAC secret is bytes that only the issuer knows. A public key is given as "
          "pem_file");
    case KeyForm::Jwk:
      return refuse(
          "the secret is a JWK; give the bytes of its \"k\", not the JSON around them, or the file as jwk_file");
    case KeyForm::Raw:
      break;
  }
  const auto weakness = key.allow_weak ? std::nullopt : find_weakness(secret.secret, algorithms);
  if (!weakness) return true;
  const bool names_variable = may_come_from_environment(secret, diagnostics);
  return refuse(*weakness +
                (names_variable ? ", or, without a configuration file, with SIDEGATE_ALLOW_WEAK_SECRET=1" : ""));
}

}  // namespace sidegate::token
