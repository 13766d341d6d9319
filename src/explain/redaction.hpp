#pragma once

#include <sidegate/config/config.hpp>

#include <string>
#include <string_view>

namespace sidegate::explain {

inline constexpr std::string_view kRedacted = "<redacted>";

/// Whether a header's name says that it carries a credential.
bool sounds_secret(std::string_view name);

/// `line` of a head as it may be shown: without the values of cookies, of every header that `config` reads a credential
/// from, and of those whose name says that they carry one (Authorization, X-API-Key, X-Auth-Token, X-Hub-Signature).
std::string redacted_line(std::string_view line, const config::Config& config);

}  // namespace sidegate::explain
