#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/config/load.hpp>

namespace sidegate::config {

/// SIDEGATE_LOG_LEVEL and SIDEGATE_LOG_FORMAT take the place of what a file says. An empty variable counts as not set.
void override_log(Log& log, const Environment& environment, Diagnostics& diagnostics);

/// The value of a variable, nothing where it is empty or not set.
std::optional<std::string> variable(const Environment& environment, std::string_view name);

}  // namespace sidegate::config
