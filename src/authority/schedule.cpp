#include "schedule.hpp"

#include <algorithm>

namespace sidegate::authority {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstBackoff{1'000};
constexpr int kEarlierPercentMax = 10;

}  // namespace

Schedule::Schedule(milliseconds refresh, milliseconds cooldown)
    : refresh_(refresh), cooldown_(cooldown), backoff_(kFirstBackoff) {}

base::SteadyTime Schedule::after_answer(std::optional<std::chrono::seconds> freshness) {
  backoff_ = kFirstBackoff;
  const milliseconds lifetime = freshness ? std::min<milliseconds>(*freshness, refresh_) : refresh_;
  std::uniform_int_distribution<milliseconds::rep> earlier(0, lifetime.count() * kEarlierPercentMax / 100);
  return started_ + std::max(lifetime - milliseconds(earlier(random_)), cooldown_);
}

base::SteadyTime Schedule::after_failure(bool has_keys, base::SteadyTime now) noexcept {
  if (has_keys) return now + cooldown_;
  const auto pause = std::min(backoff_, cooldown_);
  backoff_ = std::min(2 * backoff_, std::max(cooldown_, kFirstBackoff));
  return now + pause;
}

}  // namespace sidegate::authority
