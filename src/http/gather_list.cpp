#include <sidegate/http/gather_list.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::http {

bool GatherList::append(std::string_view bytes) noexcept {
  if (empty()) clear();
  return push(bytes);
}

bool GatherList::push(std::string_view bytes) noexcept {
  if (bytes.empty()) return true;
  if (count_ > first_) {
    iovec& last = slices_[count_ - 1];
    if (static_cast<const char*>(last.iov_base) + last.iov_len == bytes.data()) {
      last.iov_len += bytes.size();
      bytes_ += bytes.size();
      return true;
    }
  }
  if (count_ == kSlicesMax) return false;
  // sendmsg does not write through the pointer; iovec serves for reading too and so has no const.
  slices_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
  bytes_ += bytes.size();
  return true;
}

bool GatherList::append_copy(std::string_view bytes) noexcept {
  if (empty()) clear();
  if (kCopiedBytesMax - copied_ < bytes.size() || count_ == kSlicesMax) return false;
  char* const place = copies_.data() + copied_;
  std::copy(bytes.begin(), bytes.end(), place);
  copied_ += bytes.size();
  return push({place, bytes.size()});
}

void GatherList::clear() noexcept {
  first_ = count_ = copied_ = bytes_ = consumed_ = front_consumed_ = 0;
}

void GatherList::consume(std::size_t bytes) noexcept {
  bytes = std::min(bytes, bytes_);
  bytes_ -= bytes;
  consumed_ += bytes;
  while (bytes > 0) {
    iovec& front = slices_[first_];
    const std::size_t taken = std::min(bytes, front.iov_len);
    front.iov_base = static_cast<char*>(front.iov_base) + taken;
    front.iov_len -= taken;
    front_consumed_ += taken;
    bytes -= taken;
    if (front.iov_len == 0) {
      restore_front();
      ++first_;
    }
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
