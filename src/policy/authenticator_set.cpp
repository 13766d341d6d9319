#include "authenticator_set.hpp"

#include <algorithm>

namespace sidegate::policy {

AuthenticatorSet::AuthenticatorSet(const std::vector<config::Located<std::string>>& names,
                                   const config::Config& config) {
  for (std::size_t i = 0; i < config.authenticators.size(); ++i) {
    const auto is_named = [&](const auto& name) { return name.value == config.authenticators[i].name; };
    if (std::any_of(names.begin(), names.end(), is_named)) places_.push_back(i);
  }
}

bool AuthenticatorSet::contains(std::size_t authenticator) const noexcept {
  return std::find(places_.begin(), places_.end(), authenticator) != places_.end();
}

}  // namespace sidegate::policy
