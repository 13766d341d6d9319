#include <gtest/gtest.h>

#include "../fuzz/corpus.hpp"
#include "../fuzz/proxy_header.hpp"

namespace sidegate::net {
namespace {

TEST(Corpus, ProxyHeadersHoldTheirProperty) {
  const auto seeds = fuzz::corpus("proxy_header");
  EXPECT_GE(seeds.size(), 20U);
  for (const auto& [file, bytes] : seeds) EXPECT_EQ(fuzz::proxy_header(bytes), "") << file;
}

}  // namespace
}  // namespace sidegate::net
