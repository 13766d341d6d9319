#include "key_ring.hpp"

#include <algorithm>

namespace sidegate::token {

base::OrMessage<void> KeyRing::add(const KeyMaterial& key, AlgorithmSet algorithms) {
  if (key.secret.empty()) return base::Message{"the key is empty"};
  bool used = false;
  for (const Algorithm algorithm : kAlgorithms) {
    if (!algorithms.contains(algorithm) || key.algorithm.value_or(algorithm) != algorithm) continue;
    auto hmac = HmacKey::create(algorithm, key.secret.reveal());
    if (!hmac) return hmac.error();
    entries_.push_back({algorithm, key.id, key.until.value_or(base::UnixTime::max()), std::move(*hmac)});
    used = true;
  }
  if (!used && key.algorithm) return base::Message{"the key is for " + std::string(name_of(*key.algorithm)) + " only"};
  if (!used) return base::Message{"no algorithm is accepted"};
  return {};
}

std::optional<base::UnixTime> KeyRing::verify(Algorithm algorithm, std::string_view key_id, std::string_view message,
                                              std::string_view signature, base::UnixTime now) noexcept {
  const bool by_id = !key_id.empty() && std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.fits(algorithm, now) && entry.id == key_id;
  });
  for (Entry& entry : entries_) {
    if (!entry.fits(algorithm, now) || (by_id && entry.id != key_id)) continue;
    if (entry.key.verify(message, signature)) return entry.until;
  }
  return std::nullopt;
}

}  // namespace sidegate::token
