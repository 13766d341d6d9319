#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/net/deadline_wheel.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/net/resolver.hpp>
#include <sidegate/origin/connection.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/wait_traits.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

namespace sidegate::origin {

/// Somebody's wait, ended by whoever has what is waited for.
using WaitTimer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                    boost::asio::wait_traits<std::chrono::steady_clock>, net::Executor>;

/// What a pool knows of one server of its upstream.
struct ServerState {
  const config::Server* settings = nullptr;
  std::size_t index = 0;  ///< its place among the upstream's servers
  std::vector<net::StreamSocket::endpoint_type> endpoints;
  base::SteadyTime resolved_at = base::SteadyTime::min();
  bool looking_up = false;            ///< its name, one look-up for all who need it
  std::vector<WaitTimer*> awaiting;   ///< those who cannot go on without an address
  std::vector<ConnectionPtr> idle;    ///< the last used one is used next
  std::size_t open = 0;               ///< connections in use, idle or being made
  boost::system::error_code trouble;  ///< why the last attempt to connect failed
};

/// The connections of one worker to the servers of one upstream, and the choice among them: round robin, passing over
/// those that cannot be reached. No lock: one thread.
///
/// Shared by every configuration that has the same upstream, one after the other, and by its connections: whoever drops
/// one drains it.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(const config::Upstream& settings, const net::Executor& executor, net::DeadlineWheel& deadlines,
       net::BufferPool& buffers, net::Resolver& resolver);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// An idle connection to the server whose turn it is, passing over those that may have no more connections; null
  /// where there is none. Nothing unasked for has come over it. It may have ended where `may_retry`: the request is
  /// then sent again on another one if it fails.
  ConnectionPtr take_idle(bool may_retry);

  /// A new connection, in use. Tries one server after the other until the deadline: OriginUnreachable, OriginTimeout,
  /// or OriginExhausted where every server has `max_connections` or this process has no descriptor left. `tried` is the
  /// server that was tried last, and stays what it was where none was.
  boost::asio::awaitable<base::Result<ConnectionPtr>, net::Executor> connect(const ServerState*& tried);

  /// The exchange is over and the connection fit for another one, its buffer empty. The caller goes on reading it once
  /// it is woken.
  void give_back(const ConnectionPtr& connection);

  /// The connection is not to be used again: takes it out of the idle ones and closes it.
  void discard(Connection& connection) noexcept;

  /// Ends every attempt to connect, now and from now on.
  void abort_connects() noexcept;

  /// Closes what is idle, now and from now on: the pool is not used for new requests any more.
  void drain() noexcept;

  const config::Upstream& settings() const noexcept { return settings_; }
  const std::deque<ServerState>& servers() const noexcept { return servers_; }

 private:
  friend class Connection;
  /// How long an idle connection is not looked at, and how long after that it is kept: a server has most likely closed
  /// it then, and the next request would pay for finding out.
  static constexpr std::chrono::seconds kAsleepMax{1};
  static constexpr std::chrono::seconds kWatchedMax{59};

  boost::asio::awaitable<base::Result<ConnectionPtr>, net::Executor> connect_to(ServerState& server);
  boost::asio::awaitable<void, net::Executor> resolve(ServerState& server, base::SteadyTime deadline);
  boost::asio::awaitable<void, net::Executor> look_up(ServerState& server);

  const config::Upstream settings_;
  net::Executor executor_;
  net::DeadlineWheel* deadlines_;
  net::BufferPool* buffers_;
  net::Resolver* resolver_;
  std::deque<ServerState> servers_;
  std::size_t next_ = 0;
  std::vector<Connection*> connecting_;
  bool draining_ = false;
  bool aborted_ = false;
};

}  // namespace sidegate::origin
