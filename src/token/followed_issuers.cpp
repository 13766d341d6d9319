#include "followed_issuers.hpp"

#include <sidegate/token/check_list.hpp>

#include <algorithm>
#include <chrono>

namespace sidegate::token {

FollowedIssuers::FollowedIssuers(const std::vector<config::Key>& keys, IssuerBoard* board) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keys[i].issuer) continue;
    auto issuer = board != nullptr ? board->at(*keys[i].issuer) : std::make_shared<IssuerKeys>(*keys[i].issuer);
    issuers_.push_back(issuer);
    entries_.push_back({std::move(issuer), i, keys[i].until});
  }
}

bool FollowedIssuers::bring_keys_to(JwsVerifier& verifier) {
  bool changed = false;
  for (Entry& entry : entries_) {
    const auto version = entry.issuer->version();
    if (version == entry.version) [[likely]]
      continue;
    changed = true;
    entry.version = version;
    verifier.remove_keys(entry.origin);
    const auto keys = entry.issuer->keys();
    const std::string place =
        "keys[" + std::to_string(entry.origin) + "] (" + entry.issuer->settings().shown_url() + ")";
    for (KeyMaterial key : *keys) {
      key.until = entry.until;
      key.label = key.id.empty() ? place : place + " kid " + in_quotes(key.id);
      // One that fits none of the algorithms is for others.
      static_cast<void>(verifier.add_key(key, entry.origin));
    }
  }
  return changed;
}

bool FollowedIssuers::lack_keys() const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.version == 0; });
}

bool FollowedIssuers::owe_answer() const noexcept {
  return std::any_of(issuers_.begin(), issuers_.end(), [](const auto& issuer) { return issuer->owes_answer(); });
}

bool FollowedIssuers::may_ask() const noexcept {
  const auto now = std::chrono::steady_clock::now();
  return std::any_of(issuers_.begin(), issuers_.end(), [now](const auto& issuer) { return issuer->may_ask(now); });
}

}  // namespace sidegate::token
