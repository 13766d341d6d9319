#pragma once

#include <chrono>

namespace sidegate::base {

/// A moment of civil time, to the second: what `exp`, `nbf` and `until` are compared with (RFC 7519 NumericDate).
using UnixTime = std::chrono::sys_seconds;

/// A moment on the clock that never goes back: deadlines and durations.
using SteadyTime = std::chrono::steady_clock::time_point;

}  // namespace sidegate::base
