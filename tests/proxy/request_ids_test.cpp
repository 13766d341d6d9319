#include "request_ids.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sidegate::proxy {
namespace {

TEST(RequestIds, AreHexadecimalAndNeverTheSame) {
  RequestIds ids;
  RequestIds others;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    RequestIds::Id id{};
    (i % 2 == 0 ? ids : others).next(id);
    const std::string text(id.data(), id.size());
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos) << text;
    EXPECT_TRUE(seen.insert(text).second);
  }
}

TEST(RequestIds, SpansAreNeverZero) {
  RequestIds ids;
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    RequestIds::SpanId span{};
    ids.next_span(span);
    const std::string text(span.data(), span.size());
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos) << text;
    EXPECT_NE(text, "0000000000000000");
    EXPECT_TRUE(seen.insert(text).second);
  }
}

}  // namespace
}  // namespace sidegate::proxy
