#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sidegate::base {

/// Bytes that must not be seen: a signing key, a password, a token.
///
/// It has no stream or format operator, so that it cannot reach a log by accident, and its memory is wiped when it goes
/// out of use. `reveal` is the one way to the bytes, and easy to search for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  std::string_view reveal() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

  /// In a time that depends on the lengths only.
  bool operator==(const Secret& other) const noexcept;

 private:
  void wipe() noexcept;

  std::string bytes_;
};

/// Overwrites `bytes` in a way that the compiler does not remove.
void wipe(std::string& bytes) noexcept;

/// Compares in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

}  // namespace sidegate::base
