#pragma once

#include <sidegate/net/deadline_wheel.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/net/resolver.hpp>
#include <sidegate/net/splice_pipe.hpp>
#include <sidegate/origin/pool.hpp>
#include <sidegate/proxy/request_ids.hpp>
#include <sidegate/proxy/worker.hpp>
#include <sidegate/revocation/revocation_list.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "civil_clock.hpp"
#include "exchange.hpp"
#include "session.hpp"
#include "snapshot.hpp"

namespace sidegate::proxy {

/// What lives on one worker's thread and is shared by its connections. Nothing here is locked.
class WorkerLoop {
 public:
  WorkerLoop(WorkerConfiguration configuration, SharedState& shared);
  ~WorkerLoop();
  WorkerLoop(const WorkerLoop&) = delete;
  WorkerLoop& operator=(const WorkerLoop&) = delete;

  boost::asio::io_context& io() noexcept { return io_; }
  net::Executor executor() noexcept { return io_.get_executor(); }

  /// The configuration that new requests are served by.
  const std::shared_ptr<Snapshot>& current() const noexcept { return current_; }
  net::DeadlineWheel& deadlines() noexcept { return deadlines_; }
  net::BufferPool& buffers() noexcept { return client_buffers_; }
  net::SplicePipePool& pipes() noexcept { return pipes_; }
  RequestIds& request_ids() noexcept { return request_ids_; }
  bool draining() const noexcept { return draining_; }
  bool stopped_accepting() const noexcept { return stopped_accepting_; }

  /// A connection's buffer: the largest head, and room for a body behind it.
  static std::size_t block_bytes(const config::Config& config) noexcept;

  /// The civil time at a moment of the steady clock.
  std::chrono::sys_time<std::chrono::microseconds> civil_time(base::SteadyTime moment) noexcept {
    return clock_.at(moment);
  }
  base::UnixTime civil_seconds(base::SteadyTime moment) noexcept {
    return std::chrono::floor<std::chrono::seconds>(civil_time(moment));
  }

  void add(Session& session) noexcept;
  void remove(Session& session) noexcept;

  /// Lets go of configurations that nobody uses any more; their numbers go to the current one.
  void release_unused();

  /// What is revoked; never null.
  std::shared_ptr<const revocation::RevocationList> revocations() const;

  /// Asks an issuer for its keys and calls `done` on this thread, now or later.
  void ask(const std::shared_ptr<token::IssuerKeys>& issuer, std::function<void()> done);
  /// The same for whoever knows the answer to a question.
  void ask(inquiry::Question question, SharedState::Answered done);

  /// A line of the operational log about a peer that cannot be told itself; one a second at most.
  void warn_of_peer(std::string_view what, std::string_view listener, std::string_view peer_ip);

  /// The same about a server that could not be reached.
  void warn_of_server(const origin::ServerState& server);

  /// One line of the access log, and the counters.
  void record(Snapshot& snapshot, const Exchange& exchange, std::string_view client_ip, base::SteadyTime now);

  void start();
  void apply(WorkerConfiguration next);
  void end_revoked();
  void empty_caches() noexcept;
  void begin_drain() noexcept { draining_ = true; }
  void stop_accepting();
  void abort();
  telemetry::NamedCounters copy_counters() const;

 private:
  using Descriptor = boost::asio::posix::basic_stream_descriptor<net::Executor>;
  /// A listening socket that this worker waits on, beside the others.
  struct Accepting {
    Accepting(std::shared_ptr<const net::ListeningSocket> listening, const net::Executor& executor)
        : socket(std::move(listening)), descriptor(executor, socket->descriptor()) {}
    Accepting(const Accepting&) = delete;
    Accepting& operator=(const Accepting&) = delete;
    ~Accepting();

    std::shared_ptr<const net::ListeningSocket> socket;
    Descriptor descriptor;  ///< the socket's own: released, never closed
  };

  void begin_accepting(const std::shared_ptr<const net::ListeningSocket>& socket);
  boost::asio::awaitable<void, net::Executor> accept_from(std::shared_ptr<Accepting> accepting);
  net::AcceptStatus accept_one(Accepting& accepting);
  void welcome(net::StreamSocket socket, const net::Peer& peer, const std::shared_ptr<const net::ListeningSocket>& at);
  void turn_away(net::StreamSocket& socket, const net::Peer& peer, base::Reason reason);
  /// Takes everybody who has connected already, and nobody after that.
  void end(Accepting& accepting);
  PoolParts pool_parts() noexcept { return {executor(), deadlines_, origin_buffers_, resolver_}; }
  /// Calls `visit` for the pools of every configuration, perhaps more than once for one that they share.
  template <class Visit>
  void for_each_pool(const Visit& visit);
  void drain_pools_when_idle();

  SharedState& shared_;
  // No other thread ever touches a socket of this loop, so that they need no locks; work may be posted from anywhere.
  boost::asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  net::DeadlineWheel deadlines_{io_.get_executor()};
  net::BufferPool client_buffers_;
  net::BufferPool origin_buffers_;
  net::SplicePipePool pipes_;
  net::Resolver resolver_{io_.get_executor()};
  RequestIds request_ids_;
  CivilClock clock_;
  base::SteadyTime warned_at_;
  base::SteadyTime warned_of_server_at_;
  std::shared_ptr<Snapshot> current_;
  std::vector<std::shared_ptr<Snapshot>> earlier_;  ///< which requests still use
  std::vector<std::shared_ptr<Accepting>> accepting_;
  boost::intrusive::list<Session, boost::intrusive::base_hook<SessionListHook>,
                         boost::intrusive::constant_time_size<false>>
      sessions_;
  bool draining_ = false;
  bool stopped_accepting_ = false;
};

}  // namespace sidegate::proxy
