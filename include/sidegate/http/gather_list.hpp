#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace sidegate::http {

/// A message to be sent as a list of slices in one system call. Neighbouring slices become one, so that a head of which
/// nothing was dropped is one slice. The bytes are borrowed, but for `append_copy`'s, which live in the list itself.
class GatherList {
 public:
  /// Appends a view. False where the list is full; what was appended before stays.
  bool append(std::string_view bytes) noexcept {
    if (empty()) clear();
    return push(bytes);
  }

  /// Appends a copy of something short that would not outlive the call.
  bool append_copy(std::string_view bytes) noexcept;

  /// Room for at least `slices` more, and for `bytes` more copied ones.
  bool has_room(std::size_t slices, std::size_t bytes) const noexcept {
    return empty() || (kSlicesMax - count_ >= slices && kCopiedBytesMax - copied_ >= bytes);
  }

  std::span<const iovec> slices() const noexcept { return {slices_.data() + first_, count_ - first_}; }
  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_ == 0; }
  void clear() noexcept { first_ = count_ = copied_ = bytes_ = consumed_ = front_consumed_ = 0; }

  /// Takes off the first `bytes`, which have been sent. Once all is taken off, the next `append` begins anew.
  void consume(std::size_t bytes) noexcept;

  /// Puts back everything that was consumed since the list was empty, to be sent once more.
  void rewind() noexcept;

 private:
  bool push(std::string_view bytes) noexcept;
  void restore_front() noexcept;

  /// More than a head of 200 fields, the most that may be configured, needs in the worst case: every other one dropped.
  static constexpr std::size_t kSlicesMax = 128;
  static constexpr std::size_t kCopiedBytesMax = 1024;

  std::array<iovec, kSlicesMax> slices_;
  std::array<char, kCopiedBytesMax> copies_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t copied_ = 0;
  std::size_t bytes_ = 0;
  std::size_t consumed_ = 0;        ///< in all
  std::size_t front_consumed_ = 0;  ///< of the slice at `first_`
};

inline bool GatherList::push(std::string_view bytes) noexcept {
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

}  // namespace sidegate::http
