#pragma once

#include <unistd.h>

#include <utility>

namespace sidegate::base {

/// An open file or socket, closed on every way out but `release`. Negative: none is open.
class Descriptor {
 public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const noexcept { return value_; }
  int release() noexcept { return std::exchange(value_, -1); }

 private:
  int value_;
};

}  // namespace sidegate::base
