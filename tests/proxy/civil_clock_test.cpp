#include "civil_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace sidegate::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

/// How far the clock is from the truth about that moment.
milliseconds error_at(CivilClock& clock, base::SteadyTime moment) {
  const auto told = clock.at(moment);
  const auto truth = system_clock::now() - (steady_clock::now() - moment);
  return std::chrono::round<milliseconds>(std::chrono::abs(told - truth));
}

TEST(CivilClock, KnowsWhatTimeItIs) {
  CivilClock clock;
  EXPECT_LT(error_at(clock, steady_clock::now()), milliseconds(100));
  EXPECT_LT(error_at(clock, steady_clock::now() - std::chrono::hours(1)), milliseconds(100));
}

TEST(CivilClock, KnowsWhatTimeItWasThoughItLooksLate) {
  CivilClock clock;
  const auto moment = steady_clock::now() + milliseconds(1'100);
  std::this_thread::sleep_until(moment + milliseconds(500));
  EXPECT_LT(error_at(clock, moment), milliseconds(100));
  EXPECT_LT(error_at(clock, steady_clock::now()), milliseconds(100)) << "whoever asks next";
}

}  // namespace
}  // namespace sidegate::proxy
