#include <sidegate/token/claims.hpp>
#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/jwt_verifier.hpp>

#include "secret_check.hpp"

#include <algorithm>
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
    for (const config::Key& key : settings.keys) add_key(key, diagnostics);
  }

  void add_key(const config::Key& key, config::Diagnostics& diagnostics) {
    check_secret(key, algorithms, diagnostics);
    if (!diagnostics.ok()) return;
    if (const auto added = signatures.add_key({key.secret.secret, {}, {}, key.until}); !added) {
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
                                              boost::json::storage_ptr storage) {
  const auto signature = state_->signatures.verify(token, now);
  if (!signature) return signature.error();
  auto claims = state_->reader.read_object(signature->payload, std::move(storage));
  if (!claims) return claims.error();
  const auto end = check_claims(*claims, state_->rules, now);
  if (!end) return end.error();
  return VerifiedJwt{std::move(*claims), std::min(*end, signature->expires)};
}

}  // namespace sidegate::token
