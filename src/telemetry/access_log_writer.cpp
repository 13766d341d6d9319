#include "access_log_writer.hpp"

#include <sidegate/telemetry/access_log.hpp>
#include <sidegate/telemetry/log.hpp>

#include <pthread.h>
#include <algorithm>
#include <csignal>

namespace sidegate::telemetry {

AccessLogWriter::AccessLogWriter(const Settings& settings, unsigned producers)
    : settings_(settings), output_(settings.path) {
  for (unsigned i = 0; i < producers; ++i) {
    rings_.push_back(std::make_unique<RecordRing>(settings.ring_bytes, settings.with_query));
  }
  thread_ = std::thread([this] { run(); });
}

void AccessLogWriter::finish(std::unique_ptr<AccessLogWriter> writer) {
  auto ended = writer->ended_.get_future();
  writer->stop_.store(true, std::memory_order_seq_cst);
  writer->wake();
  if (ended.wait_for(writer->settings_.patience) != std::future_status::ready) {
    writer->give_up_.store(true, std::memory_order_relaxed);
    if (ended.wait_for(writer->settings_.last_chance) != std::future_status::ready) {
      writer->thread_.detach();
      [[maybe_unused]] const AccessLogWriter* left_behind = writer.release();
      return;
    }
  }
  writer->thread_.join();
}

void AccessLogWriter::run() {
  ::pthread_setname_np(::pthread_self(), "access-log");
  // Signals are for the threads that expect them.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);

  for (;;) {
    // Read before the drain: what was pushed before the stop is then drained.
    const bool last = stop_.load(std::memory_order_seq_cst);
    if (reopen_.exchange(false, std::memory_order_relaxed) && !output_.reopen()) {
      log(Level::Warning, "cannot reopen the access log; the old file stays in use", {{"path", settings_.path}});
    }
    drain();
    if (last) break;
    if (!found_records_) {
      park();
    } else if (!rings_are_filling_) {
      std::this_thread::sleep_for(kPause);
    }
  }
  ended_.set_value();
}

void AccessLogWriter::drain() {
  std::size_t records = 0;
  std::size_t fullest = 0;
  for (const auto& ring : rings_) {
    fullest = std::max(fullest, ring->used());
    records += ring->consume([this](const AccessRecord& record) {
      if (settings_.text) {
        append_text_line(batch_, record, settings_.with_query);
      } else {
        append_json_line(batch_, record, settings_.with_query);
      }
      if (batch_.size() >= kBatchBytes) flush();
    });
  }
  flush();
  found_records_ = records != 0;
  rings_are_filling_ = fullest > settings_.ring_bytes / 4;
}

void AccessLogWriter::flush() {
  constexpr std::chrono::milliseconds kWait{100};
  if (batch_.empty()) return;
  if (line_is_torn_) batch_.insert(batch_.begin(), '\n');
  std::string_view rest = batch_;
  while (!rest.empty()) {
    const auto written = output_.write_some(rest);
    if (!written) break;
    rest.remove_prefix(*written);
    if (*written != 0) continue;
    if (give_up_.load(std::memory_order_relaxed)) break;
    output_.wait_writable(kWait);
  }
  const std::size_t taken = batch_.size() - rest.size();
  if (taken != 0) {
    line_is_torn_ = !rest.empty() && batch_[taken - 1] != '\n';
  } else if (line_is_torn_) {
    rest.remove_prefix(1);  // the line feed put in front is no record
  }
  const auto lost = std::count(rest.begin(), rest.end(), '\n');
  if (lost != 0) unwritten_.fetch_add(static_cast<std::uint64_t>(lost), std::memory_order_relaxed);
  batch_.clear();
}

void AccessLogWriter::park() {
  parked_.store(1, std::memory_order_seq_cst);
  const bool idle = std::all_of(rings_.begin(), rings_.end(), [](const auto& ring) { return ring->used() == 0; });
  if (idle && !stop_.load(std::memory_order_seq_cst) && !reopen_.load(std::memory_order_seq_cst)) {
    parked_.wait(1, std::memory_order_seq_cst);
  }
  parked_.store(0, std::memory_order_relaxed);
}

void AccessLogWriter::wake_parked() noexcept {
  if (parked_.exchange(0, std::memory_order_seq_cst) != 0) parked_.notify_one();
}

void AccessLogWriter::reopen() noexcept {
  reopen_.store(true, std::memory_order_seq_cst);
  wake();
}

std::uint64_t AccessLogWriter::dropped() const noexcept {
  std::uint64_t dropped = unwritten_.load(std::memory_order_relaxed);
  for (const auto& ring : rings_) dropped += ring->dropped();
  return dropped;
}

}  // namespace sidegate::telemetry
