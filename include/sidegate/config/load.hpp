#pragma once

#include <sidegate/config/config.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::config {

/// Reads an environment variable; nothing where it is not set. Passed in, so that tests need no real environment.
using Environment = std::function<std::optional<std::string>(std::string_view)>;

/// The process's own environment.
Environment process_environment();

/// Reads the YAML file at `path`. Everything that is wrong goes into `diagnostics`; the result is whole only where
/// `diagnostics.ok()`. Names of other parts (a route's upstream, its authenticators) are checked here; what needs a
/// room's own rules (patterns, templates, algorithms) is checked by that room. SIDEGATE_LOG_LEVEL and
/// SIDEGATE_LOG_FORMAT take the place of what the file says about the log.
Config load_file(const std::string& path, const Environment& environment, Diagnostics& diagnostics);

/// The same for a text; relative file names start at `folder`.
Config load_text(const std::string& text, const std::string& folder, const Environment& environment,
                 Diagnostics& diagnostics);

/// The text that `earlier` was loaded from, with the variables and files that it names read anew.
Config load_again(const Config& earlier, const Environment& environment, Diagnostics& diagnostics);

/// The files that hold secrets and keys of `config`.
std::vector<std::string> secret_files(const Config& config);

/// The YAML text of the built-in sidecar, made from the environment variables of the integration guide. Where it cannot
/// be made (neither a signing key nor an Auth Service) `diagnostics` says why, and the text is empty.
std::string sidecar_from_environment(const Environment& environment, Diagnostics& diagnostics);

/// The effective configuration as block YAML: every default filled in, every secret as `"<redacted>"`.
std::string to_yaml(const Config& config);

}  // namespace sidegate::config
