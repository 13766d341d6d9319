#pragma once

#include <sidegate/config/config.hpp>

#include <string>
#include <string_view>

namespace sidegate::explain {

inline constexpr std::string_view kRedacted = "<redacted>";

/// `line` of a head as it may be shown: without the values of cookies, of Authorization and Proxy-Authorization, and of
/// every header that `config` reads a credential from.
std::string redacted_line(std::string_view line, const config::Config& config);

}  // namespace sidegate::explain
