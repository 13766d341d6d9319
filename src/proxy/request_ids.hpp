#pragma once

#include <array>
#include <cstdint>
#include <random>

namespace sidegate::proxy {

/// Makes request ids: 32 lower-case hexadecimal digits, which serve as a trace id too. One worker's. They are unique,
/// not secret.
class RequestIds {
 public:
  using Id = std::array<char, 32>;
  using SpanId = std::array<char, 16>;

  RequestIds();

  void next(Id& id) noexcept;
  void next_span(SpanId& id) noexcept;

 private:
  std::mt19937_64 random_;
};

}  // namespace sidegate::proxy
