#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>

namespace sidegate::authority {

/// Finds what is wrong with the services that a configuration names to be asked while a request waits, without asking
/// any of them: URLs that are never asked, credentials that no header can hold, certificates and keys that cannot be
/// used.
void check_services(const config::Config& config, config::Diagnostics& diagnostics);

}  // namespace sidegate::authority
