#pragma once

#include <sidegate/net/deadline_wheel.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/net/resolver.hpp>
#include <sidegate/origin/pool.hpp>
#include <sidegate/proxy/worker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <vector>

#include "exchange.hpp"
#include "request_ids.hpp"
#include "session.hpp"

namespace sidegate::proxy {

/// What lives on one worker's thread and is shared by its connections. Nothing here is locked.
class WorkerLoop {
 public:
  explicit WorkerLoop(WorkerSetup setup);
  ~WorkerLoop();
  WorkerLoop(const WorkerLoop&) = delete;
  WorkerLoop& operator=(const WorkerLoop&) = delete;

  boost::asio::io_context& io() noexcept { return io_; }
  net::Executor executor() noexcept { return io_.get_executor(); }

  const config::Listener& listener(std::size_t index) const noexcept { return setup_.config.listeners[index]; }
  const config::Address& bound_address(std::size_t listener) const noexcept {
    return setup_.listeners[listener].address();
  }
  const base::Limits& limits() const noexcept { return setup_.config.limits; }
  policy::Policy& policy() noexcept { return *setup_.policy; }
  net::DeadlineWheel& deadlines() noexcept { return deadlines_; }
  net::BufferPool& buffers() noexcept { return client_buffers_; }
  origin::Pool& pool(std::size_t upstream) noexcept { return pools_[upstream]; }
  RequestIds& request_ids() noexcept { return request_ids_; }
  bool draining() const noexcept { return draining_; }

  /// The civil time at a moment of the steady clock, which is the one that is read.
  std::chrono::sys_time<std::chrono::microseconds> civil_time(base::SteadyTime moment) noexcept;

  std::unique_ptr<Exchange> take_exchange();
  void give_back(std::unique_ptr<Exchange> exchange) noexcept;

  void add(Session& session, std::size_t listener) noexcept;
  void remove(Session& session, std::size_t listener) noexcept;

  /// A line of the operational log about a peer that cannot be told itself; one a second at most.
  void warn_of_peer(std::string_view what, std::size_t listener, std::string_view peer_ip);

  /// One line of the access log, and the counters.
  void record(const Exchange& exchange, std::string_view client_ip, base::SteadyTime now);

  void start();
  void begin_drain() noexcept { draining_ = true; }
  void stop_accepting();
  void abort();
  telemetry::WorkerCounters copy_counters() const;

 private:
  using Descriptor = boost::asio::posix::basic_stream_descriptor<net::Executor>;
  static constexpr std::size_t kExchangesKept = 1024;

  boost::asio::awaitable<void, net::Executor> accept_from(std::size_t listener);
  void welcome(net::StreamSocket socket, const net::Peer& peer, std::size_t listener);
  void turn_away(net::StreamSocket& socket, base::Reason reason);
  void drain_pools_when_idle();

  WorkerSetup setup_;
  boost::asio::io_context io_{1};
  net::DeadlineWheel deadlines_{io_.get_executor()};
  net::BufferPool client_buffers_;
  net::BufferPool origin_buffers_;
  net::Resolver resolver_{io_.get_executor()};
  telemetry::WorkerCounters counters_;
  RequestIds request_ids_;
  std::chrono::sys_time<std::chrono::nanoseconds> civil_base_;
  base::SteadyTime steady_base_;
  base::SteadyTime warned_at_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::deque<origin::Pool> pools_;
  std::vector<Descriptor> accepting_;
  boost::intrusive::list<Session, boost::intrusive::base_hook<SessionListHook>,
                         boost::intrusive::constant_time_size<false>>
      sessions_;
  bool draining_ = false;
  bool stopped_accepting_ = false;
};

}  // namespace sidegate::proxy
