#include <sidegate/http/gather_list.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "../fuzz/head_reading.hpp"

namespace sidegate::http {
namespace {

using fuzz::joined;

TEST(GatherList, BeginsEmpty) {
  GatherList list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.bytes(), 0U);
  EXPECT_TRUE(list.slices().empty());
  EXPECT_TRUE(list.append(""));
  EXPECT_TRUE(list.append_copy(""));
  EXPECT_TRUE(list.empty());
  EXPECT_TRUE(list.slices().empty());
}

TEST(GatherList, NeighboursBecomeOneSlice) {
  const std::string_view bytes = "one two three";
  GatherList list;
  EXPECT_TRUE(list.append(bytes.substr(0, 4)));
  EXPECT_TRUE(list.append(bytes.substr(4, 4)));
  EXPECT_EQ(list.slices().size(), 1U);
  EXPECT_TRUE(list.append(bytes.substr(9)));
  EXPECT_EQ(list.slices().size(), 2U);
  EXPECT_EQ(joined(list), "one two hree");
  EXPECT_EQ(list.bytes(), 12U);
}

TEST(GatherList, CopiesOutliveWhatTheyWereCopiedFrom) {
  GatherList list;
  for (const std::string_view piece : {"first ", "second ", "third"}) {
    std::string bytes(piece);
    EXPECT_TRUE(list.append_copy(bytes));
    bytes.assign(bytes.size(), '#');
  }
  EXPECT_EQ(joined(list), "first second third");
}

TEST(GatherList, ACopyThatBeginsTheListStays) {
  const std::string between = "|";
  GatherList list;
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(list.append_copy("a"));
    EXPECT_TRUE(list.append(between));
    EXPECT_TRUE(list.append_copy("b"));
    EXPECT_TRUE(list.append(between));
    EXPECT_TRUE(list.append_copy("c"));
    EXPECT_EQ(joined(list), "a|b|c");
    list.consume(list.bytes());  // the second round begins anew in a list that was sent
  }
}

TEST(GatherList, RefusesOneSliceTooMany) {
  const std::string bytes(300, 'x');
  GatherList list;
  std::size_t count = 0;
  while (count < 150 && list.append(std::string_view(bytes).substr(2 * count, 1))) ++count;
  EXPECT_EQ(count, 128U);
  EXPECT_FALSE(list.append_copy("y"));
  EXPECT_FALSE(list.has_room(1, 0));
  EXPECT_EQ(joined(list), std::string(128, 'x'));
  // A neighbour of the last one needs no slice.
  EXPECT_TRUE(list.append(std::string_view(bytes).substr(2 * 127 + 1, 1)));
  EXPECT_EQ(list.bytes(), 129U);
  list.clear();
  EXPECT_TRUE(list.has_room(128, 1024));
  EXPECT_TRUE(list.append(bytes));
}

TEST(GatherList, RefusesOneCopiedByteTooMany) {
  GatherList list;
  EXPECT_TRUE(list.append_copy(std::string(1000, 'a')));
  EXPECT_TRUE(list.has_room(1, 24));
  EXPECT_FALSE(list.has_room(1, 25));
  EXPECT_FALSE(list.append_copy(std::string(25, 'b')));
  EXPECT_EQ(list.bytes(), 1000U);
  EXPECT_TRUE(list.append_copy(std::string(24, 'c')));
  EXPECT_FALSE(list.append_copy("d"));
  EXPECT_EQ(joined(list), std::string(1000, 'a') + std::string(24, 'c'));
}

/// Slices of 1, 2, 3 and 4 bytes, the second and the fourth of them copies.
void fill(GatherList& list) {
  static const std::string storage = "abbbccc";
  list.append(std::string_view(storage).substr(0, 1));
  list.append_copy("12");
  list.append(std::string_view(storage).substr(4));
  list.append_copy("3456");
}
constexpr std::string_view kFilled = "a12ccc3456";

TEST(GatherList, ConsumesAtEverySplit) {
  for (std::size_t first = 0; first <= kFilled.size(); ++first) {
    for (std::size_t second = 0; first + second <= kFilled.size(); ++second) {
      GatherList list;
      fill(list);
      list.consume(first);
      ASSERT_EQ(joined(list), kFilled.substr(first));
      list.consume(second);
      ASSERT_EQ(joined(list), kFilled.substr(first + second));
      ASSERT_EQ(list.bytes(), kFilled.size() - first - second);
      ASSERT_EQ(list.empty(), first + second == kFilled.size());
    }
  }
}

TEST(GatherList, RewindsFromEverySplit) {
  for (std::size_t first = 0; first <= kFilled.size(); ++first) {
    for (std::size_t second = 0; first + second <= kFilled.size(); ++second) {
      GatherList list;
      fill(list);
      list.consume(first);
      list.consume(second);
      list.rewind();
      ASSERT_EQ(joined(list), kFilled) << first << ' ' << second;
      ASSERT_EQ(list.bytes(), kFilled.size());
      list.consume(second);
      list.rewind();
      list.rewind();
      ASSERT_EQ(joined(list), kFilled) << first << ' ' << second;
      list.consume(first);
      ASSERT_EQ(joined(list), kFilled.substr(first));
    }
  }
}

TEST(GatherList, WhatIsAppendedAfterAPartWasSentComesLast) {
  static const std::string more = "more";
  for (std::size_t sent = 0; sent < kFilled.size(); ++sent) {
    GatherList list;
    fill(list);
    list.consume(sent);
    EXPECT_TRUE(list.append(more));
    EXPECT_TRUE(list.append_copy("!"));
    ASSERT_EQ(joined(list), std::string(kFilled.substr(sent)) + "more!");
    list.rewind();
    ASSERT_EQ(joined(list), std::string(kFilled) + "more!");
  }
}

TEST(GatherList, ConsumesNoMoreThanThereIs) {
  GatherList list;
  fill(list);
  list.consume(1000);
  EXPECT_TRUE(list.empty());
  list.consume(1);
  list.rewind();
  EXPECT_EQ(joined(list), kFilled);
}

TEST(GatherList, BeginsAnewOnceAllIsSent) {
  GatherList list;
  fill(list);
  list.consume(list.bytes());
  EXPECT_TRUE(list.append("new"));
  EXPECT_EQ(joined(list), "new");
  list.rewind();
  EXPECT_EQ(joined(list), "new");
}

}  // namespace
}  // namespace sidegate::http
