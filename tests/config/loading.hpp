#pragma once

#include <sidegate/config/load.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::config {

using Variables = std::map<std::string, std::string, std::less<>>;

/// An environment that holds `variables` and nothing else.
inline Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

/// A key as long as the hash of HS512, so that it is weak for no algorithm.
inline constexpr std::string_view kStrongKey = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

inline Variables key_variables() {
  return {{"JWT_KEY", std::string(kStrongKey)}, {"EMPTY", ""}, {"PASSWORD", "hunter2"}};
}

/// A configuration and what was said about it.
struct Loaded {
  Config config;
  std::vector<std::string> lines;
  bool ok = false;
};

inline Loaded load(const std::string& text, const Variables& variables = key_variables(),
                   const std::string& folder = "/etc/sidegate") {
  Diagnostics diagnostics("test.yaml");
  Loaded loaded;
  loaded.config = load_text(text, folder, environment_of(variables), diagnostics);
  loaded.lines = diagnostics.lines();
  loaded.ok = diagnostics.ok();
  return loaded;
}

inline constexpr std::string_view kListeners = "listeners: {public: {address: \"[::]:8080\"}}\n";
inline constexpr std::string_view kUpstreams = "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n";
inline constexpr std::string_view kAuthenticators =
    "authenticators: {staff: {jwt: {token: [{cookie: c}], keys: [{secret: {env: JWT_KEY}}], algorithms: [HS256]}}}\n";
inline constexpr std::string_view kRoutes = "routes: [{path: /**, authenticate: [staff], upstream: app}]\n";

/// A whole configuration on lines 1 to 5 (version, listeners, upstreams, authenticators, routes), and `more` from
/// line 6.
inline std::string with(std::string_view more) {
  std::string text = "version: 1\n";
  for (const std::string_view part : {kListeners, kUpstreams, kAuthenticators, kRoutes, more}) text += part;
  return text;
}

/// The same with `block` in place of the one that begins with the same word.
inline std::string with_instead(std::string_view block) {
  const std::string_view word = block.substr(0, block.find(':') + 1);
  std::string text = "version: 1\n";
  for (const std::string_view part : {kListeners, kUpstreams, kAuthenticators, kRoutes}) {
    text += part.starts_with(word) ? block : part;
    if (text.back() != '\n') text += '\n';
  }
  return text;
}

}  // namespace sidegate::config
