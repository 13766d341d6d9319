#include "live_state.hpp"

#include <sidegate/token/inspection.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

namespace sidegate::app {
namespace {

namespace json = boost::json;
using telemetry::WorkerCounters;

constexpr unsigned kPlaceShift = 16;
constexpr std::uint64_t kStatusMask = 0xFFF;

/// The answers counted for one place, by status; "0" where there was none.
json::object answers_of(const boost::unordered_flat_map<std::uint64_t, std::uint64_t>& counts, std::size_t place) {
  std::map<std::uint64_t, std::uint64_t> by_status;
  for (const auto& [key, count] : counts) {
    if (key >> kPlaceShift == place) by_status[key & kStatusMask] += count;
  }
  json::object answers;
  for (const auto& [status, count] : by_status) answers[std::to_string(status)] = count;
  return answers;
}

/// The mean in microseconds; null where nothing was measured.
json::value mean_of(const telemetry::Histogram& durations) {
  if (durations.count == 0) return nullptr;
  const auto sum = std::chrono::floor<std::chrono::microseconds>(durations.sum);
  return sum.count() / static_cast<std::int64_t>(durations.count);
}

template <class Item>
json::array texts(const std::vector<config::Located<Item>>& items) {
  json::array array;
  for (const auto& item : items) array.emplace_back(item.value);
  return array;
}

json::value authenticate_of(const config::Route& route) {
  using Authenticate = config::Route::Authenticate;
  if (route.authenticate == Authenticate::None) return "none";
  if (route.authenticate == Authenticate::Optional) return "optional";
  return texts(route.authenticators);
}

json::object server_state(const config::Server& server, std::size_t place, const WorkerCounters& counters) {
  const auto& open = counters.origin_connections[place];
  return {{"url", server.url},
          {"connections", {{"active", open.active}, {"idle", open.idle}}},
          {"answers", answers_of(counters.origin_requests, place)}};
}

std::string key_name(const config::Key& key, std::size_t index) {
  return "keys[" + std::to_string(index) + "] (" + key.source() + ")";
}

/// What an issuer has published, and how it was last asked.
json::object published_by(const token::IssuerKeys& issuer) {
  const auto status = issuer.status();
  json::object published{{"url", issuer.settings().shown_url()},
                         {"fetches", {{"ok", status.fetches_succeeded}, {"failed", status.fetches_failed}}}};
  if (status.published) {
    const auto age = std::chrono::steady_clock::now() - *status.published;
    published["age_seconds"] = std::chrono::floor<std::chrono::seconds>(age).count();
  }
  if (!status.last_error.empty()) published["last_error"] = status.last_error;
  json::array keys;
  if (const auto published_keys = issuer.keys()) {
    for (const token::KeyMaterial& key : *published_keys) {
      json::object entry;
      if (!key.id.empty()) entry["kid"] = key.id;
      if (const auto* const half = std::get_if<token::PublicKey>(&key.key))
        entry["kind"] = token::name_of(half->kind());
      keys.push_back(std::move(entry));
    }
  }
  published["keys"] = std::move(keys);
  return published;
}

json::array keys_of(const config::JwtAuthenticator& jwt, const token::IssuerBoard& issuers, base::UnixTime now) {
  json::array keys;
  for (std::size_t i = 0; i < jwt.keys.size(); ++i) {
    const config::Key& key = jwt.keys[i];
    json::object entry{{"name", key_name(key, i)}, {"in_use", !key.until || now < *key.until}};
    if (key.until) entry["until"] = token::rfc3339(*key.until);
    if (const auto issuer = key.issuer ? issuers.find(*key.issuer) : nullptr) entry["issuer"] = published_by(*issuer);
    keys.push_back(std::move(entry));
  }
  return keys;
}

json::object cache_state(const WorkerCounters::CacheUse& use) {
  return {{"entries", use.entries},
          {"hits", use.count(base::CacheResult::Hit)},
          {"misses", use.count(base::CacheResult::Miss)}};
}

/// The same of answers, of which there are more kinds.
json::object answers_state(const WorkerCounters::CacheUse& use) {
  json::object state{{"entries", use.entries}};
  for (std::size_t i = 0; i < use.results.size(); ++i) {
    state[base::name_of(static_cast<base::CacheResult>(i))] = use.results[i];
  }
  return state;
}

std::string_view word_of(inquiry::Service::Circuit circuit) noexcept {
  switch (circuit) {
    case inquiry::Service::Circuit::Closed:
      return "closed";
    case inquiry::Service::Circuit::HalfOpen:
      return "half-open";
    case inquiry::Service::Circuit::Open:
      break;
  }
  return "open";
}

/// How a service was asked, and what came of it.
void add_service(json::object& entry, const inquiry::Service& service) {
  const auto status = service.status();
  entry["url"] = service.endpoint().shown_url();
  entry["circuit"] = word_of(status.circuit);
  entry["calls"] = {{"yes", status.said_yes}, {"no", status.said_no}, {"failed", status.failed}};
  entry["mean_us"] = mean_of(status.durations);
  if (status.last_call) entry["last_call"] = token::rfc3339(*status.last_call);
  if (!status.last_error.empty()) entry["last_error"] = status.last_error;
}

const inquiry::Service* find_service(const Services& services, std::string_view name) {
  const auto found =
      std::find_if(services.begin(), services.end(), [&](const auto& service) { return service->name() == name; });
  return found == services.end() ? nullptr : found->get();
}

const WorkerCounters::CacheUse* find_cache(const telemetry::NamedCounters& sum, const std::string& name) {
  const auto& names = sum.names->caches;
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? nullptr : &sum.counters.caches[static_cast<std::size_t>(found - names.begin())];
}

json::object decisions_of(const std::array<std::uint64_t, base::kReasonCount>& counts) {
  json::object decisions;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto outcome = static_cast<base::Reason>(i);
    if (base::is_outcome(outcome)) decisions[base::name_of(outcome)] = counts[i];
  }
  return decisions;
}

}  // namespace

std::string routes_json(const config::Config& config, const telemetry::NamedCounters& sum) {
  json::array routes;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const config::Route& route = config.routes[i];
    json::object entry{{"name", route.name}};
    if (route.listener) entry["listener"] = route.listener->value;
    if (!route.hosts.empty()) entry["host"] = texts(route.hosts);
    entry["path"] = texts(route.paths);
    if (!route.methods.empty()) entry["methods"] = texts(route.methods);
    entry["authenticate"] = authenticate_of(route);
    entry["upstream"] = route.upstream.value;
    entry["requests"] = sum.counters.request_durations[i].count;
    entry["answers"] = answers_of(sum.counters.requests, i);
    entry["mean_us"] = mean_of(sum.counters.request_durations[i]);
    routes.push_back(std::move(entry));
  }
  return json::serialize(json::object{{"routes", std::move(routes)}});
}

std::string upstreams_json(const config::Config& config, const telemetry::NamedCounters& sum) {
  json::array upstreams;
  std::size_t place = 0;
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    json::array servers;
    for (const auto& server : config.upstreams[i].servers) {
      servers.push_back(server_state(server, place++, sum.counters));
    }
    upstreams.push_back(json::object{{"name", config.upstreams[i].name},
                                     {"servers", std::move(servers)},
                                     {"retries", sum.counters.origin_retries[i]},
                                     {"mean_us", mean_of(sum.counters.origin_durations[i])}});
  }
  return json::serialize(json::object{{"upstreams", std::move(upstreams)}});
}

std::string authenticators_json(const config::Config& config, const telemetry::NamedCounters& sum,
                                const token::IssuerBoard& issuers, const Services& services, base::UnixTime now) {
  using Kind = config::Authenticator::Kind;
  json::array authenticators;
  for (std::size_t i = 0; i < config.authenticators.size(); ++i) {
    const config::Authenticator& authenticator = config.authenticators[i];
    json::object entry{{"name", authenticator.name}};
    if (authenticator.kind == Kind::Jwt) {
      const config::JwtAuthenticator& jwt = authenticator.jwt;
      entry["kind"] = "jwt";
      if (!jwt.issuer.empty()) entry["issuer"] = jwt.issuer;
      if (!jwt.audience.empty()) entry["audience"] = json::array(jwt.audience.begin(), jwt.audience.end());
      entry["algorithms"] = texts(jwt.algorithms);
      entry["keys"] = keys_of(jwt, issuers, now);
    } else {
      entry["kind"] = authenticator.kind == Kind::Remote ? "remote" : "introspection";
      if (const auto* const service = find_service(services, authenticator.name)) add_service(entry, *service);
    }
    entry["decisions"] = decisions_of(sum.counters.decisions[i]);
    if (const auto* const verified = find_cache(sum, authenticator.name + ".verified")) {
      entry["verified_cache"] = cache_state(*verified);
    }
    if (const auto* const answers = find_cache(sum, authenticator.name)) entry["cache"] = answers_state(*answers);
    authenticators.push_back(std::move(entry));
  }
  json::object state{{"authenticators", std::move(authenticators)}};
  if (!config.user_info.empty()) {
    json::array user_info;
    for (const auto& info : config.user_info) {
      json::object entry{{"name", info.name}};
      if (const auto* const service = find_service(services, info.name)) add_service(entry, *service);
      if (const auto* const answers = find_cache(sum, info.name)) entry["cache"] = answers_state(*answers);
      user_info.push_back(std::move(entry));
    }
    state["user_info"] = std::move(user_info);
  }
  if (config.session_refresh) {
    json::object entry;
    if (const auto* const service = find_service(services, "session_refresh")) add_service(entry, *service);
    state["session_refresh"] = std::move(entry);
  }
  return json::serialize(state);
}

std::vector<telemetry::ProcessCounters::ServiceCalls> service_calls(const Services& services) {
  std::vector<telemetry::ProcessCounters::ServiceCalls> all;
  for (const auto& service : services) {
    const auto status = service->status();
    all.push_back({.name = service->name(),
                   .renews_sessions = service->kind() == inquiry::Service::Kind::SessionRefresh,
                   .said_yes = status.said_yes,
                   .said_no = status.said_no,
                   .failed = status.failed,
                   .circuit = static_cast<unsigned>(status.circuit),
                   .durations = status.durations});
  }
  return all;
}

void add_answers_kept(telemetry::NamedCounters& sum, const Services& services) {
  const auto& names = sum.names->caches;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto* const service = find_service(services, names[i])) {
      sum.counters.caches[i].entries = service->status().answers_kept;
    }
  }
}

std::vector<telemetry::ProcessCounters::KeyExpiry> key_expiries(const config::Config& config) {
  std::vector<telemetry::ProcessCounters::KeyExpiry> expiries;
  for (const auto& authenticator : config.authenticators) {
    for (std::size_t i = 0; i < authenticator.jwt.keys.size(); ++i) {
      const config::Key& key = authenticator.jwt.keys[i];
      if (key.until) expiries.push_back({authenticator.name, key_name(key, i), *key.until});
    }
  }
  return expiries;
}

std::vector<telemetry::ProcessCounters::IssuedKeys> issued_keys(const config::Config& config,
                                                                const token::IssuerBoard& issuers,
                                                                base::SteadyTime now) {
  std::vector<telemetry::ProcessCounters::IssuedKeys> all;
  for (const auto& authenticator : config.authenticators) {
    std::optional<base::SteadyTime> oldest = now;
    telemetry::ProcessCounters::IssuedKeys issued;
    bool has_issuer = false;
    for (const auto& key : authenticator.jwt.keys) {
      const auto issuer = key.issuer ? issuers.find(*key.issuer) : nullptr;
      if (issuer == nullptr) continue;
      has_issuer = true;
      const auto status = issuer->status();
      issued.fetches_succeeded += status.fetches_succeeded;
      issued.fetches_failed += status.fetches_failed;
      if (const auto keys = issuer->keys()) issued.keys += keys->size();
      if (!status.published) oldest.reset();
      if (oldest) oldest = std::min(*oldest, *status.published);
    }
    if (!has_issuer) continue;
    issued.authenticator = authenticator.name;
    if (oldest) issued.age = now - *oldest;
    all.push_back(std::move(issued));
  }
  return all;
}

}  // namespace sidegate::app
