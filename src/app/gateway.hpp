#pragma once

#include <sidegate/admin/admin_server.hpp>
#include <sidegate/authority/authority.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/proxy/worker.hpp>
#include <sidegate/revocation/revocations.hpp>
#include <sidegate/telemetry/access_log.hpp>
#include <sidegate/telemetry/counters.hpp>
#include <sidegate/token/issuer_keys.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "configuration.hpp"
#include "file_watcher.hpp"
#include "integrations.hpp"
#include "sockets.hpp"

namespace sidegate::app {

/// The running program: listening sockets, workers with their threads, the admin API and the signals. The main thread
/// runs the admin API and nothing of the proxy.
class Gateway {
 public:
  /// How a configuration is read anew while the gateway runs.
  struct Source {
    std::function<Configuration(const config::Config& earlier)> read;  ///< from where the earlier one came
    config::Environment environment;                                   ///< for the secrets alone
  };

  /// Opens everything that can fail: sockets, log files. Nothing is served yet.
  static base::OrMessage<std::unique_ptr<Gateway>> open(config::Config config, Source source);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Where callers connect, in the order of the configuration, with the ports that the system chose.
  std::vector<config::Address> addresses() const;

  /// Serves until TERM or INT, then drains: at once not ready, listeners closed after `shutdown.grace`, every
  /// connection by `shutdown.timeout`. A second signal ends the process at once. HUP opens log files anew and reloads.
  void run();

 private:
  /// One configuration with everything that was opened for it.
  struct Generation {
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<const telemetry::LabelNames> labels;
    std::shared_ptr<policy::Policy> policy;  ///< for explanations; each worker has its own
    std::vector<OpenSocket> sockets;
    std::shared_ptr<telemetry::AccessLog> access_log;
    std::shared_ptr<admin::AdminServer> admin;
    std::shared_ptr<admin::AdminServer> health;  ///< may be null
  };

  struct Explaining;

  explicit Gateway(Source source) : source_(std::move(source)) {}

  // Configurations: gateway_reload.cpp.
  /// Opens what `config` needs and the current generation does not have. What cannot be opened goes into
  /// `diagnostics`, and nothing has changed.
  std::optional<Generation> prepare(config::Config config, config::Diagnostics& diagnostics);
  std::shared_ptr<telemetry::AccessLog> open_access_log(const config::Config& config);
  std::shared_ptr<admin::AdminServer> open_admin(const config::Address& address, const config::Location& where,
                                                 admin::Surface surface, config::Diagnostics& diagnostics);
  proxy::WorkerConfiguration configuration_for(unsigned worker);
  /// Takes `next` into use; calls `done` once every worker has.
  void adopt(Generation next, const std::function<void()>& done);
  /// Reads the configuration anew and takes it into use, or says why not; `done` gets the answer of the admin API.
  void reload(std::string_view why, Configuration (Gateway::*read)() const,
              const std::function<void(admin::Outcome)>& done);
  void reload_because(std::string_view why, Configuration (Gateway::*read)() const);
  void on_secret_changed();
  void follow_revocations();
  void on_revocations_changed();
  Configuration read_anew() const;
  Configuration read_secrets_anew() const;
  void watch_files();
  /// Tells of what `before` did not have.
  void log_listening(const Generation& before) const;
  /// Closes what was opened for an earlier configuration only.
  void let_go_of(const Generation& before);

  // The rest: gateway.cpp.
  static base::UnixTime civil_now();
  admin::Actions actions();
  void explain(const std::string& query, const std::function<void(admin::Outcome)>& done);
  /// Explains with what is known by now, or asks for more first.
  void go_on(const std::shared_ptr<Explaining>& explaining);
  void revoke(const std::string& body, const std::function<void(admin::Outcome)>& done);
  void purge(const std::string& body, const std::function<void(admin::Outcome)>& done);
  /// Lets go of what all workers have verified and remember; then calls `done`.
  void empty_caches(const std::function<void()>& done);
  /// Ends what is under way with a credential that is revoked by now; then calls `done`.
  void end_revoked(const std::function<void()>& done);
  void start_workers();
  /// Asks the issuers and keeps the answers of the services that the configuration in use names, and of no others.
  void follow_others();
  /// Whether it serves, with the keys of every issuer or after it has waited for them for long enough.
  bool is_ready();
  void wait_for_signal();
  void wait_for_hangup();
  void drain();
  void cut_everything();
  void on_worker_done(const telemetry::NamedCounters& last);
  /// What each worker is to call; `done` is then called once, on the main thread.
  std::function<void()> once_all(std::function<void()> done);
  /// The sum of the workers' counters, under the names of the current configuration.
  void sum_counters(const std::function<void(const telemetry::NamedCounters&)>& done);
  /// What the current configuration knows of others; it stays the same for `done`, though the next one comes meanwhile.
  void look_at_others(const std::function<void(const Acquaintances&)>& done);
  telemetry::ProcessCounters process_counters(const Acquaintances& others) const;

  /// How often the file of revocations is looked at, which takes two looks to be read: all know within a second.
  static constexpr std::chrono::milliseconds kRevocationInterval{200};

  Source source_;
  token::IssuerBoard issuers_;
  inquiry::ServiceBoard services_;
  std::vector<std::shared_ptr<token::IssuerKeys>> followed_;          ///< those of the configuration in use
  std::vector<std::shared_ptr<inquiry::Service>> followed_services_;  ///< the same
  std::shared_ptr<revocation::Revocations> revocations_ = std::make_shared<revocation::Revocations>();
  policy::Shared policy_shared_{.issuers = &issuers_, .services = &services_, .revocations = revocations_};
  proxy::SharedState shared_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_{io_, SIGTERM, SIGINT};
  boost::asio::signal_set hangup_{io_, SIGHUP};
  boost::asio::steady_timer grace_{io_};
  boost::asio::steady_timer timeout_{io_};
  boost::asio::steady_timer last_resort_{io_};
  FileWatcher configuration_watcher_{io_, [this] { reload_because("the file has changed", &Gateway::read_anew); }};
  FileWatcher secret_watcher_{io_, [this] { on_secret_changed(); }};
  FileWatcher revocation_watcher_{io_, [this] { on_revocations_changed(); }, kRevocationInterval};
  Generation now_;
  std::vector<std::shared_ptr<telemetry::AccessLog>> earlier_access_logs_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  std::unique_ptr<authority::Authority> authority_;  ///< gone before the workers are: it tells them of answers
  std::vector<std::thread> threads_;
  std::uint64_t reloads_succeeded_ = 0;
  std::uint64_t reloads_failed_ = 0;
  std::uint64_t log_dropped_before_ = 0;                ///< by access logs that are closed
  std::vector<telemetry::NamedCounters> workers_done_;  ///< what those counted that have ended
  base::SteadyTime started_;
  bool serving_ = false;
  bool awaits_keys_ = true;  ///< some issuer has published none since the start
  bool draining_ = false;
};

}  // namespace sidegate::app
