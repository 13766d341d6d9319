#include "process_stats.hpp"

#include <sidegate/telemetry/counters.hpp>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <map>
#include <tuple>

namespace sidegate::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Families = std::vector<MetricFamily>;

constexpr std::array<std::string_view, kMethodLabelCount> kMethodNames{"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                                       "CONNECT", "OPTIONS", "TRACE", "PATCH", "other"};

/// The reference is good until the next family is added.
MetricFamily& add_family(Families& families, std::string name, std::string help, MetricType type) {
  families.push_back({std::move(name), std::move(help), type, {}});
  return families.back();
}

void add_counter(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;
  family.metric.push_back(std::move(metric));
}

void add_counter(MetricFamily& family, Labels labels, std::uint64_t value) {
  add_counter(family, std::move(labels), static_cast<double>(value));
}

void add_gauge(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

void add_histogram(MetricFamily& family, Labels labels, const Histogram& histogram) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.histogram.sample_count = histogram.count;
  metric.histogram.sample_sum = std::chrono::duration<double>(histogram.sum).count();
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.buckets.size(); ++i) {
    cumulative += histogram.buckets[i];
    const bool last = i == Histogram::kBounds.size();
    metric.histogram.bucket.push_back(
        {cumulative, last ? std::numeric_limits<double>::infinity() : Histogram::kBounds[i]});
  }
  family.metric.push_back(std::move(metric));
}

/// The label of a place in `routes`; the one past the end is "", no route.
std::string route_label(const LabelNames& names, std::size_t place) {
  return place < names.routes.size() ? names.routes[place] : std::string();
}

void add_requests(Families& families, const LabelNames& names, const WorkerCounters& sum) {
  auto& total = add_family(families, "sidegate_requests_total",
                           "Requests by route (empty: none matched), method and status; code 0: the client left before "
                           "an answer.",
                           MetricType::Counter);
  const std::map<std::uint64_t, std::uint64_t> ordered(sum.requests.begin(), sum.requests.end());
  for (const auto& [key, count] : ordered) {
    const auto method = kMethodNames[(key >> 12U) & 0xFU];
    add_counter(total,
                {{"route", route_label(names, key >> 16U)},
                 {"method", std::string(method)},
                 {"code", std::to_string(key & 0xFFFU)}},
                count);
  }
  auto& duration =
      add_family(families, "sidegate_request_duration_seconds",
                 "From a request's whole head to the last byte of its answer, by route.", MetricType::Histogram);
  for (std::size_t i = 0; i < sum.request_durations.size(); ++i) {
    add_histogram(duration, {{"route", route_label(names, i)}}, sum.request_durations[i]);
  }
}

void add_upstreams(Families& families, const LabelNames& names, const WorkerCounters& sum) {
  auto& total =
      add_family(families, "sidegate_upstream_requests_total",
                 "Requests for a server, by the status of its answer; code 0: there was none.", MetricType::Counter);
  // A server may stand twice in one upstream, for weight; it is one series.
  std::map<std::tuple<std::string, std::string, std::uint64_t>, std::uint64_t> answers;
  for (const auto& [key, count] : sum.origin_requests) {
    const auto& server = names.servers[key >> 16U];
    answers[{server.upstream, server.server, key & 0xFFFFU}] += count;
  }
  for (const auto& [key, count] : answers) {
    const auto& [upstream, server, status] = key;
    add_counter(total, {{"upstream", upstream}, {"server", server}, {"code", std::to_string(status)}}, count);
  }

  auto& duration =
      add_family(families, "sidegate_upstream_duration_seconds",
                 "From a request's whole head to the head of the upstream's answer.", MetricType::Histogram);
  for (std::size_t i = 0; i < sum.origin_durations.size(); ++i) {
    add_histogram(duration, {{"upstream", names.upstreams[i]}}, sum.origin_durations[i]);
  }

  auto& retries = add_family(families, "sidegate_upstream_retries_total",
                             "Requests that were sent once more, on another connection.", MetricType::Counter);
  for (std::size_t i = 0; i < sum.origin_retries.size(); ++i) {
    add_counter(retries, {{"upstream", names.upstreams[i]}}, sum.origin_retries[i]);
  }

  auto& connections =
      add_family(families, "sidegate_upstream_connections",
                 "Open connections to a server: active (carrying a request) or idle.", MetricType::Gauge);
  std::map<std::pair<std::string, std::string>, WorkerCounters::OriginConnections> open;
  for (std::size_t i = 0; i < sum.origin_connections.size(); ++i) {
    auto& of_server = open[{names.servers[i].upstream, names.servers[i].server}];
    of_server.active += sum.origin_connections[i].active;
    of_server.idle += sum.origin_connections[i].idle;
  }
  for (const auto& [key, count] : open) {
    const Labels labels{{"upstream", key.first}, {"server", key.second}};
    for (const auto& [state, value] : {std::pair{"active", count.active}, std::pair{"idle", count.idle}}) {
      Labels with_state = labels;
      with_state.push_back({"state", state});
      add_gauge(connections, std::move(with_state), static_cast<double>(value));
    }
  }
}

void add_decisions(Families& families, const LabelNames& names, const WorkerCounters& sum) {
  auto& decisions = add_family(families, "sidegate_auth_decisions_total",
                               "Decisions of authenticators about credentials, by outcome.", MetricType::Counter);
  for (std::size_t i = 0; i < sum.decisions.size(); ++i) {
    for (std::size_t j = 0; j < base::kReasonCount; ++j) {
      const auto outcome = static_cast<base::Reason>(j);
      if (!base::is_outcome(outcome)) continue;
      add_counter(decisions,
                  {{"authenticator", names.authenticators[i]}, {"outcome", std::string(base::name_of(outcome))}},
                  sum.decisions[i][j]);
    }
  }
}

void add_caches(Families& families, const LabelNames& names, const WorkerCounters& sum) {
  auto& total =
      add_family(families, "sidegate_cache_total", "Look-ups in a cache, by what they found.", MetricType::Counter);
  for (std::size_t i = 0; i < sum.caches.size(); ++i) {
    for (std::size_t j = 0; j < base::kCacheResultCount; ++j) {
      const auto result = base::name_of(static_cast<base::CacheResult>(j));
      add_counter(total, {{"cache", names.caches[i]}, {"result", std::string(result)}}, sum.caches[i].results[j]);
    }
  }
  auto& entries = add_family(families, "sidegate_cache_entries",
                             "What a cache holds; of verified tokens, in all workers together.", MetricType::Gauge);
  for (std::size_t i = 0; i < sum.caches.size(); ++i) {
    add_gauge(entries, {{"cache", names.caches[i]}}, static_cast<double>(sum.caches[i].entries));
  }
}

void add_connections(Families& families, const LabelNames& names, const WorkerCounters& sum) {
  auto& open = add_family(families, "sidegate_connections", "Open connections from clients.", MetricType::Gauge);
  for (std::size_t i = 0; i < names.listeners.size(); ++i) {
    add_gauge(open, {{"listener", names.listeners[i]}}, static_cast<double>(sum.connections_open[i]));
  }
  auto& total =
      add_family(families, "sidegate_connections_total", "Connections accepted from clients.", MetricType::Counter);
  for (std::size_t i = 0; i < names.listeners.size(); ++i) {
    add_counter(total, {{"listener", names.listeners[i]}}, sum.connections_total[i]);
  }
}

void add_keys(Families& families, const ProcessCounters& process) {
  auto& expiries = add_family(families, "sidegate_key_expiry_timestamp_seconds",
                              "When a key that has an end is not used any more.", MetricType::Gauge);
  for (const auto& [authenticator, key, until] : process.key_expiries) {
    add_gauge(expiries, {{"authenticator", authenticator}, {"key", key}},
              static_cast<double>(until.time_since_epoch().count()));
  }
}

void add_issued_keys(Families& families, const ProcessCounters& process) {
  if (process.issued_keys.empty()) return;
  auto& age =
      add_family(families, "sidegate_jwks_age_seconds",
                 "How long ago the keys of an authenticator were last fetched from their issuer.", MetricType::Gauge);
  auto& keys =
      add_family(families, "sidegate_jwks_keys", "Keys that an authenticator has from its issuers.", MetricType::Gauge);
  auto& fetches =
      add_family(families, "sidegate_jwks_fetches_total",
                 "How often the issuers of an authenticator were asked for their keys.", MetricType::Counter);
  for (const auto& issued : process.issued_keys) {
    const Labels labels{{"authenticator", issued.authenticator}};
    if (issued.age) add_gauge(age, labels, issued.age->count());
    add_gauge(keys, labels, static_cast<double>(issued.keys));
    add_counter(fetches, {{"authenticator", issued.authenticator}, {"result", "ok"}}, issued.fetches_succeeded);
    add_counter(fetches, {{"authenticator", issued.authenticator}, {"result", "failed"}}, issued.fetches_failed);
  }
}

void add_services(Families& families, const ProcessCounters& process) {
  if (process.services.empty()) return;
  auto& durations =
      add_family(families, "sidegate_auth_remote_duration_seconds",
                 "How long a call to a service took that is asked while a request waits, whatever came of it.",
                 MetricType::Histogram);
  for (const auto& service : process.services) {
    add_histogram(durations, {{"authenticator", service.name}}, service.durations);
  }
  auto& circuits =
      add_family(families, "sidegate_circuit_state",
                 "Whether a service is asked: 0 it is, 1 one call tries whether it answers again, 2 it is left alone.",
                 MetricType::Gauge);
  for (const auto& service : process.services) {
    add_gauge(circuits, {{"name", service.name}}, static_cast<double>(service.circuit));
  }
  for (const auto& service : process.services) {
    if (!service.renews_sessions) continue;
    auto& refreshes = add_family(families, "sidegate_session_refreshes_total",
                                 "Calls for a new token of a session, by what came of them.", MetricType::Counter);
    add_counter(refreshes, {{"result", "renewed"}}, service.said_yes);
    add_counter(refreshes, {{"result", "refused"}}, service.said_no);
    add_counter(refreshes, {{"result", "failed"}}, service.failed);
  }
}

void add_integrations(Families& families, const ProcessCounters& process) {
  auto& up =
      add_family(families, "sidegate_integration_up",
                 "Whether an upstream, or somebody who is asked, answered when it was last called.", MetricType::Gauge);
  for (const auto& integration : process.integrations) {
    add_gauge(up, {{"name", integration.name}}, integration.up ? 1.0 : 0.0);
  }
}

void add_operation(Families& families, const ProcessCounters& process) {
  auto& reloads = add_family(families, "sidegate_config_reloads_total",
                             "Reloads of the configuration; after a failed one the old configuration goes on.",
                             MetricType::Counter);
  add_counter(reloads, {{"result", "success"}}, process.reloads_succeeded);
  add_counter(reloads, {{"result", "failure"}}, process.reloads_failed);
  add_counter(add_family(families, "sidegate_log_dropped_total",
                         "Access log records lost since the sink could not keep up or failed.", MetricType::Counter),
              {}, process.log_dropped);
  add_gauge(
      add_family(families, "sidegate_build_info", "Always 1; the labels say which build this is.", MetricType::Gauge),
      {{"version", std::string(process.version)}, {"commit", std::string(process.commit)}}, 1.0);
}

void add_process(Families& families) {
  const ProcessStats stats = read_process_stats();
  if (stats.cpu_seconds) {
    add_counter(add_family(families, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                           MetricType::Counter),
                {}, *stats.cpu_seconds);
  }
  const auto gauge = [&](const char* name, const char* help, const std::optional<double>& value) {
    if (value) add_gauge(add_family(families, name, help, MetricType::Gauge), {}, *value);
  };
  gauge("process_resident_memory_bytes", "Resident memory size in bytes.", stats.resident_memory_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stats.virtual_memory_bytes);
  gauge("process_open_fds", "Number of open file descriptors.", stats.open_fds);
  gauge("process_max_fds", "Maximum number of open file descriptors.", stats.max_fds);
  gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
        stats.start_time_seconds);
}

}  // namespace

std::string prometheus_text(const NamedCounters& sum, const ProcessCounters& process) {
  Families families;
  add_requests(families, *sum.names, sum.counters);
  add_upstreams(families, *sum.names, sum.counters);
  add_decisions(families, *sum.names, sum.counters);
  add_caches(families, *sum.names, sum.counters);
  add_keys(families, process);
  add_issued_keys(families, process);
  add_services(families, process);
  add_integrations(families, process);
  add_connections(families, *sum.names, sum.counters);
  add_operation(families, process);
  add_process(families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace sidegate::telemetry
