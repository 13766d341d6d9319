#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/config/load.hpp>
#include <sidegate/policy/policy.hpp>

#include <memory>
#include <string>

namespace sidegate::app {

/// A configuration with everything that is wrong with it, found by every room that compiles a part.
struct Configuration {
  config::Config config;
  config::Diagnostics diagnostics;

  bool ok() const noexcept { return diagnostics.ok(); }
};

/// Loads the configuration that `given` (the value of --config, may be empty) or the usual places name:
/// $SIDEGATE_CONFIG, ./sidegate.yaml, /etc/sidegate/sidegate.yaml, else the built-in sidecar made from the environment.
Configuration find_configuration(const std::string& given, const config::Environment& environment);

/// Reads anew what `earlier` was read from, and nothing that has come to stand in a usual place meanwhile.
Configuration read_again(const config::Config& earlier, const config::Environment& environment);

/// What `earlier` was loaded from, with the secrets and variables that it names read anew.
Configuration load_again(const config::Config& earlier, const config::Environment& environment);

/// Loads a text, for the demo.
Configuration read_configuration(const std::string& name, const std::string& text,
                                 const config::Environment& environment);

/// A policy of its own for somebody who asks it. The configuration must have been found to be fine.
std::unique_ptr<policy::Policy> compile_policy(const config::Config& config, const policy::Shared& shared);

/// Prints every line of the diagnostics on standard error.
void print_diagnostics(const config::Diagnostics& diagnostics);

}  // namespace sidegate::app
