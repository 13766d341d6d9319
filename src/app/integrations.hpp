#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/telemetry/counters.hpp>
#include <sidegate/token/issuer_keys.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sidegate::app {

/// Somebody whom the gateway calls: an upstream, an authenticator that asks a service or an issuer, user information,
/// the renewal of sessions. How it is shows in its last calls.
struct Integration {
  /// Degraded: the last call failed, or it is tried again after many that did; but there is something to go on with.
  /// Unhealthy: it is left alone, or fails again and again, or nothing was ever had from it.
  enum class Health { Healthy, Degraded, Unhealthy };

  std::string name;  ///< an upstream called as another integration has " (upstream)" behind its name
  Health health = Health::Healthy;
  std::optional<std::chrono::microseconds> response_time{};  ///< of the last call
  std::optional<base::UnixTime> last_check{};                ///< when that ended
};

/// What the running configuration knows of others.
struct Acquaintances {
  const config::Config& config;
  const telemetry::NamedCounters& sum;  ///< of all workers
  const std::vector<std::shared_ptr<inquiry::Service>>& services;
  const token::IssuerBoard& issuers;
};

std::vector<Integration> integrations_of(const Acquaintances& others, base::UnixTime now, base::SteadyTime moment);

/// The worst of them; Healthy where there is none.
Integration::Health overall(const std::vector<Integration>& integrations) noexcept;

/// `{"status": …, "services": {NAME: {"status", "response_time", "last_check"}}}`
std::string integrations_json(const std::vector<Integration>& integrations);

}  // namespace sidegate::app
