#include <sidegate/http/gather_list.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::http {

bool GatherList::append_copy(std::string_view bytes) noexcept {
  if (empty()) clear();
  if (kCopiedBytesMax - copied_ < bytes.size() || count_ == kSlicesMax) return false;
  char* const place = copies_.data() + copied_;
  std::copy(bytes.begin(), bytes.end(), place);
  copied_ += bytes.size();
  return push({place, bytes.size()});
}

void GatherList::consume(std::size_t bytes) noexcept {
  bytes = std::min(bytes, bytes_);
  consumed_ += bytes;
  if (bytes == bytes_ && front_consumed_ == 0) {
    first_ = count_;
    bytes_ = 0;
    return;
  }
  bytes_ -= bytes;
  while (bytes > 0) {
    iovec& front = slices_[first_];
    if (bytes < front.iov_len) {
      front.iov_base = static_cast<char*>(front.iov_base) + bytes;
      front.iov_len -= bytes;
      front_consumed_ += bytes;
      return;
    }
    bytes -= front.iov_len;
    if (front_consumed_ > 0) restore_front();
    ++first_;
  }
}

void GatherList::rewind() noexcept {
  if (first_ < count_) restore_front();
  first_ = 0;
  bytes_ += std::exchange(consumed_, 0);
}

void GatherList::restore_front() noexcept {
  iovec& front = slices_[first_];
  front.iov_base = static_cast<char*>(front.iov_base) - front_consumed_;
  front.iov_len += front_consumed_;
  front_consumed_ = 0;
}

}  // namespace sidegate::http
