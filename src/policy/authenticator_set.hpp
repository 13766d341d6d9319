#pragma once

#include <sidegate/config/config.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace sidegate::policy {

/// Some of the configured authenticators, by their place among all of them.
class AuthenticatorSet {
 public:
  AuthenticatorSet(const std::vector<config::Located<std::string>>& names, const config::Config& config);

  bool contains(std::size_t authenticator) const noexcept;

 private:
  std::vector<std::size_t> places_;
};

}  // namespace sidegate::policy
