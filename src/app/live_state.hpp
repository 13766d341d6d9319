#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/telemetry/counters.hpp>
#include <sidegate/token/issuer_keys.hpp>

#include <string>
#include <vector>

/// What the running configuration is doing, as JSON for the admin API. The counters are the sum of all workers.
namespace sidegate::app {

std::string routes_json(const config::Config& config, const telemetry::NamedCounters& sum);
std::string upstreams_json(const config::Config& config, const telemetry::NamedCounters& sum);
/// `issuers` holds what the issuers have published.
std::string authenticators_json(const config::Config& config, const telemetry::NamedCounters& sum,
                                const token::IssuerBoard& issuers, base::UnixTime now);

/// The keys that have an end.
std::vector<telemetry::ProcessCounters::KeyExpiry> key_expiries(const config::Config& config);

/// What each authenticator has from its issuers.
std::vector<telemetry::ProcessCounters::IssuedKeys> issued_keys(const config::Config& config,
                                                                const token::IssuerBoard& issuers,
                                                                base::SteadyTime now);

}  // namespace sidegate::app
