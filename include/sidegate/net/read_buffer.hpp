#pragma once

#include <boost/asio/buffer.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace sidegate::net {

/// A fixed block of memory that a connection reads into: unread bytes in one piece, room behind them.
class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(std::unique_ptr<char[]> block, std::size_t capacity) : block_(std::move(block)), capacity_(capacity) {}

  std::string_view unread() const noexcept { return {block_.get() + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t position() const noexcept { return begin_; }
  std::size_t capacity() const noexcept { return capacity_; }

  /// The room behind the unread bytes.
  boost::asio::mutable_buffer space() noexcept { return {block_.get() + end_, limit_ - end_}; }
  std::size_t space_bytes() const noexcept { return limit_ - end_; }
  void commit(std::size_t bytes) noexcept { end_ += bytes; }
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }

  /// Moves the unread bytes to `position`, before where they are, and goes on with all the room behind them. Views into
  /// them become void.
  void move_to(std::size_t position) noexcept;

  /// Goes on with nothing unread at `position`, and room up to `limit`.
  void restart(std::size_t position, std::size_t limit) noexcept {
    begin_ = end_ = position;
    limit_ = limit;
  }
  void restart() noexcept { restart(0, capacity_); }

  std::unique_ptr<char[]> release() noexcept { return std::move(block_); }

 private:
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t limit_ = capacity_;
};

/// How much memory the buffers in use of a whole process take, and may take. Shared by all pools; counted when a
/// connection comes or goes, never for a request.
struct BufferBudget {
  std::atomic<std::size_t> bytes_max{0};  ///< 0: no limit
  std::atomic<std::size_t> bytes{0};
};

/// Blocks of one size at a time, used again, the last one first since its memory is still warm. One worker's; not
/// thread-safe.
class BufferPool {
 public:
  /// The budget must outlive the pool.
  BufferPool(std::size_t block_bytes, BufferBudget& budget) : block_bytes_(block_bytes), budget_(&budget) {}

  /// Whether the budget has room for so many more blocks. Whoever opens a connection asks; `take` always gives.
  bool has_room(std::size_t blocks) const noexcept {
    const auto bytes_max = budget_->bytes_max.load(std::memory_order_relaxed);
    return bytes_max == 0 || budget_->bytes.load(std::memory_order_relaxed) + blocks * block_bytes_ <= bytes_max;
  }

  ReadBuffer take();

  std::size_t block_bytes() const noexcept { return block_bytes_; }

  /// From now on blocks have this size. Those of another size that are still in use go back to the system.
  void set_block_bytes(std::size_t block_bytes) noexcept;

  void give_back(ReadBuffer buffer) noexcept;

 private:
  /// What is kept for the connections that come or wake next; more goes back to the system.
  static constexpr std::size_t kKeptMax = 128;

  std::size_t block_bytes_;
  BufferBudget* budget_;
  std::vector<std::unique_ptr<char[]>> blocks_;
};

}  // namespace sidegate::net
