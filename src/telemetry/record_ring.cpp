#include "record_ring.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace sidegate::telemetry {
namespace {

constexpr std::size_t kAlignment = 8;
constexpr std::uint8_t kNothing = 0xFF;
constexpr std::int64_t kNoDuration = -1;
static_assert(base::kReasonCount < kNothing);

template <class Enumeration>
std::uint8_t pack(const std::optional<Enumeration>& value) noexcept {
  return value ? static_cast<std::uint8_t>(*value) : kNothing;
}

template <class Enumeration>
std::optional<Enumeration> unpack(std::uint8_t value) noexcept {
  if (value == kNothing) return std::nullopt;
  return static_cast<Enumeration>(value);
}

}  // namespace

// Names of the configuration, numbers and addresses fit with room to spare; only what callers choose is ever cut.
const std::array<RecordRing::Text, RecordRing::kTextCount> RecordRing::kTexts{{
    {&AccessRecord::request_id, 128},
    {&AccessRecord::trace_id, 64},
    {&AccessRecord::route, 256},
    {&AccessRecord::method, 64},
    {&AccessRecord::path, std::size_t{8} * 1024},
    {&AccessRecord::query, std::size_t{8} * 1024},
    {&AccessRecord::upstream, 256},
    {&AccessRecord::server, 512},
    {&AccessRecord::client_ip, 64},
    {&AccessRecord::subject, 1024},
    {&AccessRecord::authenticator, 256},
}};

RecordRing::RecordRing(std::size_t bytes, bool keep_query)
    : bytes_(bytes), keep_query_(keep_query), memory_(std::make_unique_for_overwrite<char[]>(bytes)) {
  if (!std::has_single_bit(bytes) || bytes < kAlignment) throw std::invalid_argument("RecordRing: no power of two");
}

bool RecordRing::push(const AccessRecord& record) noexcept {
  Stored stored{};
  std::size_t size = sizeof(Stored);
  for (std::size_t i = 0; i < kTextCount; ++i) {
    if (!keep_query_ && kTexts[i].member == &AccessRecord::query) continue;
    const std::size_t length = std::min((record.*kTexts[i].member).size(), kTexts[i].bytes_max);
    stored.lengths[i] = static_cast<std::uint16_t>(length);
    size += length;
  }
  size = (size + kAlignment - 1) & ~(kAlignment - 1);

  std::uint64_t head = head_.load(std::memory_order_relaxed);
  const std::size_t to_end = bytes_ - (head & (bytes_ - 1));
  const std::size_t skipped = size > to_end ? to_end : 0;
  // The consumer's index is read only where the last look at it is not enough: its cache line stays with the consumer.
  if (head + skipped + size - seen_tail_ > bytes_) {
    seen_tail_ = tail_.load(std::memory_order_acquire);
    if (head + skipped + size - seen_tail_ > bytes_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
  }
  if (skipped != 0) {
    const std::uint32_t mark = 0;
    std::memcpy(memory_.get() + (head & (bytes_ - 1)), &mark, sizeof(mark));
    head += skipped;
  }

  stored.size = static_cast<std::uint32_t>(size);
  stored.status = static_cast<std::uint16_t>(record.status);
  stored.auth_outcome = pack(record.auth_outcome);
  stored.reason = pack(record.reason);
  stored.cache = pack(record.cache);
  stored.time = record.time.time_since_epoch().count();
  stored.duration = record.duration.count();
  stored.upstream_duration = record.upstream_duration ? record.upstream_duration->count() : kNoDuration;
  stored.bytes_in = record.bytes_in;
  stored.bytes_out = record.bytes_out;
  char* out = memory_.get() + (head & (bytes_ - 1));
  std::memcpy(out, &stored, sizeof(stored));
  out += sizeof(stored);
  for (std::size_t i = 0; i < kTextCount; ++i) {
    out = std::copy_n((record.*kTexts[i].member).data(), stored.lengths[i], out);
  }
  // Sequentially consistent rather than release, for the sake of the question that follows: does the consumer sleep?
  head_.store(head + size, std::memory_order_seq_cst);
  return true;
}

std::size_t RecordRing::used() const noexcept {
  return static_cast<std::size_t>(head_.load(std::memory_order_seq_cst) - tail_.load(std::memory_order_relaxed));
}

std::uint32_t RecordRing::stored_size(std::size_t position) const noexcept {
  std::uint32_t size = 0;
  std::memcpy(&size, memory_.get() + position, sizeof(size));
  return size;
}

AccessRecord RecordRing::load(std::size_t position) const noexcept {
  Stored stored;
  const char* in = memory_.get() + position;
  std::memcpy(&stored, in, sizeof(stored));
  in += sizeof(stored);

  AccessRecord record;
  record.time = decltype(record.time)(std::chrono::microseconds(stored.time));
  record.status = stored.status;
  record.duration = std::chrono::microseconds(stored.duration);
  if (stored.upstream_duration != kNoDuration) {
    record.upstream_duration = std::chrono::microseconds(stored.upstream_duration);
  }
  record.bytes_in = stored.bytes_in;
  record.bytes_out = stored.bytes_out;
  record.auth_outcome = unpack<base::Reason>(stored.auth_outcome);
  record.reason = unpack<base::Reason>(stored.reason);
  record.cache = unpack<base::CacheResult>(stored.cache);
  for (std::size_t i = 0; i < kTextCount; ++i) {
    record.*kTexts[i].member = std::string_view(in, stored.lengths[i]);
    in += stored.lengths[i];
  }
  return record;
}

}  // namespace sidegate::telemetry
