#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Which header fields the configuration may set or remove. A check gives nothing where it may, otherwise why not.
namespace sidegate::config {

/// Without letter case, and with `-` for every character that is no letter or digit: names that an application may take
/// for one another have the same canonical name.
std::string canonical_header(std::string_view name);

/// For `inject`: no field that frames, routes or describes the message itself, and none that the proxy sets.
std::optional<std::string> why_not_injected(std::string_view name);

/// For `strip`: a name, or the beginning of names with a trailing `*`; no field without which the message falls apart.
std::optional<std::string> why_not_stripped(std::string_view pattern);

}  // namespace sidegate::config
