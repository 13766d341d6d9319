#include <sidegate/net/deadline_wheel.hpp>

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace sidegate::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto kTick = DeadlineWheel::kTick;

/// Counts how often it is called, and does something then.
struct Entry final : Deadline {
  int calls = 0;
  std::function<void()> then;

 private:
  void on_deadline() override {
    ++calls;
    if (then) then();
  }
};

/// A wheel whose time is the test's: nobody runs the loop that its timer waits in.
class DeadlineWheelTest : public testing::Test {
 protected:
  base::SteadyTime at(milliseconds time) const { return start_ + time; }
  void advance_to(milliseconds time) {
    for (; now_ + kTick < time; now_ += kTick) wheel_.advance(at(now_));
    now_ = time;
    wheel_.advance(at(now_));
  }

  boost::asio::io_context io_;
  DeadlineWheel wheel_{io_.get_executor()};
  // Ahead of the wheel's own beginning, and no multiple of a tick.
  base::SteadyTime start_ = steady_clock::now() + milliseconds(1013);
  milliseconds now_{0};
};

TEST_F(DeadlineWheelTest, IsNeverEarlyAndAtMostTwoTicksLate) {
  for (const milliseconds due :
       {milliseconds(0), milliseconds(1), milliseconds(49), milliseconds(50), milliseconds(51), milliseconds(999),
        milliseconds(102'350), milliseconds(102'400), milliseconds(102'450), milliseconds(300'007)}) {
    Entry entry;
    const auto begin = now_;
    wheel_.set(entry, at(begin + due));
    EXPECT_EQ(entry.deadline(), at(begin + due));
    if (due > milliseconds(0)) {
      advance_to(begin + due - milliseconds(1));
      EXPECT_EQ(entry.calls, 0) << due.count();
    }
    advance_to(begin + due + 2 * kTick);
    EXPECT_EQ(entry.calls, 1) << due.count();
    advance_to(now_ + seconds(200));
    EXPECT_EQ(entry.calls, 1) << due.count();
  }
}

TEST_F(DeadlineWheelTest, ADeadlineThatIsPastIsNoticedSoon) {
  Entry entry;
  advance_to(milliseconds(500));
  wheel_.set(entry, at(milliseconds(-10'000)));
  advance_to(milliseconds(500) + 2 * kTick);
  EXPECT_EQ(entry.calls, 1);
}

TEST_F(DeadlineWheelTest, MovesForwardAndBack) {
  Entry later;
  Entry sooner;
  wheel_.set(later, at(seconds(1)));
  wheel_.set(later, at(seconds(3)));
  wheel_.set(sooner, at(seconds(3)));
  wheel_.set(sooner, at(seconds(1)));
  advance_to(milliseconds(999));
  EXPECT_EQ(sooner.calls, 0);
  advance_to(seconds(1) + 2 * kTick);
  EXPECT_EQ(sooner.calls, 1);
  advance_to(milliseconds(2999));
  EXPECT_EQ(later.calls, 0);
  advance_to(seconds(3) + 2 * kTick);
  EXPECT_EQ(later.calls, 1);
  EXPECT_EQ(sooner.calls, 1);
}

TEST_F(DeadlineWheelTest, WhatIsClearedIsNotCalled) {
  Entry entry;
  wheel_.set(entry, at(seconds(1)));
  wheel_.clear(entry);
  EXPECT_EQ(entry.deadline(), base::SteadyTime::max());
  advance_to(seconds(2));
  EXPECT_EQ(entry.calls, 0);
  wheel_.clear(entry);
  wheel_.set(entry, at(seconds(3)));
  advance_to(seconds(4));
  EXPECT_EQ(entry.calls, 1);
}

TEST_F(DeadlineWheelTest, FarDeadlinesAreKept) {
  Entry day;
  Entry never;
  wheel_.set(day, at(hours(24)));
  wheel_.set(never, base::SteadyTime::max());
  advance_to(hours(24) - milliseconds(1));
  EXPECT_EQ(day.calls, 0);
  advance_to(hours(24) + 2 * kTick);
  EXPECT_EQ(day.calls, 1);
  EXPECT_EQ(never.calls, 0);
}

TEST_F(DeadlineWheelTest, AfterALongPauseEverythingDueIsCalledOnce) {
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 1000; ++i) {
    entries.push_back(std::make_unique<Entry>());
    wheel_.set(*entries.back(), at(milliseconds(i * 300)));
  }
  wheel_.advance(at(seconds(150)));
  wheel_.advance(at(seconds(150) + kTick));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(entries[static_cast<std::size_t>(i)]->calls, milliseconds(i * 300) <= seconds(150) ? 1 : 0) << i;
  }
  wheel_.advance(at(hours(1)));
  for (const auto& entry : entries) EXPECT_EQ(entry->calls, 1);
}

TEST_F(DeadlineWheelTest, WhoeverIsCalledMaySetItselfAgain) {
  Entry entry;
  entry.then = [&] { wheel_.set(entry, at(now_ + seconds(1))); };
  wheel_.set(entry, at(seconds(1)));
  advance_to(seconds(10));
  EXPECT_GE(entry.calls, 8);
  EXPECT_LE(entry.calls, 10);
}

TEST_F(DeadlineWheelTest, WhoeverIsCalledMayDestroyMoveAndClearOthers) {
  // All are due at the same moment, so that whoever is called first meets the others in the list of those due.
  for (int order = 0; order < 2; ++order) {
    auto victim = std::make_unique<Entry>();
    Entry moved;
    Entry cleared;
    Entry first;
    const auto begin = now_;
    first.then = [&] {
      victim.reset();
      wheel_.set(moved, at(begin + seconds(5)));
      wheel_.clear(cleared);
    };
    const auto due = at(begin + seconds(1));
    if (order == 0) wheel_.set(first, due);
    wheel_.set(*victim, due);
    wheel_.set(moved, due);
    wheel_.set(cleared, due);
    if (order == 1) wheel_.set(first, due);
    advance_to(begin + seconds(2));
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(victim, nullptr);
    EXPECT_EQ(moved.calls, order);
    EXPECT_EQ(cleared.calls, order);
    advance_to(begin + seconds(6));
    EXPECT_EQ(moved.calls, order + 1);
  }
}

TEST_F(DeadlineWheelTest, WhoeverIsCalledMayDestroyItself) {
  auto entry = std::make_unique<Entry>();
  entry->then = [&] { entry.reset(); };
  wheel_.set(*entry, at(seconds(1)));
  advance_to(seconds(2));
  EXPECT_EQ(entry, nullptr);
}

TEST_F(DeadlineWheelTest, ADestroyedEntryIsForgotten) {
  {
    Entry entry;
    wheel_.set(entry, at(seconds(1)));
  }
  advance_to(seconds(2));
}

TEST_F(DeadlineWheelTest, OnceStoppedNothingIsCalledOrKept) {
  Entry entry;
  Entry late;
  wheel_.set(entry, at(seconds(1)));
  wheel_.stop();
  wheel_.set(late, at(seconds(1)));
  advance_to(seconds(3));
  EXPECT_EQ(entry.calls, 0);
  EXPECT_EQ(late.calls, 0);
  EXPECT_GT(io_.run(), 0U) << "the cancelled timer; and then the loop is dry";
}

TEST_F(DeadlineWheelTest, StoppedByAnEntryTheOthersAreSpared) {
  Entry first;
  Entry second;
  first.then = [&] { wheel_.stop(); };
  wheel_.set(first, at(seconds(1)));
  wheel_.set(second, at(seconds(1)));
  advance_to(seconds(2));
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 0);
}

TEST_F(DeadlineWheelTest, TenThousandEntriesAreAllOnTime) {
  struct Checked final : Deadline {
    base::SteadyTime* now = nullptr;
    milliseconds late_max{0};
    int calls = 0;
    bool early = false;

   private:
    void on_deadline() override {
      ++calls;
      early = early || *now < deadline();
      late_max = std::max(late_max, std::chrono::ceil<milliseconds>(*now - deadline()));
    }
  };
  constexpr std::size_t kCount = 10'000;
  std::mt19937 random(42);
  std::uniform_int_distribution<int> due(0, 250'000);
  std::uniform_int_distribution<int> step(1, 50);
  std::vector<Checked> entries(kCount);
  base::SteadyTime now = start_;
  wheel_.advance(now);
  for (Checked& entry : entries) {
    entry.now = &now;
    wheel_.set(entry, at(milliseconds(due(random))));
  }
  while (now < at(seconds(251))) {
    now += milliseconds(step(random));
    wheel_.advance(now);
    // Some are moved on the way, either way, as long as they have not been called.
    Checked& entry = entries[random() % kCount];
    if (entry.calls == 0) wheel_.set(entry, std::min(now + milliseconds(due(random)), at(seconds(250))));
  }
  for (const Checked& entry : entries) {
    EXPECT_EQ(entry.calls, 1);
    EXPECT_FALSE(entry.early);
    EXPECT_LE(entry.late_max, 2 * kTick);
  }
}

/// Runs the loop until `done` or for some seconds of real time.
void run_until(boost::asio::io_context& io, const std::function<bool()>& done) {
  const auto end = steady_clock::now() + seconds(5);
  while (!done() && steady_clock::now() < end) io.run_one_for(milliseconds(100));
}

TEST(DeadlineWheelTimer, RunsWhileThereAreDeadlines) {
  boost::asio::io_context io;
  DeadlineWheel wheel(io.get_executor());
  Entry entry;
  const auto begin = steady_clock::now();
  wheel.set(entry, begin + milliseconds(60));
  io.run();  // ends by itself, since the last deadline stops the timer
  EXPECT_EQ(entry.calls, 1);
  EXPECT_GE(steady_clock::now(), begin + milliseconds(60));
  io.restart();
  wheel.set(entry, steady_clock::now() + milliseconds(60));
  io.run();
  EXPECT_EQ(entry.calls, 2);
}

TEST(DeadlineWheelTimer, SomebodySlowMakesNobodyElseBeForgotten) {
  boost::asio::io_context io;
  DeadlineWheel wheel(io.get_executor());
  Entry slow;
  Entry set_meanwhile;
  Entry other;
  slow.then = [&] {
    const auto end = steady_clock::now() + milliseconds(400);
    while (steady_clock::now() < end) {
    }
    wheel.set(set_meanwhile, steady_clock::now() + milliseconds(10));
  };
  const auto begin = steady_clock::now();
  wheel.set(slow, begin + milliseconds(50));
  wheel.set(other, begin + milliseconds(300));
  run_until(io, [&] { return other.calls > 0 && set_meanwhile.calls > 0; });
  EXPECT_EQ(other.calls, 1);
  EXPECT_EQ(set_meanwhile.calls, 1);
}

}  // namespace
}  // namespace sidegate::net
