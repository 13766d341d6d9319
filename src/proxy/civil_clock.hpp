#pragma once

#include <sidegate/base/clock.hpp>

#include <chrono>

namespace sidegate::proxy {

/// The civil time at moments of the steady clock, which is the one that is read. Belongs to one thread.
class CivilClock {
 public:
  CivilClock() noexcept { look(); }

  std::chrono::sys_time<std::chrono::microseconds> at(base::SteadyTime moment) noexcept {
    // The civil clock may be set while we run; it is looked at again every second.
    if (moment - steady_ > std::chrono::seconds(1)) look();
    return std::chrono::floor<std::chrono::microseconds>(civil_ + (moment - steady_));
  }

 private:
  /// Both clocks side by side, since a moment that is asked for may be long ago. Whoever rests between the two ends a
  /// token too early, never too late.
  void look() noexcept {
    steady_ = std::chrono::steady_clock::now();
    civil_ = std::chrono::system_clock::now();
  }

  base::SteadyTime steady_;
  std::chrono::sys_time<std::chrono::nanoseconds> civil_;
};

}  // namespace sidegate::proxy
