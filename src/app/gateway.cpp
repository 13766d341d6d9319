#include "gateway.hpp"

#include <sidegate/config/load.hpp>
#include <sidegate/telemetry/log.hpp>

#include <sys/resource.h>

#include <boost/asio/post.hpp>

#include <csignal>
#include <cstdlib>
#include <system_error>

#include "configuration.hpp"
#include "version.hpp"

namespace sidegate::app {
namespace {

using telemetry::Level;

/// Every connection is a descriptor, and the usual soft limit is 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Counters from all workers, added up on the thread that asked.
struct Collection {
  Collection(const telemetry::LabelNames& names, std::size_t missing) : sum(names), awaited(missing) {}

  telemetry::WorkerCounters sum;
  std::size_t awaited;
};

}  // namespace

Gateway::Gateway(config::Config config) : config_(std::move(config)), labels_(proxy::label_names(config_)) {
  shared_.buffers.bytes_max = config_.limits.memory_bytes_max;
}

Gateway::~Gateway() {
  for (auto& worker : workers_) {
    worker->stop_accepting();
    worker->abort();
  }
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

base::OrMessage<std::unique_ptr<Gateway>> Gateway::open(config::Config config) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  std::unique_ptr<Gateway> gateway(new Gateway(std::move(config)));
  try {
    telemetry::open_log(gateway->config_.log);
    gateway->access_log_ = std::make_unique<telemetry::AccessLog>(
        gateway->config_.access_log, gateway->config_.log.format == "text", gateway->config_.workers);
  } catch (const std::system_error& error) {
    return base::Message{error.what()};
  }
  if (auto opened = gateway->open_sockets(); !opened) return opened.error();
  if (auto opened = gateway->open_admin(); !opened) return opened.error();
  gateway->start_workers();
  return gateway;
}

base::OrMessage<void> Gateway::open_sockets() {
  for (const auto& listener : config_.listeners) {
    auto socket = net::ListeningSocket::open(listener.address, listener.mode);
    if (!socket) return socket.error();
    telemetry::log(Level::Info, "listening", {{"listener", listener.name}, {"address", socket->address().text()}});
    listeners_.push_back(std::move(*socket));
  }
  return {};
}

base::OrMessage<void> Gateway::open_admin() {
  const admin::Actions actions{
      .ready = [this] { return ready_; },
      .metrics = [this](const std::function<void(std::string)>& done) { collect_metrics(done); },
      .config = [this] { return config::to_yaml(config_); },
  };
  const auto open = [&](const std::optional<config::Address>& address, admin::Surface surface,
                        std::string_view name) -> base::OrMessage<void> {
    if (!address) return {};
    auto server = admin::AdminServer::open(io_, *address, surface, actions);
    if (!server) return server.error();
    telemetry::log(Level::Info, "listening", {{"listener", name}, {"address", (*server)->local_address().text()}});
    admin_servers_.push_back(std::move(*server));
    return {};
  };
  if (auto opened = open(config_.admin, admin::Surface::Admin, "admin"); !opened) return opened.error();
  return open(config_.health, admin::Surface::Health, "health");
}

void Gateway::start_workers() {
  auto policies = compile_policies(config_);
  for (unsigned i = 0; i < config_.workers; ++i) {
    workers_.push_back(std::make_unique<proxy::Worker>(proxy::WorkerSetup{
        .config = config_,
        .labels = labels_,
        .listeners = listeners_,
        .policy = std::move(policies[i]),
        .access_log = access_log_->enabled() ? &access_log_->producer(i) : nullptr,
        .shared = shared_,
    }));
  }
}

std::vector<config::Address> Gateway::addresses() const {
  std::vector<config::Address> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener.address());
  return addresses;
}

void Gateway::run() {
  wait_for_signal();
  for (auto& worker : workers_) {
    threads_.emplace_back([this, &worker] {
      worker->run();
      boost::asio::post(io_, [this] { on_worker_done(); });
    });
  }
  ready_ = true;
  telemetry::log(Level::Info, "ready", {{"version", kVersion}, {"commit", kCommit}});
  io_.run();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  telemetry::log(Level::Info, "stopped");
}

void Gateway::wait_for_signal() {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    if (draining_) std::_Exit(EXIT_FAILURE);
    wait_for_signal();
    drain();
  });
}

void Gateway::drain() {
  draining_ = true;
  ready_ = false;
  telemetry::log(Level::Info, "draining");
  for (auto& worker : workers_) worker->begin_drain();
  grace_.expires_after(config_.shutdown.grace);
  grace_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    for (auto& worker : workers_) worker->stop_accepting();
    for (auto& listener : listeners_) listener.close();
  });
  timeout_.expires_after(config_.shutdown.timeout);
  timeout_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    telemetry::log(Level::Warning, "the shutdown timeout is over: connections are cut");
    for (auto& worker : workers_) {
      worker->stop_accepting();
      worker->abort();
    }
  });
}

void Gateway::on_worker_done() {
  if (++workers_done_ < workers_.size()) return;
  grace_.cancel();
  timeout_.cancel();
  signals_.cancel();
  for (auto& server : admin_servers_) server->close();
}

void Gateway::collect_metrics(const std::function<void(std::string)>& done) {
  const auto collection = std::make_shared<Collection>(labels_, workers_.size());
  for (auto& worker : workers_) {
    worker->copy_counters([this, collection, done](const telemetry::WorkerCounters& counters) {
      boost::asio::post(io_, [this, collection, done, counters] {
        collection->sum.merge(counters);
        if (--collection->awaited > 0) return;
        done(telemetry::prometheus_text(labels_, collection->sum, access_log_->dropped(), kVersion, kCommit));
      });
    });
  }
}

}  // namespace sidegate::app
