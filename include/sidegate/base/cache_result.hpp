#pragma once

#include <cstdint>
#include <string_view>

namespace sidegate::base {

/// What a cache had for whoever asked it: the label `result` of sidegate_cache_total, and `cache` in the access log.
enum class CacheResult : std::uint8_t { Hit, Miss };

constexpr std::string_view name_of(CacheResult result) noexcept {
  return result == CacheResult::Hit ? "hit" : "miss";
}

}  // namespace sidegate::base
