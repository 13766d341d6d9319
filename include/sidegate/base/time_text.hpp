#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>

#include <string_view>

namespace sidegate::base {

/// An RFC 3339 `date-time`, to the second; a fraction is dropped.
OrMessage<UnixTime> parse_time(std::string_view text);

}  // namespace sidegate::base
