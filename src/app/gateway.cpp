#include "gateway.hpp"

#include <sidegate/config/load.hpp>
#include <sidegate/explain/explain.hpp>
#include <sidegate/telemetry/log.hpp>

#include <sys/resource.h>

#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include "configuration.hpp"
#include "live_state.hpp"
#include "purge_request.hpp"
#include "revocation_request.hpp"
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

/// How long whoever is cut has to end.
constexpr std::chrono::seconds kLastResort{1};

/// Counters from all workers, added up on the thread that asked.
struct Collection {
  explicit Collection(std::shared_ptr<const telemetry::LabelNames> names) : sum(std::move(names)) {}

  telemetry::NamedCounters sum;
  std::size_t awaited = 0;
};

}  // namespace

/// A request that is being explained, with what was asked for it.
struct Gateway::Explaining {
  explain::Query query;
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<policy::Policy> policy;
  std::vector<policy::GivenAnswer> answers;
  std::function<void(admin::Outcome)> done;
};

base::UnixTime Gateway::civil_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

Gateway::~Gateway() {
  for (auto& worker : workers_) {
    worker->stop_accepting();
    worker->abort();
  }
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  shared_.ask_issuer = nullptr;
  shared_.ask_service = nullptr;
  authority_.reset();
  workers_.clear();
}

base::OrMessage<std::unique_ptr<Gateway>> Gateway::open(config::Config config, Source source) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  std::unique_ptr<Gateway> gateway(new Gateway(std::move(source)));
  config::Diagnostics diagnostics(config.file.empty() ? std::string(config::kEnvironmentFile) : config.file);
  auto first = gateway->prepare(std::move(config), diagnostics);
  if (!first) return base::Message{diagnostics.lines().front()};
  const auto followed = gateway->revocations_->follow(first->config->revocations.file, civil_now());
  if (!followed) return followed.error();
  gateway->now_ = std::move(*first);
  gateway->start_workers();
  return gateway;
}

void Gateway::start_workers() {
  const auto& config = *now_.config;
  authority_ = std::make_unique<authority::Authority>();
  shared_.ask_issuer = [this](const auto& issuer, auto done) { authority_->ask(issuer, std::move(done)); };
  shared_.ask_service = [this](auto question, auto done) { authority_->ask(std::move(question), std::move(done)); };
  follow_others();
  shared_.buffers.bytes_max = config.limits.memory_bytes_max;
  shared_.revocations = revocations_;
  for (unsigned i = 0; i < config.workers; ++i) {
    workers_.push_back(std::make_unique<proxy::Worker>(configuration_for(i), shared_));
  }
  log_listening({});
}

void Gateway::follow_others() {
  followed_ = issuers_.keep(*now_.config);
  followed_services_ = services_.keep(*now_.config);
  authority_->follow(followed_, followed_services_);
}

bool Gateway::is_ready() {
  if (!serving_) return false;
  if (awaits_keys_) {
    const bool lacks_keys =
        std::any_of(followed_.begin(), followed_.end(), [](const auto& issuer) { return issuer->version() == 0; });
    const bool waited = std::chrono::steady_clock::now() >= started_ + now_.config->startup_timeout;
    awaits_keys_ = lacks_keys && !waited;
  }
  return !awaits_keys_;
}

admin::Actions Gateway::actions() {
  using Text = std::function<void(std::string)>;
  return {
      .ready = [this] { return is_ready(); },
      .metrics =
          [this](const Text& done) {
            look_at_others([this, done](const Acquaintances& others) {
              done(telemetry::prometheus_text(others.sum, process_counters(others)));
            });
          },
      .config = [this] { return config::to_yaml(*now_.config); },
      .token =
          [this] {
            const auto& token = now_.config->admin.token;
            return token ? std::optional<base::Secret>(token->secret) : std::nullopt;
          },
      .routes =
          [this](const Text& done) {
            sum_counters([config = now_.config, done](const auto& sum) { done(routes_json(*config, sum)); });
          },
      .upstreams =
          [this](const Text& done) {
            sum_counters([config = now_.config, done](const auto& sum) { done(upstreams_json(*config, sum)); });
          },
      .authenticators =
          [this](const Text& done) {
            sum_counters([this, config = now_.config, done](const auto& sum) {
              done(authenticators_json(*config, sum, issuers_, followed_services_, civil_now()));
            });
          },
      .integrations =
          [this](const std::function<void(admin::Outcome)>& done) {
            look_at_others([done](const Acquaintances& others) {
              // It is told, however they are: that is no failure of whoever tells.
              done({200, integrations_json(integrations_of(others, civil_now(), std::chrono::steady_clock::now()))});
            });
          },
      .reload =
          [this](const std::function<void(admin::Outcome)>& done) { reload("asked for", &Gateway::read_anew, done); },
      .explain = [this](const std::string& query,
                        const std::function<void(admin::Outcome)>& done) { explain(query, done); },
      .revoke = [this](const std::string& body,
                       const std::function<void(admin::Outcome)>& done) { revoke(body, done); },
      .purge = [this](const std::string& body, const std::function<void(admin::Outcome)>& done) { purge(body, done); },
  };
}

void Gateway::explain(const std::string& query, const std::function<void(admin::Outcome)>& done) {
  const auto asked = explain::read_query(query);
  if (!asked) return done({400, boost::json::serialize(boost::json::object{{"error", asked.error().text}})});
  const auto explaining = std::make_shared<Explaining>(
      Explaining{.query = *asked, .config = now_.config, .policy = now_.policy, .answers = {}, .done = done});
  go_on(explaining);
}

void Gateway::go_on(const std::shared_ptr<Explaining>& explaining) {
  auto explanation =
      explain::explain(*explaining->config, *explaining->policy, explaining->query, civil_now(), explaining->answers);
  if (!explanation) {
    return explaining->done({400, boost::json::serialize(boost::json::object{{"error", explanation.error().text}})});
  }
  if (!explanation->question || explaining->answers.size() == explain::kQuestionsMax) {
    return explaining->done({200, explain::to_json(*explanation)});
  }
  auto& question = *explanation->question;
  explaining->answers.push_back({.service = question.service.get(), .key = question.key});
  authority_->ask(std::move(question), [this, explaining](inquiry::AnswerPtr answer, base::CacheResult from) {
    boost::asio::post(io_, [this, explaining, answer = std::move(answer), from] {
      explaining->answers.back().answer = answer;
      explaining->answers.back().from = from;
      go_on(explaining);
    });
  });
}

void Gateway::revoke(const std::string& body, const std::function<void(admin::Outcome)>& done) {
  const auto now = civil_now();
  const auto asked = read_revocation(body, *now_.config, *now_.policy, now);
  if (asked.refusal) return done(*asked.refusal);
  const auto addition = revocations_->add(asked.rules, now);
  const auto answer = answer_to(asked, addition);
  if (addition.result == revocation::Revocations::Addition::Result::TooMany) return done(answer);
  audit(asked);
  if (!addition.why.empty()) {
    telemetry::log(Level::Error, "a revocation could not be written: a restart forgets it", {{"error", addition.why}});
  }
  end_revoked([done, answer] { done(answer); });
}

void Gateway::purge(const std::string& body, const std::function<void(admin::Outcome)>& done) {
  auto asked = read_purge(body);
  if (!asked) return done({422, boost::json::serialize(boost::json::object{{"error", asked.error().text}})});
  std::vector<telemetry::Field> fields{{"what", asked->subject ? "subject" : asked->token ? "token" : "everything"}};
  if (asked->subject) fields.emplace_back("subject", *asked->subject);
  telemetry::audit(Level::Info, "answers of services were purged", fields);
  authority_->purge(*std::move(asked), [this, done](std::size_t count) {
    boost::asio::post(io_, [this, done, count] {
      empty_caches([done, count] { done({200, boost::json::serialize(boost::json::object{{"purged", count}})}); });
    });
  });
}

void Gateway::empty_caches(const std::function<void()>& done) {
  now_.policy->empty_caches();
  // A worker that has ended while all drain answers no more.
  const auto told = draining_ ? [] {} : once_all(done);
  for (auto& worker : workers_) worker->empty_caches(told);
  if (draining_) done();
}

void Gateway::end_revoked(const std::function<void()>& done) {
  // A worker that has ended while all drain answers no more.
  const auto told = draining_ ? [] {} : once_all(done);
  for (auto& worker : workers_) worker->end_revoked(told);
  if (draining_) done();
}

std::vector<config::Address> Gateway::addresses() const {
  std::vector<config::Address> addresses;
  for (const auto& each : now_.sockets) addresses.push_back(each.socket->address());
  return addresses;
}

void Gateway::run() {
  wait_for_signal();
  wait_for_hangup();
  for (auto& worker : workers_) {
    threads_.emplace_back([this, &worker] {
      auto last = worker->run();
      boost::asio::post(io_, [this, last = std::move(last)] { on_worker_done(last); });
    });
  }
  watch_files();
  on_revocations_changed();  // since it was read, and before it was watched
  serving_ = true;
  started_ = std::chrono::steady_clock::now();
  telemetry::log(Level::Info, "ready", {{"version", kVersion}, {"commit", kCommit}});
  io_.run();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  telemetry::log(Level::Info, "stopped");
}

void Gateway::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    if (draining_) std::_Exit(EXIT_FAILURE);
    wait_for_signal();
    drain();
  });
}

void Gateway::wait_for_hangup() {
  hangup_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    wait_for_hangup();
    telemetry::reopen_log();
    now_.access_log->reopen();
    reload_because("SIGHUP", &Gateway::read_anew);
  });
}

void Gateway::drain() {
  draining_ = true;
  serving_ = false;
  telemetry::log(Level::Info, "draining");
  for (auto& worker : workers_) worker->begin_drain();
  grace_.expires_after(now_.config->shutdown.grace);
  grace_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    for (const auto& each : now_.sockets) each.socket->refuse_new();
    const auto stopped = once_all([this] { close_unused(now_.sockets, {}); });
    for (auto& worker : workers_) worker->stop_accepting(stopped);
  });
  timeout_.expires_after(now_.config->shutdown.timeout);
  timeout_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    cut_everything();
  });
}

void Gateway::cut_everything() {
  telemetry::log(Level::Warning, "the shutdown timeout is over: connections are cut");
  for (auto& worker : workers_) {
    worker->stop_accepting();
    worker->abort();
  }
  // Nothing ends a look-up in the system's resolver.
  last_resort_.expires_after(kLastResort);
  last_resort_.async_wait([](const boost::system::error_code& error) {
    if (error) return;
    telemetry::log(Level::Warning, "a name server does not answer: the process ends without waiting for it");
    std::_Exit(EXIT_SUCCESS);
  });
}

void Gateway::on_worker_done(const telemetry::NamedCounters& last) {
  workers_done_.push_back(last);
  if (workers_done_.size() < workers_.size()) return;
  grace_.cancel();
  timeout_.cancel();
  last_resort_.cancel();
  signals_.cancel();
  hangup_.cancel();
  configuration_watcher_.stop();
  secret_watcher_.stop();
  revocation_watcher_.stop();
  now_.admin->close();
  if (now_.health) now_.health->close();
}

std::function<void()> Gateway::once_all(std::function<void()> done) {
  const auto waiting = std::make_shared<std::size_t>(workers_.size());
  return [this, waiting, done = std::move(done)] {
    boost::asio::post(io_, [waiting, done] {
      if (--*waiting == 0) done();
    });
  };
}

void Gateway::sum_counters(const std::function<void(const telemetry::NamedCounters&)>& done) {
  const auto collection = std::make_shared<Collection>(now_.labels);
  for (const auto& last : workers_done_) collection->sum.merge(last);
  collection->awaited = workers_.size() - workers_done_.size();
  const auto finish = [this, collection, done] {
    add_answers_kept(collection->sum, followed_services_);
    done(collection->sum);
  };
  if (collection->awaited == 0) return finish();
  for (auto& worker : workers_) {
    worker->copy_counters([this, collection, finish](const telemetry::NamedCounters& counters) {
      boost::asio::post(io_, [collection, finish, counters] {
        collection->sum.merge(counters);
        if (--collection->awaited == 0) finish();
      });
    });
  }
}

void Gateway::look_at_others(const std::function<void(const Acquaintances&)>& done) {
  sum_counters([this, config = now_.config, services = followed_services_, done](const auto& sum) {
    done({*config, sum, services, issuers_});
  });
}

telemetry::ProcessCounters Gateway::process_counters(const Acquaintances& others) const {
  const auto moment = std::chrono::steady_clock::now();
  auto dropped = log_dropped_before_ + now_.access_log->dropped();
  for (const auto& earlier : earlier_access_logs_) dropped += earlier->dropped();
  std::vector<telemetry::ProcessCounters::Integration> answering;
  for (const auto& each : integrations_of(others, civil_now(), moment)) {
    answering.push_back({each.name, each.health == Integration::Health::Healthy});
  }
  return {.services = service_calls(others.services),
          .integrations = std::move(answering),
          .key_expiries = key_expiries(others.config),
          .issued_keys = issued_keys(others.config, others.issuers, moment),
          .reloads_succeeded = reloads_succeeded_,
          .reloads_failed = reloads_failed_,
          .log_dropped = dropped,
          .version = kVersion,
          .commit = kCommit};
}

}  // namespace sidegate::app
