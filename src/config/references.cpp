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

}  // namespace

void check_references(const Config& config, Diagnostics& diagnostics) {
  NameCheck upstreams("upstream", names_of(config.upstreams), diagnostics);
  NameCheck authenticators("authenticator", names_of(config.authenticators), diagnostics);
  for (const Route& route : config.routes) {
    if (!route.upstream.value.empty()) upstreams.use(route.upstream);
    for (const auto& name : route.authenticators) {
      if (config.authenticators.empty()) {
        diagnostics.error(name.where, fmt::format("no authenticator is called {}", shown(name.value)));
      }
      authenticators.use(name);
    }
  }
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
  warn_of_idle_listeners(config, diagnostics);
}

}  // namespace sidegate::config
