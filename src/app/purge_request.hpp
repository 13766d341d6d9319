#pragma once

#include <sidegate/authority/authority.hpp>
#include <sidegate/base/result.hpp>

#include <string_view>

namespace sidegate::app {

/// Reads `{}` (everything), `{"subject": …}` or `{"token": …}`. The message names the member that is wrong, and repeats
/// nothing.
base::OrMessage<authority::Authority::Purge> read_purge(std::string_view json);

}  // namespace sidegate::app
