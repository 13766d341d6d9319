#include "verification_key.hpp"

namespace sidegate::token {

base::OrMessage<VerificationKey> VerificationKey::create(Algorithm algorithm, const KeyMaterial& key) {
  if (const auto* const pair = std::get_if<PublicKey>(&key.key)) {
    auto verifier = PublicKeyVerifier::create(algorithm, *pair);
    if (!verifier) return verifier.error();
    return VerificationKey(algorithm, std::move(*verifier));
  }
  const auto& secret = std::get<base::Secret>(key.key);
  if (secret.empty()) return base::Message{"the key is empty"};
  auto hmac = HmacKey::create(algorithm, secret.reveal());
  if (!hmac) return hmac.error();
  return VerificationKey(algorithm, std::move(*hmac));
}

bool VerificationKey::verify(std::string_view message, std::string_view signature) noexcept {
  if (auto* const hmac = std::get_if<HmacKey>(&key_)) return hmac->verify(message, signature);
  return std::get_if<PublicKeyVerifier>(&key_)->verify(message, signature);
}

}  // namespace sidegate::token
