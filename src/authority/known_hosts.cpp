#include "known_hosts.hpp"

#include <utility>

namespace sidegate::authority {

using base::OrMessage;
using std::chrono::steady_clock;

KnownHosts::KnownHosts(boost::asio::io_context& io, LookUp look_up, std::chrono::milliseconds kept_for)
    : names_(io, std::move(look_up)), kept_for_(kept_for) {}

void KnownHosts::find(const std::string& host, Done done) {
  if (const auto literal = base::IpAddress::parse(host)) return done(Addresses{*literal});
  make_room();
  Host& known = hosts_[host];
  const auto now = steady_clock::now();
  if (now < known.fresh_until) return done(Addresses(known.addresses));
  known.waiting.push_back(std::move(done));
  if (known.waiting.size() > 1 && now < known.asked + kept_for_) return;
  known.asked = now;
  names_.start(host, [this, host](const OrMessage<Addresses>& found) { note(host, found); });
}

void KnownHosts::note(const std::string& name, const OrMessage<Addresses>& found) {
  Host& host = hosts_[name];
  const auto waiting = std::exchange(host.waiting, {});
  if (found && !found->empty()) {
    host.addresses = *found;
    host.fresh_until = steady_clock::now() + kept_for_;
  }
  const OrMessage<Addresses> told = host.addresses.empty() ? found : Addresses(host.addresses);
  for (const auto& done : waiting) done(told);
}

void KnownHosts::make_room() {
  if (hosts_.size() < kHostsMax) return;
  boost::unordered::erase_if(hosts_, [](const auto& each) { return each.second.waiting.empty(); });
}

}  // namespace sidegate::authority
