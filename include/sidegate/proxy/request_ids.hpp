#pragma once

#include <sidegate/http/head.hpp>

#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

namespace sidegate::proxy {

/// Makes request ids: 32 lower-case hexadecimal digits, which serve as a trace id too. One worker's. They are unique,
/// not secret.
class RequestIds {
 public:
  using Id = std::array<char, 32>;

  RequestIds();

  void next(Id& id) noexcept;

  /// The span id of a trace that begins with the request: half of it, and never all zeros.
  static std::string_view span_of(const Id& id) noexcept { return {id.data() + 16, 16}; }

 private:
  std::mt19937_64 random_;
};

/// The value of the one `X-Request-Id` of 1 to 128 visible ASCII characters; empty where there is none, or several.
std::string_view find_request_id(const std::vector<http::Field>& fields) noexcept;

}  // namespace sidegate::proxy
