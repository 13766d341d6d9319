#include <sidegate/token/claims.hpp>
#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/jwt_verifier.hpp>

#include "secret_check.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace sidegate::token {
namespace {

AlgorithmSet compile_algorithms(const config::JwtAuthenticator& settings, config::Diagnostics& diagnostics) {
  AlgorithmSet algorithms;
  for (const auto& name : settings.algorithms) {
    if (auto algorithm = parse_algorithm(name.value)) {
      algorithms.insert(*algorithm);
    } else {
      diagnostics.error_about(name, std::move(algorithm.error().text));
    }
  }
  if (settings.algorithms.empty()) {
    const auto where = settings.keys.empty() ? config::Location{} : settings.keys.front().secret.where;
    diagnostics.error(where, "`algorithms` must name at least one algorithm, for example [HS256]");
  }
  return algorithms;
}

ClaimRules compile_claims(const config::JwtAuthenticator& settings) {
  return {settings.issuer, settings.audience, settings.leeway, settings.max_age, settings.require_claims};
}

/// What people call a key: where it stands, and where its secret comes from.
std::string label_of(const config::Key& key, std::size_t index) {
  using Kind = config::SecretReference::Kind;
  std::string place = "keys[" + std::to_string(index) + "]";
  switch (key.secret.kind) {
    case Kind::Environment:
      return place + " (env " + key.secret.name + ")";
    case Kind::File:
      return place + " (file " + key.secret.name + ")";
    case Kind::Plain:
      break;
  }
  return place;
}

}  // namespace

struct JwtVerifier::State {
  State(const config::JwtAuthenticator& settings, config::Diagnostics& diagnostics)
      : algorithms(compile_algorithms(settings, diagnostics)),
        signatures({algorithms, settings.type}),
        rules(compile_claims(settings)) {
    if (settings.keys.empty()) {
      const auto where = settings.algorithms.empty() ? config::Location{} : settings.algorithms.front().where;
      diagnostics.error(where, "`keys` must hold at least one key");
    }
    for (std::size_t i = 0; i < settings.keys.size(); ++i) {
      add_key(settings.keys[i], label_of(settings.keys[i], i), diagnostics);
    }
  }

  void add_key(const config::Key& key, std::string label, config::Diagnostics& diagnostics) {
    check_secret(key, algorithms, diagnostics);
    if (!diagnostics.ok()) return;
    if (const auto added = signatures.add_key({key.secret.secret, {}, {}, key.until, std::move(label)}); !added) {
      diagnostics.error(key.secret.where, added.error().text);
    }
  }

  AlgorithmSet algorithms;
  JwsVerifier signatures;
  ClaimRules rules;
  JsonReader reader;
};

JwtVerifier::JwtVerifier(const config::JwtAuthenticator& settings, config::Diagnostics& diagnostics)
    : state_(std::make_unique<State>(settings, diagnostics)) {}
JwtVerifier::~JwtVerifier() = default;
JwtVerifier::JwtVerifier(JwtVerifier&&) noexcept = default;
JwtVerifier& JwtVerifier::operator=(JwtVerifier&&) noexcept = default;

base::Result<VerifiedJwt> JwtVerifier::verify(std::string_view token, base::UnixTime now,
                                              boost::json::storage_ptr storage, CheckList* checks) {
  const auto signature = state_->signatures.verify(token, now, checks);
  if (!signature) return signature.error();
  auto claims = state_->reader.read_object(signature->payload, std::move(storage));
  if (!claims) {
    return fail(checks, CheckName::Claims, claims.error(), "the payload is not a JSON object, or has a member twice");
  }
  pass(checks, CheckName::Claims, "a JSON object");
  const auto end = check_claims(*claims, state_->rules, now, checks);
  if (!end) return end.error();
  return VerifiedJwt{std::move(*claims), std::min(*end, signature->expires)};
}

}  // namespace sidegate::token
