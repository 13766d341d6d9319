#include <sidegate/telemetry/log.hpp>

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

#include "gateway.hpp"
#include "revocation_request.hpp"

/// How the gateway takes a configuration into use, the first one and every later one. The next is made aside and whole:
/// what can fail fails before anything has changed.
namespace sidegate::app {
namespace {

namespace json = boost::json;
using config::Diagnostics;
using telemetry::Level;

json::array to_json(const std::vector<std::string>& lines) {
  return json::array(lines.begin(), lines.end());
}

}  // namespace

std::optional<Gateway::Generation> Gateway::prepare(config::Config config, Diagnostics& diagnostics) {
  Generation next;
  next.config = std::make_shared<const config::Config>(std::move(config));
  next.labels = std::make_shared<const telemetry::LabelNames>(proxy::label_names(*next.config));
  next.policy = compile_policy(*next.config, policy_shared_);
  next.sockets = open_sockets(*next.config, now_.sockets, diagnostics);
  if (!diagnostics.ok()) return std::nullopt;

  const auto& admin = next.config->admin;
  const bool same_admin = now_.admin && now_.config->admin.address == admin.address;
  next.admin = same_admin ? now_.admin : open_admin(admin.address, admin.where, admin::Surface::Admin, diagnostics);
  if (const auto& health = next.config->health) {
    const bool same_health = now_.health && now_.config->health->address == health->address;
    next.health =
        same_health ? now_.health : open_admin(health->address, health->where, admin::Surface::Health, diagnostics);
  }
  if (!diagnostics.ok()) return std::nullopt;

  config::Location sink = next.config->access_log.where;
  try {
    next.access_log = open_access_log(*next.config);
    sink = next.config->log.where;
    const bool same_log = now_.config && now_.config->log == next.config->log;
    if (!same_log) telemetry::open_log(next.config->log);
  } catch (const std::system_error& error) {
    diagnostics.error(sink, error.what());
    return std::nullopt;
  }
  return next;
}

std::shared_ptr<telemetry::AccessLog> Gateway::open_access_log(const config::Config& config) {
  const bool same =
      now_.access_log && now_.config->access_log == config.access_log && now_.config->log.format == config.log.format;
  if (same) return now_.access_log;
  const auto workers = workers_.empty() ? config.workers : static_cast<unsigned>(workers_.size());
  return std::make_shared<telemetry::AccessLog>(config.access_log, config.log.format == "text", workers);
}

std::shared_ptr<admin::AdminServer> Gateway::open_admin(const config::Address& address, const config::Location& where,
                                                        admin::Surface surface, Diagnostics& diagnostics) {
  auto server = admin::AdminServer::open(io_, address, surface, actions());
  if (!server) {
    diagnostics.error(where, server.error().text);
    return nullptr;
  }
  return std::move(*server);
}

proxy::WorkerConfiguration Gateway::configuration_for(unsigned worker) {
  return {.config = now_.config,
          .labels = now_.labels,
          .sockets = sockets_of(now_.sockets),
          .policy = compile_policy(*now_.config, policy_shared_),
          .access_log = now_.access_log,
          .worker = worker};
}

void Gateway::adopt(Generation next, const std::function<void()>& done) {
  const auto before = std::make_shared<const Generation>(std::exchange(now_, std::move(next)));
  shared_.buffers.bytes_max = now_.config->limits.memory_bytes_max;
  for (std::size_t i = 0; i < now_.sockets.size(); ++i) {
    const auto set = now_.sockets[i].socket->set_mode(now_.config->listeners[i].mode);
    if (!set) telemetry::log(Level::Warning, set.error().text);
  }
  if (before->access_log != now_.access_log) earlier_access_logs_.push_back(before->access_log);
  watch_files();
  follow_others();
  follow_revocations();
  log_listening(*before);
  refuse_at_unused(before->sockets, now_.sockets);
  const auto applied = once_all([this, before, done, sockets = now_.sockets] {
    close_unused(before->sockets, sockets);
    done();
    // Later, so that the answer of an admin API that moves away is on its way.
    boost::asio::post(io_, [this, before] { let_go_of(*before); });
  });
  for (unsigned i = 0; i < workers_.size(); ++i) workers_[i]->apply(configuration_for(i), applied);
}

void Gateway::log_listening(const Generation& before) const {
  const auto log = [](std::string_view name, const config::Address& address) {
    telemetry::log(Level::Info, "listening", {{"listener", name}, {"address", address.text()}});
  };
  for (std::size_t i = 0; i < now_.sockets.size(); ++i) {
    const auto& socket = now_.sockets[i];
    const bool is_new = std::none_of(before.sockets.begin(), before.sockets.end(),
                                     [&](const OpenSocket& each) { return each.socket == socket.socket; });
    if (is_new) log(now_.config->listeners[i].name, socket.socket->address());
  }
  if (now_.admin != before.admin) log("admin", now_.admin->local_address());
  if (now_.health && now_.health != before.health) log("health", now_.health->local_address());
}

void Gateway::let_go_of(const Generation& before) {
  if (before.admin != now_.admin) before.admin->close();
  if (before.health && before.health != now_.health) before.health->close();
  // What requests under way still write to is let go at a later reload, or at the end.
  std::erase_if(earlier_access_logs_, [this](const std::shared_ptr<telemetry::AccessLog>& log) {
    if (log.use_count() > 1) return false;
    log_dropped_before_ += log->dropped();
    return true;
  });
}

Configuration Gateway::read_anew() const {
  return source_.read(*now_.config);
}

/// Nothing but the secrets: what else has changed in the file is for another reload to bring in.
Configuration Gateway::read_secrets_anew() const {
  return load_again(*now_.config, source_.environment);
}

void Gateway::reload(std::string_view why, Configuration (Gateway::*read)() const,
                     const std::function<void(admin::Outcome)>& done) {
  if (draining_) return done({503, R"({"error":"Draining"})"});
  // Before the files are read, so that no change is missed.
  configuration_watcher_.look_anew();
  secret_watcher_.look_anew();
  Configuration next = (this->*read)();
  auto& diagnostics = next.diagnostics;
  if (next.ok() && next.config.workers != workers_.size()) {
    diagnostics.warning({}, "another number of workers takes effect at the next start");
  }
  std::optional<Generation> generation;
  if (next.ok()) generation = prepare(std::move(next.config), diagnostics);
  const auto errors = diagnostics.lines(Diagnostics::Severity::Error);
  const auto warnings = diagnostics.lines(Diagnostics::Severity::Warning);
  const std::vector<telemetry::Field> fields{{"because", why}, {"file", diagnostics.file()}};
  for (const auto& line : warnings) telemetry::log(Level::Warning, line);
  if (!generation) {
    issuers_.keep(*now_.config);  // what was made for the other one is not followed, and would grow old
    ++reloads_failed_;
    telemetry::audit(Level::Error, "the configuration was not reloaded; the one in use stays", fields);
    for (const auto& line : errors) telemetry::log(Level::Error, line);
    return done({422, json::serialize(json::object{{"errors", to_json(errors)}, {"warnings", to_json(warnings)}})});
  }
  ++reloads_succeeded_;
  telemetry::audit(Level::Info, "the configuration was reloaded", fields);
  adopt(std::move(*generation), [done, warnings] {
    done({200, json::serialize(json::object{{"status", "reloaded"}, {"warnings", to_json(warnings)}})});
  });
}

void Gateway::reload_because(std::string_view why, Configuration (Gateway::*read)() const) {
  reload(why, read, [](const admin::Outcome&) {});
}

void Gateway::on_secret_changed() {
  std::string why = "a secret has changed:";
  for (const auto& file : secret_watcher_.changed_files()) why += " " + file;
  reload_because(why, &Gateway::read_secrets_anew);
}

void Gateway::watch_files() {
  const auto& config = *now_.config;
  const bool watches = config.watch && !config.file.empty();
  configuration_watcher_.watch(watches ? std::vector<std::string>{config.file} : std::vector<std::string>{});
  secret_watcher_.watch(config::secret_files(config));
  const auto& revocations = config.revocations.file;
  revocation_watcher_.watch(revocations.empty() ? std::vector<std::string>{} : std::vector<std::string>{revocations});
}

void Gateway::follow_revocations() {
  const auto followed = revocations_->follow(now_.config->revocations.file, civil_now());
  if (!followed)
    telemetry::log(Level::Error, "revocations are held in memory only", {{"error", followed.error().text}});
  end_revoked([] {});
}

void Gateway::on_revocations_changed() {
  const auto changed = revocations_->read_again(civil_now());
  if (!changed) {
    telemetry::log(Level::Error, "the revocations cannot be read anew; those in force stay",
                   {{"error", changed.error().text}});
    return;
  }
  if (!*changed) return;
  const auto rules = revocations_->rules();
  telemetry::audit(Level::Info, "the revocations have changed",
                   {{"file", now_.config->revocations.file}, {"rules", std::to_string(rules.size())}});
  for (const auto& name : unknown_authenticators(rules, *now_.config)) {
    telemetry::log(Level::Warning, "credentials of an authenticator are revoked that there is not",
                   {{"authenticator", name}});
  }
  end_revoked([] {});
}

}  // namespace sidegate::app
