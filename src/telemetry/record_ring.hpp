#pragma once

#include <sidegate/telemetry/access_record.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace sidegate::telemetry {

/// A bounded queue of access records between one producing thread and one consuming thread, without locks.
///
/// A record is stored as a fixed head and the bytes of its texts, aligned to eight bytes and never split over the end
/// of the ring: where it does not fit there, a mark says "go on at the start". `head_` and `tail_` count bytes since
/// the beginning, so that their difference is what is in use. The memory is touched only as it is used.
class RecordRing {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{1024} * 1024;

  /// `bytes` is a power of two. Without `keep_query` the query is not even copied: it may hold what nobody should keep.
  RecordRing(std::size_t bytes, bool keep_query);

  /// Producer: stores a copy; where there is no room, counts the record as dropped and returns false.
  bool push(const AccessRecord& record) noexcept;

  /// Consumer: calls `visit(const AccessRecord&)` for each record that was there when the call began, and returns how
  /// many they were. The views live until `visit` returns.
  template <class Visit>
  std::size_t consume(Visit visit);

  /// Bytes in use. Exact on the consumer's side when the producer is idle. Sequentially consistent: see
  /// AccessLogWriter.
  std::size_t used() const noexcept;

  /// Any thread.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  /// The texts of a record, in the order they are stored, and where they are cut.
  struct Text {
    std::string_view AccessRecord::*member;
    std::size_t bytes_max;
  };
  static constexpr std::size_t kTextCount = 11;
  static const std::array<Text, kTextCount> kTexts;

  /// What stands before the texts. `size` is that of the whole record, 0 for the mark.
  struct Stored {
    std::uint32_t size;
    std::uint16_t status;
    std::uint8_t auth_outcome;
    std::uint8_t reason;
    std::int64_t time;
    std::int64_t duration;
    std::int64_t upstream_duration;
    std::uint64_t bytes_in;
    std::uint64_t bytes_out;
    std::array<std::uint16_t, kTextCount> lengths;
    std::uint8_t cache;
  };
  static constexpr std::size_t kCacheLine = 64;

  AccessRecord load(std::size_t position) const noexcept;
  std::uint32_t stored_size(std::size_t position) const noexcept;

  const std::size_t bytes_;
  const bool keep_query_;
  const std::unique_ptr<char[]> memory_;

  alignas(kCacheLine) std::atomic<std::uint64_t> head_{0};  ///< written by the producer
  std::uint64_t seen_tail_ = 0;                             ///< the producer's last look at tail_
  std::atomic<std::uint64_t> dropped_{0};
  alignas(kCacheLine) std::atomic<std::uint64_t> tail_{0};  ///< written by the consumer
};

template <class Visit>
std::size_t RecordRing::consume(Visit visit) {
  const std::uint64_t head = head_.load(std::memory_order_acquire);
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  std::size_t records = 0;
  while (tail != head) {
    const std::size_t position = tail & (bytes_ - 1);
    const std::uint32_t size = stored_size(position);
    if (size == 0) {
      tail += bytes_ - position;
    } else {
      visit(load(position));
      tail += size;
      ++records;
    }
    tail_.store(tail, std::memory_order_release);
  }
  return records;
}

}  // namespace sidegate::telemetry
