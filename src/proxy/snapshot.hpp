#pragma once

#include <sidegate/net/deadline_wheel.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/net/resolver.hpp>
#include <sidegate/origin/pool.hpp>
#include <sidegate/proxy/worker.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "exchange.hpp"

namespace sidegate::proxy {

/// Whether it remembers the tokens that it has verified.
inline bool has_verified_cache(const config::Authenticator& authenticator) noexcept {
  return authenticator.kind == config::Authenticator::Kind::Jwt && authenticator.jwt.verified_cache.enabled();
}

/// What a snapshot's pools are made of, the same for all snapshots of a worker.
struct PoolParts {
  net::Executor executor;
  net::DeadlineWheel& deadlines;
  net::BufferPool& buffers;
  net::Resolver& resolver;
};

/// One configuration as one worker serves it, with its policy, pools and counters. A reload puts the next one in its
/// place; a request ends with the one that it began with, which lives until the last of them. One worker's thread.
class Snapshot {
 public:
  /// Pools whose upstream says the same in `earlier`, with the same limits, go on with their connections.
  Snapshot(WorkerConfiguration configuration, const PoolParts& parts, const Snapshot* earlier);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  const config::Config& config() const noexcept { return *configuration_.config; }
  const base::Limits& limits() const noexcept { return configuration_.config->limits; }
  policy::Policy& policy() const noexcept { return *configuration_.policy; }
  telemetry::AccessLog::Producer* access_log() const noexcept { return access_log_; }

  const config::Listener& listener(std::size_t index) const noexcept { return config().listeners[index]; }
  const ListeningSockets& sockets() const noexcept { return configuration_.sockets; }
  /// The listener that `socket` is opened for; nothing where this configuration has none.
  std::optional<std::size_t> listener_of(const net::ListeningSocket& socket) const noexcept;

  origin::Pool& pool(std::size_t upstream) const noexcept { return *pools_[upstream]; }
  std::shared_ptr<origin::Pool> shared_pool(std::size_t upstream) const noexcept { return pools_[upstream]; }
  const std::vector<std::shared_ptr<origin::Pool>>& pools() const noexcept { return pools_; }
  bool has(const origin::Pool& pool) const noexcept;
  /// A server's place in the counters.
  std::size_t server_place(std::size_t upstream, const origin::ServerState& server) const noexcept {
    return first_servers_[upstream] + server.index;
  }

  /// The place in the counters of an authenticator's cache, of verified tokens or of answers; nothing where it has
  /// none.
  std::optional<std::size_t> cache_place(std::size_t authenticator) const noexcept {
    return cache_places_[authenticator];
  }

  /// The same of user information.
  std::size_t user_cache_place(std::size_t user_info) const noexcept { return first_user_cache_ + user_info; }

  telemetry::NamedCounters& counters() noexcept { return counters_; }

  std::unique_ptr<Exchange> take_exchange();
  void give_back(std::unique_ptr<Exchange> exchange) noexcept;

 private:
  static constexpr std::size_t kExchangesKept = 1024;

  std::shared_ptr<origin::Pool> make_pool(const config::Upstream& upstream, const PoolParts& parts,
                                          const Snapshot* earlier) const;

  WorkerConfiguration configuration_;
  telemetry::AccessLog::Producer* access_log_;  ///< null: no access log
  telemetry::NamedCounters counters_;
  std::vector<std::shared_ptr<origin::Pool>> pools_;      ///< by upstream
  std::vector<std::size_t> first_servers_;                ///< by upstream
  std::vector<std::optional<std::size_t>> cache_places_;  ///< by authenticator
  std::size_t first_user_cache_ = 0;                      ///< of all user information, one after the other
  std::vector<std::unique_ptr<Exchange>> exchanges_;
};

}  // namespace sidegate::proxy
