#include <sidegate/proxy/worker.hpp>

#include <boost/asio/post.hpp>

#include <utility>

#include "worker_loop.hpp"

namespace sidegate::proxy {

struct Worker::Core {
  Core(WorkerConfiguration configuration, SharedState& shared) : loop(std::move(configuration), shared) {}
  WorkerLoop loop;
};

Worker::Worker(WorkerConfiguration configuration, SharedState& shared)
    : core_(std::make_unique<Core>(std::move(configuration), shared)) {
  core_->loop.start();
}
Worker::~Worker() = default;

telemetry::NamedCounters Worker::run() {
  core_->loop.io().run();
  return core_->loop.copy_counters();
}

void Worker::apply(WorkerConfiguration next, std::function<void()> done) {
  boost::asio::post(core_->loop.io(), [this, next = std::move(next), done = std::move(done)]() mutable {
    core_->loop.apply(std::move(next));
    done();
  });
}

void Worker::end_revoked(std::function<void()> done) {
  boost::asio::post(core_->loop.io(), [this, done = std::move(done)] {
    core_->loop.end_revoked();
    done();
  });
}

void Worker::empty_caches(std::function<void()> done) {
  boost::asio::post(core_->loop.io(), [this, done = std::move(done)] {
    core_->loop.empty_caches();
    done();
  });
}

void Worker::begin_drain() {
  boost::asio::post(core_->loop.io(), [this] { core_->loop.begin_drain(); });
}

void Worker::stop_accepting(std::function<void()> done) {
  boost::asio::post(core_->loop.io(), [this, done = std::move(done)] {
    core_->loop.stop_accepting();
    done();
  });
}

void Worker::abort() {
  boost::asio::post(core_->loop.io(), [this] { core_->loop.abort(); });
}

void Worker::copy_counters(std::function<void(telemetry::NamedCounters)> done) {
  boost::asio::post(core_->loop.io(), [this, done = std::move(done)] { done(core_->loop.copy_counters()); });
}

telemetry::LabelNames label_names(const config::Config& config) {
  telemetry::LabelNames names;
  for (const auto& listener : config.listeners) names.listeners.push_back(listener.name);
  for (const auto& route : config.routes) names.routes.push_back(route.name);
  for (const auto& upstream : config.upstreams) {
    names.upstreams.push_back(upstream.name);
    for (const auto& server : upstream.servers) names.servers.push_back({upstream.name, server.url});
  }
  for (const auto& authenticator : config.authenticators) {
    names.authenticators.push_back(authenticator.name);
    if (has_verified_cache(authenticator)) names.caches.push_back(authenticator.name + ".verified");
  }
  for (const auto& authenticator : config.authenticators) {
    if (authenticator.kind != config::Authenticator::Kind::Jwt) names.caches.push_back(authenticator.name);
  }
  for (const auto& user_info : config.user_info) names.caches.push_back(user_info.name);
  return names;
}

}  // namespace sidegate::proxy
