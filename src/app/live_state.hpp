#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/telemetry/counters.hpp>

#include <string>
#include <vector>

/// What the running configuration is doing, as JSON for the admin API. The counters are the sum of all workers.
namespace sidegate::app {

std::string routes_json(const config::Config& config, const telemetry::NamedCounters& sum);
std::string upstreams_json(const config::Config& config, const telemetry::NamedCounters& sum);
std::string authenticators_json(const config::Config& config, const telemetry::NamedCounters& sum, base::UnixTime now);

/// The keys that have an end.
std::vector<telemetry::ProcessCounters::KeyExpiry> key_expiries(const config::Config& config);

}  // namespace sidegate::app
