#pragma once

#include "output.hpp"
#include "record_ring.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sidegate::telemetry {

/// The thread behind the access log: drains the rings, formats the records and writes them in batches.
///
/// While records come it drains every `kPause`, so that a batch is one write and a producer makes no system call. After
/// a drain that found nothing it parks until a producer wakes it. Neither may miss the other: the producer publishes
/// its record and then looks whether the writer is parked; the writer says that it is parked and then looks at the
/// rings once more. Those four steps are sequentially consistent, so at least one of the two sees the other.
class AccessLogWriter {
 public:
  struct Settings {
    std::string path;         ///< stdout, stderr or a file
    bool with_query = false;  ///< whether the query is kept and written
    bool text = false;        ///< lines for people instead of JSON
    std::size_t ring_bytes = RecordRing::kDefaultBytes;
    std::chrono::milliseconds patience{2'000};   ///< with a sink that takes nothing, once `finish` was called
    std::chrono::milliseconds last_chance{200};  ///< for the thread to notice after that, unless it hangs
  };

  /// Opens the sink and starts the thread. Throws std::system_error.
  AccessLogWriter(const Settings& settings, unsigned producers);

  /// The thread has ended: see `finish`.
  ~AccessLogWriter() = default;
  AccessLogWriter(const AccessLogWriter&) = delete;
  AccessLogWriter& operator=(const AccessLogWriter&) = delete;

  RecordRing& ring(unsigned producer) noexcept { return *rings_[producer]; }

  /// Producers call it after a record; a system call only where the thread is parked.
  void wake() noexcept {
    if (parked_.load(std::memory_order_seq_cst) != 0) wake_parked();
  }

  void reopen() noexcept;
  std::uint64_t dropped() const noexcept;

  /// Writes what is left and ends the thread. One that hangs in a write past the patience is left behind with all that
  /// it uses, which is then never freed: better than a process that cannot end.
  static void finish(std::unique_ptr<AccessLogWriter> writer);

 private:
  static constexpr std::chrono::milliseconds kPause{20};
  static constexpr std::size_t kBatchBytes = std::size_t{256} * 1024;

  void run();
  void drain();
  void flush();
  void park();
  void wake_parked() noexcept;

  const Settings settings_;
  Output output_;
  std::vector<std::unique_ptr<RecordRing>> rings_;

  std::string batch_;
  bool line_is_torn_ = false;       ///< the sink took a part of a line and then failed
  bool found_records_ = false;      ///< by the last drain
  bool rings_are_filling_ = false;  ///< at the last drain
  std::atomic<std::uint64_t> unwritten_{0};

  std::atomic<bool> reopen_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> give_up_{false};
  std::atomic<int> parked_{0};  ///< 0 or 1; an int, since the kernel waits on those directly
  std::promise<void> ended_;
  std::thread thread_;
};

}  // namespace sidegate::telemetry
