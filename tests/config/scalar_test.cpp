#include "scalar.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sidegate::config {
namespace {

using std::chrono::milliseconds;

TEST(Scalar, Durations) {
  const std::vector<std::pair<std::string_view, long>> good{
      {"0s", 0},        {"0ms", 0},        {"250ms", 250},      {"5s", 5'000},
      {"10m", 600'000}, {"1h", 3'600'000}, {"24h", 86'400'000}, {"007s", 7'000},
  };
  for (const auto& [text, expected] : good) {
    const auto value = parse_duration(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*value, milliseconds(expected)) << text;
  }
  for (const std::string_view text : {"", "5", "s", "5 s", " 5s", "5s ", "+5s", "-5s", "5S", "1.5s", "5sec", "1d",
                                      "1h30m", "0x5s", "99999999999999999999s", "9223372036854775807h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Scalar, DurationsAreWrittenInTheLargestUnit) {
  for (const std::string text : {"0s", "1ms", "1500ms", "5s", "90s", "10m", "90m", "1h", "24h"}) {
    EXPECT_EQ(duration_text(*parse_duration(text)), text);
  }
  EXPECT_EQ(duration_text(milliseconds(60'000)), "1m");
}

TEST(Scalar, Sizes) {
  const std::vector<std::pair<std::string_view, std::uint64_t>> good{
      {"0B", 0}, {"512B", 512}, {"64KiB", 65'536}, {"10MiB", 10'485'760}, {"1GiB", 1'073'741'824},
  };
  for (const auto& [text, expected] : good) {
    const auto value = parse_size(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*value, expected) << text;
    EXPECT_EQ(size_text(expected), text);
  }
  for (const std::string_view text :
       {"", "64", "64K", "64KB", "64kib", "64k", "1.5MiB", "-1B", "1 MiB", "10000000000GiB", "1TiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Scalar, Times) {
  EXPECT_EQ(time_text(base::UnixTime(std::chrono::seconds(1'798'761'598))), "2026-12-31T23:59:58Z");
}

TEST(Scalar, Modes) {
  EXPECT_EQ(*parse_mode("0660"), 0660U);
  EXPECT_EQ(*parse_mode("0777"), 0777U);
  EXPECT_EQ(*parse_mode("00"), 0U);
  for (const std::string_view text : {"", "0", "660", "432", "0680", "01777", "0o660", "-0660", "rw-rw----"}) {
    EXPECT_FALSE(parse_mode(text)) << text;
  }
}

}  // namespace
}  // namespace sidegate::config
