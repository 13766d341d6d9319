#include "integrations.hpp"

#include <sidegate/token/inspection.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace sidegate::app {
namespace {

namespace json = boost::json;
using Health = Integration::Health;

/// So many calls of an upstream in a row fail until it counts as down.
constexpr std::uint32_t kFailuresOfOneDown = 3;

std::string_view word_of(Health health) noexcept {
  switch (health) {
    case Health::Healthy:
      return "healthy";
    case Health::Degraded:
      return "degraded";
    case Health::Unhealthy:
      break;
  }
  return "unhealthy";
}

Health health_of(const inquiry::Service::Status& status) noexcept {
  using Circuit = inquiry::Service::Circuit;
  if (status.circuit == Circuit::Open) return Health::Unhealthy;
  const bool is_well = status.circuit == Circuit::Closed && status.last_error.empty();
  return is_well ? Health::Healthy : Health::Degraded;
}

Integration integration_of(const inquiry::Service& service) {
  const auto status = service.status();
  Integration integration{.name = service.name(), .health = health_of(status)};
  if (!status.last_call) return integration;
  integration.response_time = status.last_duration;
  integration.last_check = status.last_call;
  return integration;
}

/// Nothing where all its keys stand in the configuration.
std::optional<Integration> integration_of(const config::Authenticator& authenticator, const token::IssuerBoard& issuers,
                                          base::UnixTime now, base::SteadyTime moment) {
  std::optional<Integration> integration;
  for (const auto& key : authenticator.jwt.keys) {
    const auto issuer = key.issuer ? issuers.find(*key.issuer) : nullptr;
    if (issuer == nullptr) continue;
    if (!integration) integration = Integration{.name = authenticator.name};
    const auto status = issuer->status();
    const bool is_well = status.published && status.last_error.empty();
    const Health health = is_well ? Health::Healthy : (status.published ? Health::Degraded : Health::Unhealthy);
    integration->health = std::max(integration->health, health);
    if (!status.published) continue;
    const auto published = now - std::chrono::floor<std::chrono::seconds>(moment - *status.published);
    integration->last_check = std::max(integration->last_check.value_or(published), published);
  }
  return integration;
}

Integration integration_of(std::string name, const telemetry::WorkerCounters::LastCall& last, base::UnixTime now,
                           base::SteadyTime moment) {
  Integration integration{.name = std::move(name)};
  if (last.ended == base::SteadyTime::min()) return integration;
  if (last.failures > 0) {
    integration.health = last.failures < kFailuresOfOneDown ? Health::Degraded : Health::Unhealthy;
  }
  integration.response_time = std::chrono::floor<std::chrono::microseconds>(last.took);
  integration.last_check = now - std::chrono::floor<std::chrono::seconds>(moment - last.ended);
  return integration;
}

/// Whole milliseconds, as people read them.
std::string milliseconds_text(std::chrono::microseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + "ms";
}

}  // namespace

std::vector<Integration> integrations_of(const Acquaintances& others, base::UnixTime now, base::SteadyTime moment) {
  std::vector<Integration> all;
  for (const auto& authenticator : others.config.authenticators) {
    if (auto issuers = integration_of(authenticator, others.issuers, now, moment)) all.push_back(*std::move(issuers));
  }
  for (const auto& service : others.services) all.push_back(integration_of(*service));
  const std::size_t named = all.size();
  for (std::size_t i = 0; i < others.config.upstreams.size(); ++i) {
    std::string name = others.config.upstreams[i].name;
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(named);
    const bool is_taken = std::any_of(all.begin(), end, [&](const Integration& each) { return each.name == name; });
    if (is_taken) name += " (upstream)";
    all.push_back(integration_of(std::move(name), others.sum.counters.origin_last_calls[i], now, moment));
  }
  return all;
}

Health overall(const std::vector<Integration>& integrations) noexcept {
  Health worst = Health::Healthy;
  for (const Integration& each : integrations) worst = std::max(worst, each.health);
  return worst;
}

std::string integrations_json(const std::vector<Integration>& integrations) {
  json::object services;
  for (const Integration& each : integrations) {
    json::object entry{{"status", word_of(each.health)}};
    if (each.response_time) entry["response_time"] = milliseconds_text(*each.response_time);
    if (each.last_check) entry["last_check"] = token::rfc3339(*each.last_check);
    services[each.name] = std::move(entry);
  }
  return json::serialize(json::object{{"status", word_of(overall(integrations))}, {"services", std::move(services)}});
}

}  // namespace sidegate::app
