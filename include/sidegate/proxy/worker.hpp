#pragma once

#include <sidegate/config/config.hpp>
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

namespace sidegate::proxy {

/// What all workers of a process share: numbers that change when a connection comes or goes.
struct SharedState {
  std::atomic<std::size_t> connections{0};
  net::BufferBudget buffers;
};

/// Everything that a worker is made of. What is referred to must outlive it.
struct WorkerSetup {
  const config::Config& config;
  const telemetry::LabelNames& labels;
  const std::vector<net::ListeningSocket>& listeners;  ///< in the order of the configuration
  std::unique_ptr<policy::Policy> policy;
  telemetry::AccessLog::Producer* access_log;  ///< null: no access log
  SharedState& shared;
};

/// One thread of the proxy: its own event loop, connections, pools and counters. All but `run` may be called from any
/// thread and return at once.
class Worker {
 public:
  explicit Worker(WorkerSetup setup);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Serves until `stop_accepting` was called and the last connection is gone. Call it on the worker's thread.
  void run();

  /// From now on every answer closes its connection.
  void begin_drain();

  /// Closes the listening end and idle connections; what is under way goes on.
  void stop_accepting();

  /// Cuts every connection, whatever it is doing.
  void abort();

  /// Calls `done` with a copy of the counters, on the worker's thread.
  void copy_counters(std::function<void(telemetry::WorkerCounters)> done);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

/// The label values of a configuration, in the order that the counters use.
telemetry::LabelNames label_names(const config::Config& config);

}  // namespace sidegate::proxy
