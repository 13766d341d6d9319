#pragma once

#include <sidegate/admin/admin_server.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/net/listening_socket.hpp>
#include <sidegate/proxy/worker.hpp>
#include <sidegate/telemetry/access_log.hpp>
#include <sidegate/telemetry/counters.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sidegate::app {

/// The running program: listening sockets, workers with their threads, the admin API and the signals. The main thread
/// runs the admin API and nothing of the proxy.
class Gateway {
 public:
  /// Opens everything that can fail: sockets, log files. Nothing is served yet.
  static base::OrMessage<std::unique_ptr<Gateway>> open(config::Config config);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Where callers connect, in the order of the configuration, with the ports that the system chose.
  std::vector<config::Address> addresses() const;

  /// Serves until TERM or INT, then drains: at once not ready, listeners closed after `shutdown.grace`, every
  /// connection by `shutdown.timeout`. A second signal ends the process at once.
  void run();

 private:
  explicit Gateway(config::Config config);

  base::OrMessage<void> open_sockets();
  base::OrMessage<void> open_admin();
  void start_workers();
  void wait_for_signal();
  void drain();
  void on_worker_done();
  void collect_metrics(const std::function<void(std::string)>& done);

  config::Config config_;
  telemetry::LabelNames labels_;
  proxy::SharedState shared_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_{io_};
  boost::asio::steady_timer grace_{io_};
  boost::asio::steady_timer timeout_{io_};
  std::unique_ptr<telemetry::AccessLog> access_log_;
  std::vector<net::ListeningSocket> listeners_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  std::vector<std::thread> threads_;
  std::vector<std::unique_ptr<admin::AdminServer>> admin_servers_;
  std::size_t workers_done_ = 0;
  bool ready_ = false;
  bool draining_ = false;
};

}  // namespace sidegate::app
