#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "../fuzz/claims.hpp"
#include "../fuzz/corpus.hpp"
#include "../fuzz/jwk_set.hpp"
#include "../fuzz/jwt.hpp"
#include "../fuzz/pem_key.hpp"

namespace sidegate::token {
namespace {

struct Target {
  std::string_view name;
  fuzz::Defect (*property)(std::string_view);
};

constexpr std::array<Target, 4> kTargets{
    {{"jwt", fuzz::jwt}, {"jwk_set", fuzz::jwk_set}, {"pem_key", fuzz::pem_key}, {"claims", fuzz::claims}}};

TEST(Corpus, EveryPropertyHoldsForEverySeed) {
  for (const auto& [name, property] : kTargets) {
    const auto seeds = fuzz::corpus(name);
    EXPECT_GE(seeds.size(), 20U) << name;
    for (const auto& [file, bytes] : seeds) EXPECT_EQ(property(bytes), "") << name << '/' << file;
  }
}

}  // namespace
}  // namespace sidegate::token
