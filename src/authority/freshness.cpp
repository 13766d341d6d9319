#include "freshness.hpp"

#include <sidegate/base/text.hpp>

#include <algorithm>
#include <cstdint>

namespace sidegate::authority {
namespace {

/// What delta-seconds that are larger stand for (RFC 9111 section 1.2.2).
constexpr std::uint64_t kSecondsMax = std::uint64_t{1} << 31U;

/// A value that cannot be read makes the answer stale (RFC 9111 section 4.2.1).
std::uint64_t read_seconds(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.empty() || !std::all_of(text.begin(), text.end(), base::is_digit)) return 0;
  return std::min(base::parse_decimal(text).value_or(kSecondsMax), kSecondsMax);
}

}  // namespace

std::optional<std::chrono::seconds> freshness_of(std::string_view cache_control, std::string_view age) {
  std::optional<std::uint64_t> lifetime;
  const auto limit_to = [&](std::uint64_t seconds) { lifetime = std::min(lifetime.value_or(seconds), seconds); };
  base::for_each_list_item(cache_control, [&](std::string_view directive) {
    const auto equals = std::min(directive.find('='), directive.size());
    const auto name = directive.substr(0, equals);
    const auto value = directive.substr(std::min(equals + 1, directive.size()));
    if (base::equals_ignoring_case(name, "max-age")) limit_to(read_seconds(value));
    if (base::equals_ignoring_case(name, "no-store") || base::equals_ignoring_case(name, "no-cache")) limit_to(0);
  });
  if (!lifetime) return std::nullopt;
  return std::chrono::seconds(*lifetime - std::min(*lifetime, base::parse_decimal(age).value_or(0)));
}

}  // namespace sidegate::authority
