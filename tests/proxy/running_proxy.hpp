#pragma once

#include <sidegate/config/load.hpp>
#include <sidegate/proxy/worker.hpp>
#include <sidegate/revocation/revocations.hpp>
#include <sidegate/telemetry/access_log.hpp>

#include <gtest/gtest.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "wire.hpp"

namespace sidegate::proxy {

/// Parts of a configuration, as YAML.
struct ProxySettings {
  std::string upstream{};                        ///< more keys of the first upstream: `, response_timeout: 1s`
  std::string upstreams{};                       ///< more upstreams: `, other: {servers: ["http://127.0.0.1:1"]}`
  std::vector<std::string> listeners{"public"};  ///< their names
  std::string listener{};                        ///< more keys of each listener: `, trusted_proxies: [127.0.0.1]`
  std::string secret{};                          ///< of the authenticator, in place of RunningProxy::kSecret
  std::string authenticator{};                   ///< more keys of it, in place of its `keys` and `algorithms`
  std::string authenticators{};                  ///< more of them: `, session: {remote: {...}}`
  std::string blocks{};                          ///< more blocks: `user_info: {...}\n`
  std::string inject{};                          ///< more headers: `, X-User-Email: "{user.email|}"`
  token::IssuerBoard* issuers = nullptr;         ///< what they have published
  SharedState::AskIssuer ask_issuer{};           ///< how they are asked
  SharedState::AskService ask_service{};         ///< how services are asked
  std::shared_ptr<const revocation::Revocations> revocations{};  ///< from the beginning to the end
  std::string limits{};                                          ///< the block's keys: `head_timeout: 1s`
  std::string shutdown{};                                        ///< likewise: `grace: 1s`
  std::string routes = "routes: [{path: /**, authenticate: none, upstream: app}]\n";
  unsigned workers = 1;
  std::function<void()> on_thread{};  ///< called first on each worker's thread
};

/// The proxy on a loopback port, with its threads and an access log in a file.
class RunningProxy {
 public:
  static constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

  explicit RunningProxy(const std::vector<std::uint16_t>& origins, const ProxySettings& settings = {}) {
    std::signal(SIGPIPE, SIG_IGN);  // as the gateway does
    std::string folder = (std::filesystem::temp_directory_path() / "proxy-test-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no folder for the access log");
    folder_ = folder;
    shared_.revocations = settings.revocations;
    load(origins, settings);
    access_log_ = std::make_shared<telemetry::AccessLog>(config_->access_log, false, settings.workers);
    for (unsigned i = 0; i < settings.workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(configuration(i), shared_));
    }
    for (auto& worker : workers_) {
      std::packaged_task<void()> task([&worker, on_thread = settings.on_thread] {
        if (on_thread) on_thread();
        worker->run();
      });
      ended_.push_back(task.get_future());
      threads_.emplace_back(std::move(task));
    }
  }
  RunningProxy(const RunningProxy&) = delete;
  RunningProxy& operator=(const RunningProxy&) = delete;
  ~RunningProxy() {
    if (!threads_.empty()) {
      stop_accepting();
      abort();
      join();
    }
    workers_.clear();
    access_log_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// Has every worker go on by another configuration, with the same number of workers, and waits until each has. A
  /// listener stays the same socket where its name stays the same.
  void apply(const std::vector<std::uint16_t>& origins, const ProxySettings& settings = {}) {
    const auto before = sockets_;
    const auto applied = begin_apply(origins, settings);
    for (const auto& each : applied) {
      const auto patience = std::chrono::milliseconds(kPatienceMilliseconds);
      if (each.wait_for(patience) != std::future_status::ready) throw std::runtime_error("a worker does not go on");
    }
    for (const auto& [name, socket] : before) {
      if (!sockets_.contains(name)) socket->close();
    }
  }

  /// The same without waiting: gives what becomes ready once a worker goes on by it. The sockets of listeners that are
  /// gone stay open.
  std::vector<std::future<void>> begin_apply(const std::vector<std::uint16_t>& origins,
                                             const ProxySettings& settings = {}) {
    const auto before = sockets_;
    load(origins, settings);
    for (const auto& [name, socket] : before) {
      if (!sockets_.contains(name)) socket->refuse_new();
    }
    std::vector<std::future<void>> applied;
    for (unsigned i = 0; i < workers_.size(); ++i) {
      const auto done = std::make_shared<std::promise<void>>();
      applied.push_back(done->get_future());
      workers_[i]->apply(configuration(i), [done] { done->set_value(); });
    }
    return applied;
  }

  std::uint16_t port(const std::string& listener = "public") const { return sockets_.at(listener)->address().port; }

  /// Has every worker end what is revoked by now, and waits until each has.
  void end_revoked() {
    for (auto& worker : workers_) {
      std::promise<void> ended;
      worker->end_revoked([&ended] { ended.set_value(); });
      ended.get_future().get();
    }
  }
  void begin_drain() {
    for (auto& worker : workers_) worker->begin_drain();
  }
  /// The sockets are closed once no worker waits on them any more, as the gateway does it.
  void stop_accepting() {
    std::vector<std::future<void>> stopped;
    for (auto& worker : workers_) {
      const auto done = std::make_shared<std::promise<void>>();
      stopped.push_back(done->get_future());
      worker->stop_accepting([done] { done->set_value(); });
    }
    constexpr std::chrono::milliseconds kMoment{1};
    for (std::size_t i = 0; i < stopped.size(); ++i) {
      const auto has_ended = [&] { return ended_[i].wait_for(kMoment) == std::future_status::ready; };
      while (stopped[i].wait_for(kMoment) != std::future_status::ready && !has_ended()) continue;
    }
    for (const auto& [name, socket] : sockets_) socket->close();
  }
  void abort() {
    for (auto& worker : workers_) worker->abort();
  }

  /// Whether every worker has ended, or does within `time`.
  bool ends_within(std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    bool all = true;
    for (auto& each : ended_) all = all && each.wait_until(deadline) == std::future_status::ready;
    return all;
  }

  /// The sum of the workers' counters, under the names of the configuration that was applied last.
  telemetry::WorkerCounters counters() {
    telemetry::NamedCounters sum(labels_);
    for (auto& worker : workers_) {
      std::promise<telemetry::NamedCounters> copied;
      worker->copy_counters([&](telemetry::NamedCounters counters) { copied.set_value(std::move(counters)); });
      sum.merge(copied.get_future().get());
    }
    return sum.counters;
  }

  /// The place of a name in the counters.
  std::size_t route(const std::string& name) const { return place_of(labels_->routes, name); }
  std::size_t listener(const std::string& name) const { return place_of(labels_->listeners, name); }

  /// Waits until `condition` holds of the counters.
  bool counters_become(const std::function<bool(const telemetry::WorkerCounters&)>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMilliseconds);
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition(counters())) return true;
      std::this_thread::yield();
    }
    return false;
  }

  /// Ends the proxy, which must have nothing under way that does not end by itself, and gives the access log.
  std::vector<boost::json::object> stop(std::uint64_t lines_dropped_max = 0) {
    stop_accepting();
    EXPECT_TRUE(ends_within(std::chrono::milliseconds(kPatienceMilliseconds))) << "the workers do not end";
    abort();
    join();
    workers_.clear();
    EXPECT_LE(access_log_->dropped(), lines_dropped_max);
    access_log_.reset();
    std::vector<boost::json::object> records;
    std::ifstream file(config_->access_log.path);
    for (std::string line; std::getline(file, line);) records.push_back(boost::json::parse(line).as_object());
    return records;
  }

 private:
  using Sockets = std::map<std::string, std::shared_ptr<net::ListeningSocket>>;  ///< by their listeners' names

  void load(const std::vector<std::uint16_t>& origins, const ProxySettings& settings) {
    std::string servers;
    for (const auto port : origins) {
      servers += servers.empty() ? "" : ", ";
      servers += "\"http://127.0.0.1:" + std::to_string(port) + "\"";
    }
    std::string listeners;
    for (const auto& name : settings.listeners) {
      listeners += (listeners.empty() ? "" : ", ") + name + ": {address: \"127.0.0.1:0\"" + settings.listener + "}";
    }
    std::string text = "version: 1\nlisteners: {" + listeners + "}\n";
    text += "workers: " + std::to_string(settings.workers) + "\n";
    text += "upstreams: {app: {servers: [" + servers + "]" + settings.upstream + "}" + settings.upstreams + "}\n";
    text += "authenticators: {staff: {jwt: {token: [{cookie: access_token}, {bearer: Authorization}], ";
    const std::string secret = settings.secret.empty() ? std::string(kSecret) : settings.secret;
    const std::string keys = "keys: [{secret: " + secret + "}], algorithms: [HS256]";
    text += (settings.authenticator.empty() ? keys : settings.authenticator) + "}}" + settings.authenticators + "}\n";
    text += settings.blocks;
    text += "inject: {X-User-Id: \"{subject}\"" + settings.inject + "}\n";
    text += "access_log: {path: access.log, query: true}\n";
    if (!settings.limits.empty()) text += "limits: {" + settings.limits + "}\n";
    if (!settings.shutdown.empty()) text += "shutdown: {" + settings.shutdown + "}\n";
    text += settings.routes;
    config::Diagnostics diagnostics("test.yaml");
    const auto environment = [](std::string_view) { return std::optional<std::string>(); };
    config_ =
        std::make_shared<const config::Config>(config::load_text(text, folder_.string(), environment, diagnostics));
    policy::Policy::compile(*config_, diagnostics);
    if (!diagnostics.ok()) throw std::runtime_error(diagnostics.lines().front());
    labels_ = std::make_shared<const telemetry::LabelNames>(label_names(*config_));
    shared_.buffers.bytes_max = config_->limits.memory_bytes_max;
    shared_.ask_issuer = settings.ask_issuer;
    shared_.ask_service = settings.ask_service;
    issuers_ = settings.issuers;
    open_sockets();
  }

  /// Those of the configuration's listeners, new ones where there are none of that name yet.
  void open_sockets() {
    Sockets sockets;
    for (const auto& listener : config_->listeners) {
      const auto known = sockets_.find(listener.name);
      if (known != sockets_.end()) {
        sockets.insert(*known);
        continue;
      }
      auto socket = net::ListeningSocket::open(listener.address, listener.mode);
      if (!socket) throw std::runtime_error(socket.error().text);
      sockets.emplace(listener.name, std::make_shared<net::ListeningSocket>(std::move(*socket)));
    }
    sockets_ = std::move(sockets);
  }

  WorkerConfiguration configuration(unsigned worker) const {
    config::Diagnostics diagnostics("test.yaml");
    ListeningSockets sockets;
    for (const auto& listener : config_->listeners) sockets.push_back(sockets_.at(listener.name));
    return {.config = config_,
            .labels = labels_,
            .sockets = std::move(sockets),
            .policy = policy::Policy::compile(*config_, diagnostics,
                                              {.issuers = issuers_, .revocations = shared_.revocations}),
            .access_log = access_log_,
            .worker = worker};
  }

  static std::size_t place_of(const std::vector<std::string>& names, const std::string& name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  }

  void join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  std::filesystem::path folder_;
  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const telemetry::LabelNames> labels_;
  token::IssuerBoard* issuers_ = nullptr;
  SharedState shared_;
  Sockets sockets_;
  std::shared_ptr<telemetry::AccessLog> access_log_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::future<void>> ended_;
  std::vector<std::thread> threads_;
};

/// A member of an access log record as text; empty where it is not there.
inline std::string text_of(const boost::json::object& record, std::string_view key) {
  const auto* const value = record.if_contains(key);
  if (value == nullptr) return {};
  if (value->is_string()) return std::string(value->get_string());
  return boost::json::serialize(*value);
}

/// `text`, `count` times.
inline std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

/// Bytes in which a missing or doubled piece is seen.
inline std::string numbered_bytes(std::size_t size) {
  std::string out;
  out.reserve(size + 16);
  for (std::size_t i = 0; out.size() < size; ++i) out += std::to_string(i) + ".";
  out.resize(size);
  return out;
}

}  // namespace sidegate::proxy
