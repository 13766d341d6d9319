#include <sidegate/base/time_text.hpp>

#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::base {
namespace {

TEST(TimeText, TimesOfRfc3339) {
  const std::vector<std::pair<std::string_view, long>> good{
      {"1970-01-01T00:00:00Z", 0},
      {"2026-12-31T00:00:00Z", 1'798'675'200},
      {"2026-12-31t00:00:00z", 1'798'675'200},
      {"2026-12-31T00:00:00.999Z", 1'798'675'200},
      {"2026-12-31T01:00:00+01:00", 1'798'675'200},
      {"2026-12-30T18:30:00-05:30", 1'798'675'200},
      {"2024-02-29T12:00:00Z", 1'709'208'000},
      {"2016-12-31T23:59:60Z", 1'483'228'800},
  };
  for (const auto& [text, expected] : good) {
    const auto value = parse_time(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value->time_since_epoch().count(), expected) << text;
  }
  for (const std::string_view text :
       {"", "2026-12-31", "2026-12-31T00:00:00", "2026-12-31 00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-12-31T24:00:00Z", "2026-12-31T00:60:00Z", "2026-12-31T00:00:61Z", "2026-12-31T00:00:00.Z",
        "2026-12-31T00:00:00+0100", "2026-12-31T00:00:00+24:00", "2026-12-31T00:00:00Zx", "26-12-31T00:00:00Z",
        "1798675200"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace sidegate::base
