#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace sidegate::authority {

/// How long an answer stays fresh by what it says of itself (RFC 9111 section 4.2); nothing where it says nothing.
/// `cache_control` is the list of all its Cache-Control fields, `age` the value of Age or empty.
std::optional<std::chrono::seconds> freshness_of(std::string_view cache_control, std::string_view age);

}  // namespace sidegate::authority
