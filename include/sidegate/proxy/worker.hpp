#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/inquiry/answer.hpp>
#include <sidegate/inquiry/question.hpp>
#include <sidegate/net/listening_socket.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/telemetry/access_log.hpp>
#include <sidegate/telemetry/counters.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace sidegate::revocation {
class Revocations;
}

namespace sidegate::token {
class IssuerKeys;
}

namespace sidegate::proxy {

/// What all workers of a process share.
struct SharedState {
  /// Asks an issuer for its keys; the callback is called once there is an answer or none to be expected, on whatever
  /// thread, and never after the last worker is gone.
  using AskIssuer = std::function<void(const std::shared_ptr<token::IssuerKeys>&, std::function<void()>)>;
  /// The same for whoever knows the answer to a question, which is never null.
  using Answered = std::function<void(inquiry::AnswerPtr, base::CacheResult)>;
  using AskService = std::function<void(inquiry::Question, Answered)>;

  std::atomic<std::size_t> connections{0};
  net::BufferBudget buffers;
  AskIssuer ask_issuer;    ///< set before the workers are made; empty: nobody is asked
  AskService ask_service;  ///< the same
  std::shared_ptr<const revocation::Revocations> revocations;  ///< the same; null: nothing is revoked
};

/// Open sockets, in the order of a configuration's listeners.
using ListeningSockets = std::vector<std::shared_ptr<const net::ListeningSocket>>;

/// A configuration as one worker takes it over, at its start and at each reload: made aside and known to be fine.
struct WorkerConfiguration {
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const telemetry::LabelNames> labels;
  ListeningSockets sockets;
  std::unique_ptr<policy::Policy> policy;
  std::shared_ptr<telemetry::AccessLog>
      access_log;       ///< null: none. Somebody else must hold it too, and lets it go last
  unsigned worker = 0;  ///< which producer of the access log is the worker's
};

/// One thread of the proxy: its own event loop, connections, pools and counters. All but `run` may be called from any
/// thread and return at once.
class Worker {
 public:
  /// `shared` must outlive it.
  Worker(WorkerConfiguration configuration, SharedState& shared);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Serves until `stop_accepting` was called and the last connection is gone, and gives the counters as they are then.
  /// Call it on the worker's thread.
  telemetry::NamedCounters run();

  /// Serves by `next` from now on; requests under way end with what they began with. Connections stay, but for those of
  /// listeners that are gone: these carry one request more at most. Calls `done` on the worker's thread.
  void apply(WorkerConfiguration next, std::function<void()> done);

  /// Ends what outlives its head and began with a credential that is revoked by now. Requests need not be told of: each
  /// is held against what is revoked at that moment. Calls `done` on the worker's thread.
  void end_revoked(std::function<void()> done);

  /// Lets go of verified tokens, and of what others have answered. Calls `done` on the worker's thread.
  void empty_caches(std::function<void()> done);

  /// From now on every answer closes its connection.
  void begin_drain();

  /// Takes whoever has connected already, closes the listening end, and soon idle connections; what is under way goes
  /// on. Calls `done` on the worker's thread.
  void stop_accepting(std::function<void()> done = [] {});

  /// Cuts every connection, whatever it is doing.
  void abort();

  /// Calls `done` with a copy of the counters, under the names of the configuration in use, on the worker's thread.
  void copy_counters(std::function<void(telemetry::NamedCounters)> done);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

/// The label values of a configuration, in the order that the counters use.
telemetry::LabelNames label_names(const config::Config& config);

}  // namespace sidegate::proxy
