#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sidegate::base {

/// What a cache had for whoever asked it: the label `result` of sidegate_cache_total, and `cache` in the access log.
enum class CacheResult : std::uint8_t {
  Hit,
  Miss,         ///< somebody else was asked
  NegativeHit,  ///< a no
  Stale,        ///< something old, since whoever should be asked fails
  Coalesced,    ///< a call that another request had begun
};
inline constexpr std::size_t kCacheResultCount = 5;

constexpr std::string_view name_of(CacheResult result) noexcept {
  constexpr std::array<std::string_view, kCacheResultCount> kNames{"hit", "miss", "negative_hit", "stale", "coalesced"};
  return kNames[static_cast<std::size_t>(result)];
}

}  // namespace sidegate::base
