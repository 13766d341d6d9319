#include "key_ring.hpp"

#include <sidegate/token/inspection.hpp>

#include <algorithm>

namespace sidegate::token {

base::OrMessage<void> KeyRing::add(const KeyMaterial& key, AlgorithmSet algorithms, std::size_t origin) {
  const AlgorithmSet fitting = algorithms_for(key) & algorithms;
  if (fitting.empty()) return base::Message{explain_misfit(key, algorithms)};
  for (const Algorithm algorithm : kAlgorithms) {
    if (!fitting.contains(algorithm)) continue;
    auto ready = VerificationKey::create(algorithm, key);
    if (!ready) return ready.error();
    entries_.push_back({key.id, key.label, key.until.value_or(base::UnixTime::max()), origin, std::move(*ready)});
  }
  return {};
}

void KeyRing::remove(std::size_t origin) {
  std::erase_if(entries_, [origin](const Entry& entry) { return entry.origin == origin; });
}

bool KeyRing::knows(std::string_view key_id) const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [key_id](const Entry& entry) { return entry.id == key_id; });
}

std::optional<base::UnixTime> KeyRing::verify(Algorithm algorithm, std::string_view key_id, std::string_view message,
                                              std::string_view signature, base::UnixTime now, CheckList* checks) {
  const bool by_id = !key_id.empty() && std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.fits(algorithm, now) && entry.id == key_id;
  });
  for (Entry& entry : entries_) {
    if (!entry.fits(algorithm, now) || (by_id && entry.id != key_id)) continue;
    if (!entry.key.verify(message, signature)) continue;
    pass(checks, CheckName::Signature, [&] { return "made by " + entry.label; });
    return entry.until;
  }
  note(checks, CheckName::Signature, false, [&] {
    const std::string keys = describe_keys(algorithm, now);
    return keys.empty() ? std::string("there is no key to check it with") : "made by none of " + keys;
  });
  return std::nullopt;
}

std::string KeyRing::describe_keys(Algorithm algorithm, base::UnixTime now) const {
  std::string text;
  for (const Entry& entry : entries_) {
    if (entry.key.algorithm() != algorithm) continue;
    if (!text.empty()) text += ", ";
    text += entry.label;
    if (now >= entry.until) text += ", which is not used since " + time_in_words(entry.until, now);
  }
  return text;
}

}  // namespace sidegate::token
