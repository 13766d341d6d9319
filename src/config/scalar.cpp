#include "scalar.hpp"

#include <sidegate/base/text.hpp>

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace sidegate::config {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;

constexpr std::array<Unit, 4> kDurationUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizeUnits{
    {{"GiB", std::uint64_t{1} << 30U}, {"MiB", std::uint64_t{1} << 20U}, {"KiB", std::uint64_t{1} << 10U}, {"B", 1}}};

/// Digits, then one of the units, and nothing else.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  std::size_t digits = 0;
  while (digits < text.size() && base::is_digit(text[digits])) ++digits;
  const auto number = base::parse_decimal(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& [name, factor] : units) {
    if (text.substr(digits) != name) continue;
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (*number > kMax / factor) return std::nullopt;
    return *number * factor;
  }
  return std::nullopt;
}

std::string text_with_unit(std::uint64_t value, std::span<const Unit> units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const auto& [name, factor] : units) {
    if (value % factor == 0) return fmt::format("{}{}", value / factor, name);
  }
  return std::string(zero);
}

}  // namespace

base::OrMessage<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse_with_unit(text, kDurationUnits);
  if (!value) return base::Message{"expected a duration with its unit, such as 250ms, 5s, 10m or 1h"};
  return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

base::OrMessage<std::uint64_t> parse_size(std::string_view text) {
  const auto value = parse_with_unit(text, kSizeUnits);
  if (!value) return base::Message{"expected a size with its unit, such as 512B, 64KiB, 10MiB or 1GiB"};
  return *value;
}

base::OrMessage<unsigned> parse_mode(std::string_view text) {
  const base::Message expected{"expected a file mode in octal with a leading 0, such as \"0660\""};
  if (text.size() < 2 || text.size() > 4 || text.front() != '0') return expected;
  unsigned mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return expected;
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  return mode;
}

std::string duration_text(std::chrono::milliseconds duration) {
  return text_with_unit(static_cast<std::uint64_t>(duration.count()), kDurationUnits, "0s");
}

std::string size_text(std::uint64_t bytes) {
  return text_with_unit(bytes, kSizeUnits, "0B");
}

std::string time_text(base::UnixTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace sidegate::config
