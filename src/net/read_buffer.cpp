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

void BufferPool::set_block_bytes(std::size_t block_bytes) noexcept {
  if (block_bytes == block_bytes_) return;
  block_bytes_ = block_bytes;
  blocks_.clear();
}

void BufferPool::give_back(ReadBuffer buffer) noexcept {
  const auto block_bytes = buffer.capacity();
  auto block = buffer.release();
  if (block == nullptr) return;
  budget_->bytes.fetch_sub(block_bytes, std::memory_order_relaxed);
  if (block_bytes != block_bytes_ || blocks_.size() == kKeptMax) return;
  if (blocks_.capacity() == 0) blocks_.reserve(kKeptMax);
  blocks_.push_back(std::move(block));
}

}  // namespace sidegate::net
