#include "snapshot.hpp"

#include <algorithm>
#include <utility>

namespace sidegate::proxy {

Snapshot::Snapshot(WorkerConfiguration configuration, const PoolParts& parts, const Snapshot* earlier)
    : configuration_(std::move(configuration)),
      access_log_(configuration_.access_log && configuration_.access_log->enabled()
                      ? &configuration_.access_log->producer(configuration_.worker)
                      : nullptr),
      counters_(configuration_.labels) {
  std::size_t servers = 0;
  for (const auto& upstream : config().upstreams) {
    pools_.push_back(make_pool(upstream, parts, earlier));
    first_servers_.push_back(servers);
    servers += upstream.servers.size();
  }
  std::size_t caches = 0;
  for (const auto& authenticator : config().authenticators) {
    const bool has_one = has_verified_cache(authenticator);
    cache_places_.push_back(has_one ? std::optional<std::size_t>(caches++) : std::nullopt);
  }
  for (std::size_t i = 0; i < config().authenticators.size(); ++i) {
    if (config().authenticators[i].kind != config::Authenticator::Kind::Jwt) cache_places_[i] = caches++;
  }
  first_user_cache_ = caches;
}

std::shared_ptr<origin::Pool> Snapshot::make_pool(const config::Upstream& upstream, const PoolParts& parts,
                                                  const Snapshot* earlier) const {
  // A connection's buffer has room for the largest head.
  const bool same_limits = earlier != nullptr && earlier->limits().head_bytes_max == limits().head_bytes_max;
  if (same_limits) {
    for (const auto& pool : earlier->pools()) {
      if (pool->settings() == upstream) return pool;
    }
  }
  return std::make_shared<origin::Pool>(upstream, parts.executor, parts.deadlines, parts.buffers, parts.resolver);
}

std::optional<std::size_t> Snapshot::listener_of(const net::ListeningSocket& socket) const noexcept {
  const auto& sockets = configuration_.sockets;
  const auto found =
      std::find_if(sockets.begin(), sockets.end(), [&](const auto& own) { return own.get() == &socket; });
  if (found == sockets.end()) return std::nullopt;
  return static_cast<std::size_t>(found - sockets.begin());
}

bool Snapshot::has(const origin::Pool& pool) const noexcept {
  return std::any_of(pools_.begin(), pools_.end(), [&](const auto& own) { return own.get() == &pool; });
}

std::unique_ptr<Exchange> Snapshot::take_exchange() {
  if (exchanges_.empty()) return std::make_unique<Exchange>(limits());
  auto exchange = std::move(exchanges_.back());
  exchanges_.pop_back();
  return exchange;
}

void Snapshot::give_back(std::unique_ptr<Exchange> exchange) noexcept {
  if (exchanges_.size() == kExchangesKept) return;
  if (exchanges_.capacity() == 0) exchanges_.reserve(kExchangesKept);
  exchange->reset();
  exchanges_.push_back(std::move(exchange));
}

}  // namespace sidegate::proxy
