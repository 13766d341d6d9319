#include "freshness.hpp"

#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

TEST(Freshness, IsWhatTheAnswerSays) {
  struct Case {
    const char* cache_control;
    const char* age;
    long long expected;  ///< -1: it does not say
  };
  const Case cases[] = {
      {"", "", -1},
      {"public, must-revalidate", "", -1},
      {"max-age=300", "", 300},
      {"public, Max-Age=300 , immutable", "", 300},
      {"max-age=\"300\"", "", 300},
      {"max-age=300", "100", 200},
      {"max-age=300", "300", 0},
      {"max-age=300", "400", 0},
      {"max-age=300", "-5", 300},
      {"max-age=300", "soon", 300},
      {"max-age=0", "", 0},
      {"max-age=300, max-age=200", "", 200},
      {"max-age=300, no-cache", "", 0},
      {"no-store", "", 0},
      {"no-cache=\"Set-Cookie\"", "", 0},
      {"max-age", "", 0},
      {"max-age=", "", 0},
      {"max-age=-1", "", 0},
      {"max-age=1.5", "", 0},
      {"max-age=9999999999", "", 2'147'483'648},
      {"max-age=99999999999999999999999999", "", 2'147'483'648},
      {"s-maxage=300", "", -1},
      {"x-max-age=300", "", -1},
      {"max-ages=300", "", -1},
  };
  for (const Case& test : cases) {
    const auto freshness = freshness_of(test.cache_control, test.age);
    EXPECT_EQ(freshness ? freshness->count() : -1, test.expected) << test.cache_control << " / " << test.age;
  }
}

}  // namespace
}  // namespace sidegate::authority
