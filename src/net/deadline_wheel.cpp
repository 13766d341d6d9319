#include <sidegate/net/deadline_wheel.hpp>

#include <algorithm>

namespace sidegate::net {
namespace {

constexpr auto kTurn = DeadlineWheel::kTick * static_cast<int>(DeadlineWheel::kBuckets);

base::SteadyTime round_up(base::SteadyTime time) noexcept {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

}  // namespace

DeadlineWheel::DeadlineWheel(const Executor& executor) : timer_(executor), now_(std::chrono::steady_clock::now()) {}

DeadlineWheel::Bucket& DeadlineWheel::bucket_of(base::SteadyTime time) noexcept {
  return buckets_[static_cast<std::size_t>(time.time_since_epoch() / kTick) % kBuckets];
}

void DeadlineWheel::set(Deadline& entry, base::SteadyTime deadline) {
  entry.deadline_ = deadline;
  // Where it is looked at before then anyway, it moves on at that time.
  if (entry.is_linked() && entry.bucket_ <= deadline) return;
  if (entry.is_linked()) entry.unlink();
  if (stopped_) return;
  // After a pause without deadlines the ticks in between need no looking at.
  if (!armed_) now_ = std::max(now_, std::chrono::steady_clock::now());
  insert(entry);
  arm();
}

void DeadlineWheel::clear(Deadline& entry) noexcept {
  entry.deadline_ = base::SteadyTime::max();
  if (entry.is_linked()) entry.unlink();
}

void DeadlineWheel::insert(Deadline& entry) {
  const auto horizon = now_ + kTick * static_cast<int>(kBuckets - 2);
  entry.bucket_ = std::clamp(round_up(std::min(entry.deadline_, horizon)), now_ + kTick, horizon);
  bucket_of(entry.bucket_).push_back(entry);
}

void DeadlineWheel::advance(base::SteadyTime now) {
  Bucket due;
  while (now_ + kTick <= now) {
    now_ += kTick;
    due.splice(due.end(), bucket_of(now_));
    if (now - now_ > kTurn) now_ = now - kTurn;  // one turn looks at every bucket
  }
  while (!due.empty() && !stopped_) {
    Deadline& entry = due.front();
    due.pop_front();
    if (entry.deadline_ <= now) {
      entry.on_deadline();
    } else {
      insert(entry);
    }
  }
}

void DeadlineWheel::arm() {
  if (armed_ || stopped_) return;
  armed_ = true;
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    // Still armed meanwhile: whoever sets a deadline from within must not move the wheel past ticks not looked at.
    if (!error && !stopped_) advance(std::chrono::steady_clock::now());
    armed_ = false;
    if (error || stopped_) return;
    const bool any =
        std::any_of(buckets_.begin(), buckets_.end(), [](const Bucket& bucket) { return !bucket.empty(); });
    if (any) arm();
  });
}

void DeadlineWheel::stop() noexcept {
  stopped_ = true;
  for (Bucket& bucket : buckets_) bucket.clear();
  timer_.cancel();
}

}  // namespace sidegate::net
