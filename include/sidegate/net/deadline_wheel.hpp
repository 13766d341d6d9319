#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/net/stream_socket.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <chrono>
#include <cstddef>

namespace sidegate::net {

/// Something that has a deadline, and lives on one worker's thread. It may be set a thousand times a second: while the
/// deadline only moves further away, nothing happens but a store.
class Deadline : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Deadline() = default;

  base::SteadyTime deadline() const noexcept { return deadline_; }

 private:
  friend class DeadlineWheel;
  virtual void on_deadline() = 0;

  base::SteadyTime deadline_ = base::SteadyTime::max();
  base::SteadyTime bucket_ = base::SteadyTime::max();  ///< when it is looked at next
};

/// All deadlines of one worker behind one coarse timer: no timer system call belongs to a request. A deadline is
/// noticed up to two ticks late, and never early. The timer only runs while there are deadlines.
class DeadlineWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{50};
  static constexpr std::size_t kBuckets = 2048;

  explicit DeadlineWheel(const Executor& executor);
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  void set(Deadline& entry, base::SteadyTime deadline);
  void clear(Deadline& entry) noexcept;

  /// Calls `on_deadline` of everything due at `now`. The timer calls it; so do tests, with a time of their own.
  void advance(base::SteadyTime now);

  /// Forgets all and stops the timer, so that the loop can run dry.
  void stop() noexcept;

 private:
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                  boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
  using Bucket = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;
  Bucket& bucket_of(base::SteadyTime time) noexcept;
  void insert(Deadline& entry);
  void arm();

  Timer timer_;
  base::SteadyTime now_;  ///< the last tick
  bool armed_ = false;
  bool stopped_ = false;
  std::array<Bucket, kBuckets> buckets_;
};

}  // namespace sidegate::net
