#include <sidegate/token/claims.hpp>
#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/jwt_verifier.hpp>

#include <sidegate/token/token_digest.hpp>
#include "configured_keys.hpp"
#include "followed_issuers.hpp"
#include "verified_token_cache.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::UnixTime;
using Lack = JwsVerifier::Lack;

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
    const auto where = settings.keys.empty() ? config::Location{} : settings.keys.front().where();
    diagnostics.error(where, "`algorithms` must name at least one algorithm, for example [HS256]");
  }
  return algorithms;
}

ClaimRules compile_claims(const config::JwtAuthenticator& settings) {
  return {settings.issuer, settings.audience, settings.leeway, settings.max_age, settings.require_claims};
}

}  // namespace

struct JwtVerifier::State {
  State(const config::JwtAuthenticator& settings, config::Diagnostics& diagnostics, IssuerBoard* board)
      : algorithms(compile_algorithms(settings, diagnostics)),
        signatures({algorithms, settings.type}),
        rules(compile_claims(settings)),
        issuers(settings.keys, board) {
    if (settings.keys.empty()) {
      const auto where = settings.algorithms.empty() ? config::Location{} : settings.algorithms.front().where;
      diagnostics.error(where, "`keys` must hold at least one key");
    }
    add_configured_keys(settings, algorithms, signatures, diagnostics);
    if (settings.verified_cache.enabled()) {
      cache.emplace(settings.verified_cache.max_entries, settings.verified_cache.max_bytes);
    }
  }

  base::Result<VerifiedJwt> verify_anew(std::string_view token, UnixTime now, json::object& room, CheckList* checks) {
    const auto noted = checks != nullptr ? checks->size() : 0;
    const auto signature = signatures.verify(token, now, checks);
    if (!signature && signatures.last_lack() == Lack::Nothing) return signature.error();
    if (!signature) {
      const auto reason = refuse_for_lack(checks);
      // Asked in this order no key is missed that was published meanwhile.
      if (!bring_keys()) return reason;
      worth_asking = false;
      if (checks != nullptr) checks->erase(checks->begin() + static_cast<std::ptrdiff_t>(noted), checks->end());
      return verify_anew(token, now, room, checks);
    }
    auto claims = reader.read_object(signature->payload, room.storage());
    if (!claims) {
      return fail(checks, CheckName::Claims, claims.error(), "the payload is not a JSON object, or has a member twice");
    }
    pass(checks, CheckName::Claims, "a JSON object");
    room = std::move(*claims);
    auto validity = check_claims(room, rules, now, checks);
    if (!validity) return validity.error();
    validity->until = std::min(validity->until, signature->expires);
    return VerifiedJwt{&room, *validity};
  }

  /// Takes the keys that are published now; whether they are others. A key that has gone must not live on in the cache.
  bool bring_keys() {
    if (issuers.empty() || !issuers.bring_keys_to(signatures)) return false;
    if (cache) cache->clear();
    return true;
  }

  /// No key made the signature. Where an issuer may have one that is not known here, nobody can say that it is wrong.
  base::Reason refuse_for_lack(CheckList* checks) {
    const auto lack = signatures.last_lack();
    const bool unanswered = issuers.lack_keys();
    if (issuers.empty() || (lack == Lack::Signer && !unanswered)) return base::Reason::BadSignature;
    worth_asking = issuers.may_ask();
    const bool unknown = unanswered || issuers.owe_answer() || lack == Lack::Keys;
    if (checks != nullptr) {
      const std::string_view answer = unknown ? "the issuer does not answer" : "the issuer has no other";
      checks->back().detail += "; ";
      checks->back().detail += worth_asking ? std::string_view("the issuer would be asked for its keys") : answer;
    }
    return unknown ? base::Reason::Unavailable : base::Reason::BadSignature;
  }

  AlgorithmSet algorithms;
  JwsVerifier signatures;
  ClaimRules rules;
  FollowedIssuers issuers;
  bool worth_asking = false;
  JsonReader reader;
  TokenDigest digest;
  std::optional<VerifiedTokenCache> cache;
  std::optional<base::CacheResult> last_lookup;
};

JwtVerifier::JwtVerifier(const config::JwtAuthenticator& settings, config::Diagnostics& diagnostics,
                         IssuerBoard* issuers)
    : state_(std::make_unique<State>(settings, diagnostics, issuers)) {}
JwtVerifier::~JwtVerifier() = default;
JwtVerifier::JwtVerifier(JwtVerifier&&) noexcept = default;
JwtVerifier& JwtVerifier::operator=(JwtVerifier&&) noexcept = default;

base::Result<VerifiedJwt> JwtVerifier::verify(std::string_view token, UnixTime now, json::object& room,
                                              CheckList* checks) {
  State& state = *state_;
  state.last_lookup.reset();
  state.worth_asking = false;
  state.bring_keys();
  const auto digest = state.cache && checks == nullptr ? state.digest.of(token) : std::nullopt;
  if (!digest) return state.verify_anew(token, now, room, checks);
  if (const auto kept = state.cache->find(*digest, now)) {
    state.last_lookup = base::CacheResult::Hit;
    return *kept;
  }
  state.last_lookup = base::CacheResult::Miss;
  auto verified = state.verify_anew(token, now, room, nullptr);
  if (verified) state.cache->keep(*digest, *verified);
  return verified;
}

std::optional<base::CacheResult> JwtVerifier::last_lookup() const noexcept {
  return state_->last_lookup;
}

std::span<const std::shared_ptr<IssuerKeys>> JwtVerifier::worth_asking() const noexcept {
  if (!state_->worth_asking) return {};
  return state_->issuers.all();
}

std::size_t JwtVerifier::cache_entries() const noexcept {
  return state_->cache ? state_->cache->size() : 0;
}

void JwtVerifier::empty_cache() noexcept {
  if (state_->cache) state_->cache->clear();
}

}  // namespace sidegate::token
