#include <sidegate/net/read_buffer.hpp>

#include <cstring>

namespace sidegate::net {

void ReadBuffer::move_to(std::size_t position) noexcept {
  std::memmove(block_.get() + position, block_.get() + begin_, end_ - begin_);
  end_ = position + (end_ - begin_);
  begin_ = position;
  limit_ = capacity_;
}

ReadBuffer BufferPool::take() {
  budget_->bytes.fetch_add(block_bytes_, std::memory_order_relaxed);
  if (blocks_.empty()) return {std::make_unique_for_overwrite<char[]>(block_bytes_), block_bytes_};
  ReadBuffer buffer(std::move(blocks_.back()), block_bytes_);
  blocks_.pop_back();
  return buffer;
}

void BufferPool::give_back(ReadBuffer buffer) noexcept {
  auto block = buffer.release();
  if (block == nullptr) return;
  budget_->bytes.fetch_sub(block_bytes_, std::memory_order_relaxed);
  if (blocks_.size() == kKeptMax) return;
  if (blocks_.capacity() == 0) blocks_.reserve(kKeptMax);
  blocks_.push_back(std::move(block));
}

}  // namespace sidegate::net
