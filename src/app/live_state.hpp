#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/telemetry/counters.hpp>
#include <sidegate/token/issuer_keys.hpp>

#include <memory>
#include <string>
#include <vector>

/// What the running configuration is doing, as JSON for the admin API. The counters are the sum of all workers.
namespace sidegate::app {

using Services = std::vector<std::shared_ptr<inquiry::Service>>;

std::string routes_json(const config::Config& config, const telemetry::NamedCounters& sum);
std::string upstreams_json(const config::Config& config, const telemetry::NamedCounters& sum);
/// `issuers` holds what the issuers have published; `services` are those of the configuration.
std::string authenticators_json(const config::Config& config, const telemetry::NamedCounters& sum,
                                const token::IssuerBoard& issuers, const Services& services, base::UnixTime now);

/// What came of asking each of them.
std::vector<telemetry::ProcessCounters::ServiceCalls> service_calls(const Services& services);

/// What is kept of the services' answers is kept once for all workers: this puts it in its place among the caches.
void add_answers_kept(telemetry::NamedCounters& sum, const Services& services);

/// The keys that have an end.
std::vector<telemetry::ProcessCounters::KeyExpiry> key_expiries(const config::Config& config);

/// What each authenticator has from its issuers.
std::vector<telemetry::ProcessCounters::IssuedKeys> issued_keys(const config::Config& config,
                                                                const token::IssuerBoard& issuers,
                                                                base::SteadyTime now);

}  // namespace sidegate::app
