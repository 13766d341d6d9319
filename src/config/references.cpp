#include <sidegate/config/address.hpp>

#include "cursor.hpp"
#include "readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace sidegate::config {
namespace {

template <class Named>
std::vector<std::string> names_of(const std::vector<Named>& all) {
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const Named& each : all) names.push_back(each.name);
  return names;
}

/// A name that is spoken of must exist; nothing is said where none of its kind exist, which is reported already.
class NameCheck {
 public:
  NameCheck(std::string_view kind, std::vector<std::string> known, Diagnostics& diagnostics)
      : kind_(kind), known_(std::move(known)), diagnostics_(diagnostics) {}

  void use(const Located<std::string>& name) {
    used_.insert(name.value);
    mention(name);
  }
  /// As `use`, but what is only spoken of is not used by it.
  void mention(const Located<std::string>& name) {
    if (known_.empty() || std::find(known_.begin(), known_.end(), name.value) != known_.end()) return;
    diagnostics_.error(name.where,
                       fmt::format("no {} is called {}{}", kind_, shown(name.value), did_you_mean(name.value, known_)));
  }
  bool is_used(const std::string& name) const { return used_.contains(name); }

 private:
  std::string_view kind_;
  std::vector<std::string> known_;
  Diagnostics& diagnostics_;
  std::set<std::string> used_;
};

/// A route without `listener` stands on every listener that no route names.
void check_listeners(const Config& config, Diagnostics& diagnostics) {
  NameCheck listeners("listener", names_of(config.listeners), diagnostics);
  for (const Route& route : config.routes) {
    if (route.listener) listeners.use(*route.listener);
  }
  const auto is_free = [&listeners](const Listener& each) { return !listeners.is_used(each.name); };
  const bool any_free = std::any_of(config.listeners.begin(), config.listeners.end(), is_free);
  for (const Route& route : config.routes) {
    if (route.listener || any_free || config.listeners.empty()) continue;
    diagnostics.error(route.where, "this route names no listener, and other routes name all of them for themselves");
  }
}

void warn_of_idle_listeners(const Config& config, Diagnostics& diagnostics) {
  for (const Listener& listener : config.listeners) {
    const auto stands_here = [&listener](const Route& route) {
      return !route.listener || route.listener->value == listener.name;
    };
    if (std::none_of(config.routes.begin(), config.routes.end(), stands_here)) {
      diagnostics.warning(listener.where, "no route stands on this listener: every request to it is answered 404");
    }
  }
}

void check_addresses(const Config& config, Diagnostics& diagnostics) {
  struct Taken {
    std::string name;
    Address address;
    Location where;
  };
  std::vector<Taken> all;  // admin and health have been compared by their reader, which knows where they stand
  all.push_back({"admin", config.admin.address, {}});
  if (config.health) all.push_back({"health", config.health->address, {}});
  const std::size_t first_listener = all.size();
  for (const Listener& listener : config.listeners) {
    // What could not be read has been reported.
    const bool is_read = !listener.address.host.empty() || listener.address.kind == Address::Kind::Unix;
    if (is_read) all.push_back({fmt::format("listener {}", listener.name), listener.address, listener.where});
  }
  for (std::size_t later = first_listener; later < all.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (!collide(all[earlier].address, all[later].address)) continue;
      diagnostics.error(all[later].where,
                        fmt::format("the address {} is taken already: {} has {}", all[later].address.text(),
                                    all[earlier].name, all[earlier].address.text()));
      break;
    }
  }
}

const Authenticator* find_authenticator(const Config& config, const std::string& name) {
  const auto is_it = [&name](const Authenticator& each) { return each.name == name; };
  const auto found = std::find_if(config.authenticators.begin(), config.authenticators.end(), is_it);
  return found == config.authenticators.end() ? nullptr : &*found;
}

bool is_among(const std::string& name, const std::vector<Located<std::string>>& names) {
  return std::any_of(names.begin(), names.end(), [&name](const auto& each) { return each.value == name; });
}

void check_user_info(const Config& config, NameCheck& authenticators, Diagnostics& diagnostics) {
  for (const UserInfo& info : config.user_info) {
    for (const auto& name : info.authenticators) authenticators.mention(name);
    if (find_authenticator(config, info.name) == nullptr) continue;
    diagnostics.error(info.where, "an authenticator has this name already, and metrics tell the two apart by it");
  }
}

void check_session_refresh(const Config& config, NameCheck& authenticators, Diagnostics& diagnostics) {
  if (!config.session_refresh) return;
  const auto is_taken = [](const auto& each) { return each.name == "session_refresh"; };
  if (std::any_of(config.authenticators.begin(), config.authenticators.end(), is_taken) ||
      std::any_of(config.user_info.begin(), config.user_info.end(), is_taken)) {
    diagnostics.error(config.session_refresh->where, "metrics know it by this name, which something else has already");
  }
  for (const auto& name : config.session_refresh->authenticators) {
    authenticators.mention(name);
    const Authenticator* const authenticator = find_authenticator(config, name.value);
    if (authenticator == nullptr) continue;
    const auto reads_it = [&config](const TokenSource& source) {
      return source.kind == TokenSource::Kind::Cookie && source.name == config.session_refresh->cookie;
    };
    const auto& sources = authenticator->token();
    if (authenticator->kind != Authenticator::Kind::Jwt) {
      diagnostics.error(name.where,
                        "only a jwt authenticator tells a token that has expired from one that never held; a service "
                        "renews its sessions itself");
    } else if (std::none_of(sources.begin(), sources.end(), reads_it)) {
      diagnostics.error(name.where, fmt::format("{} does not read the cookie {}", shown(name.value),
                                                shown(config.session_refresh->cookie)));
    }
  }
}

/// That a route's user information is ever looked up, and that there is some where its headers speak of it.
void check_user_info_of(const Route& route, const Config& config, NameCheck& user_infos, Diagnostics& diagnostics) {
  if (!route.user_info) {
    for (const InjectedHeader& header : route.inject) {
      if (header.value.value.find("{user.") == std::string::npos) continue;
      diagnostics.error(header.value.where, "this route has no user_info, so nothing is known of the user");
    }
    return;
  }
  user_infos.use(*route.user_info);
  if (config.user_info.empty()) {
    diagnostics.error(route.user_info->where, fmt::format("no user_info is called {}", shown(route.user_info->value)));
  }
  // That nobody is looked up where nobody is asked who he is has been reported.
  if (route.authenticate == Route::Authenticate::None) return;
  for (const UserInfo& info : config.user_info) {
    const auto exists = [&config](const auto& name) { return find_authenticator(config, name.value) != nullptr; };
    const bool is_right = std::any_of(info.authenticators.begin(), info.authenticators.end(), exists);
    if (info.name != route.user_info->value || !is_right) continue;
    const auto is_for = [&info](const auto& name) { return is_among(name.value, info.authenticators); };
    if (std::any_of(route.authenticators.begin(), route.authenticators.end(), is_for)) continue;
    diagnostics.error(
        route.user_info->where,
        fmt::format("{} is for none of this route's authenticators: nobody would ever be looked up", shown(info.name)));
  }
}

}  // namespace

void check_references(const Config& config, Diagnostics& diagnostics) {
  NameCheck upstreams("upstream", names_of(config.upstreams), diagnostics);
  NameCheck authenticators("authenticator", names_of(config.authenticators), diagnostics);
  NameCheck user_infos("user_info", names_of(config.user_info), diagnostics);
  for (const Route& route : config.routes) {
    if (!route.upstream.value.empty()) upstreams.use(route.upstream);
    for (const auto& name : route.authenticators) {
      if (config.authenticators.empty()) {
        diagnostics.error(name.where, fmt::format("no authenticator is called {}", shown(name.value)));
      }
      authenticators.use(name);
    }
    check_user_info_of(route, config, user_infos, diagnostics);
  }
  check_user_info(config, authenticators, diagnostics);
  check_session_refresh(config, authenticators, diagnostics);
  check_listeners(config, diagnostics);
  check_addresses(config, diagnostics);
  // Where a route could not be read, what it meant to use would seem unused.
  if (!diagnostics.ok()) return;
  for (const Upstream& upstream : config.upstreams) {
    if (!upstreams.is_used(upstream.name)) diagnostics.warning(upstream.where, "no route uses this upstream");
  }
  for (const Authenticator& each : config.authenticators) {
    if (!authenticators.is_used(each.name)) diagnostics.warning(each.where, "no route uses this authenticator");
  }
  for (const UserInfo& each : config.user_info) {
    if (!user_infos.is_used(each.name)) diagnostics.warning(each.where, "no route uses this user_info");
  }
  warn_of_idle_listeners(config, diagnostics);
}

}  // namespace sidegate::config
