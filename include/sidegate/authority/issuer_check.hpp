#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>

namespace sidegate::authority {

/// Finds what is wrong with the issuers that a configuration names, without asking any of them: URLs that are never
/// asked, and files of certificates that hold none.
void check_issuers(const config::Config& config, config::Diagnostics& diagnostics);

}  // namespace sidegate::authority
