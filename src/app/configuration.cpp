#include "configuration.hpp"

#include <sidegate/authority/issuer_check.hpp>
#include <sidegate/authority/service_check.hpp>
#include <sidegate/revocation/rule_file.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "revocation_request.hpp"

namespace sidegate::app {
namespace {

constexpr std::array<std::string_view, 2> kUsualPlaces{"sidegate.yaml", "/etc/sidegate/sidegate.yaml"};

std::string find_file(const std::string& given, const config::Environment& environment) {
  if (!given.empty()) return given;
  if (const auto named = environment("SIDEGATE_CONFIG"); named && !named->empty()) return *named;
  for (const auto place : kUsualPlaces) {
    std::error_code ignored;
    if (std::filesystem::exists(place, ignored)) return std::string(place);
  }
  return {};
}

/// Logs are read by a person where they go to a terminal, and by a program elsewhere.
config::Environment with_log_format(const config::Environment& environment) {
  return [environment](std::string_view name) {
    auto value = environment(name);
    const bool unset = !value || value->empty();
    if (unset && name == "SIDEGATE_LOG_FORMAT" && ::isatty(STDERR_FILENO) == 1)
      return std::optional<std::string>("text");
    return value;
  };
}

/// The part of the configuration that a path leads into: `authenticators.staff`, `routes[2]`.
std::string_view part_of(std::string_view path) {
  const auto first = path.find('.');
  if (path.find('[') < first || first == std::string_view::npos) return path.substr(0, first);
  return path.substr(0, path.find('.', first + 1));
}

/// Reads the file of revocations, which is read again when it is taken into use.
void check_revocations(const config::Config& config, config::Diagnostics& diagnostics) {
  const auto& [file, where] = config.revocations;
  if (file.empty()) return;
  std::error_code ignored;
  if (!std::filesystem::is_directory(std::filesystem::path(file).parent_path(), ignored)) {
    return diagnostics.error(where, "the folder of this file is not there, so nothing could be kept in it");
  }
  const auto rules = revocation::read_rules(file);
  if (!rules) return diagnostics.error(where, "this file of revocations cannot be used: " + rules.error().text);
  if (!*rules) return;
  for (const auto& name : unknown_authenticators(**rules, config)) {
    diagnostics.warning(where, "it revokes credentials of \"" + name + "\", an authenticator that there is not");
  }
}

/// Adds what the other rooms say of the parts that could be read. Of a part that could not, they would only see what is
/// missing from it.
Configuration checked(config::Config config, config::Diagnostics diagnostics) {
  config::Diagnostics compiled(diagnostics.file());
  policy::Policy::compile(config, compiled);
  authority::check_issuers(config, compiled);
  authority::check_services(config, compiled);
  check_revocations(config, compiled);
  const bool readable = diagnostics.ok();
  const auto earlier = diagnostics.entries();
  for (const auto& entry : compiled.entries()) {
    const bool known = std::any_of(earlier.begin(), earlier.end(), [&](const auto& other) {
      return other.severity == config::Diagnostics::Severity::Error &&
             part_of(other.where.path) == part_of(entry.where.path);
    });
    if (!readable && (known || entry.where.line == 0)) continue;
    if (entry.severity == config::Diagnostics::Severity::Error) {
      diagnostics.error(entry.where, entry.message);
    } else {
      diagnostics.warning(entry.where, entry.message);
    }
  }
  return {std::move(config), std::move(diagnostics)};
}

Configuration read_file(const std::string& file, const config::Environment& environment) {
  config::Diagnostics diagnostics(file);
  auto config = config::load_file(file, environment, diagnostics);
  return checked(std::move(config), std::move(diagnostics));
}

/// The built-in configuration.
Configuration make_sidecar(const config::Environment& environment) {
  config::Diagnostics diagnostics{std::string(config::kEnvironmentFile)};
  const auto effective = with_log_format(environment);
  const std::string text = config::sidecar_from_environment(effective, diagnostics);
  if (!diagnostics.ok()) return {{}, std::move(diagnostics)};
  auto config = config::load_text(text, ".", effective, diagnostics);
  return checked(std::move(config), std::move(diagnostics));
}

}  // namespace

Configuration find_configuration(const std::string& given, const config::Environment& environment) {
  const std::string file = find_file(given, environment);
  return file.empty() ? make_sidecar(environment) : read_file(file, environment);
}

Configuration read_again(const config::Config& earlier, const config::Environment& environment) {
  return earlier.file.empty() ? make_sidecar(environment) : read_file(earlier.file, environment);
}

Configuration load_again(const config::Config& earlier, const config::Environment& environment) {
  const bool from_environment = earlier.file.empty();
  config::Diagnostics diagnostics(from_environment ? std::string(config::kEnvironmentFile) : earlier.file);
  auto config = config::load_again(earlier, from_environment ? with_log_format(environment) : environment, diagnostics);
  return checked(std::move(config), std::move(diagnostics));
}

Configuration read_configuration(const std::string& name, const std::string& text,
                                 const config::Environment& environment) {
  config::Diagnostics diagnostics(name);
  auto config = config::load_text(text, ".", environment, diagnostics);
  return checked(std::move(config), std::move(diagnostics));
}

std::unique_ptr<policy::Policy> compile_policy(const config::Config& config, const policy::Shared& shared) {
  config::Diagnostics known_to_be_fine(config.file);
  return policy::Policy::compile(config, known_to_be_fine, shared);
}

void print_diagnostics(const config::Diagnostics& diagnostics) {
  for (const auto& line : diagnostics.lines()) std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace sidegate::app
