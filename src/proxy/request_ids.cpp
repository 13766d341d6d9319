#include "request_ids.hpp"

#include <sidegate/base/text.hpp>

#include <bit>

namespace sidegate::proxy {
namespace {

std::mt19937_64 seeded() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

void write(std::uint64_t number, char* out) noexcept {
  const auto bytes = std::bit_cast<std::array<std::uint8_t, 8>>(number);
  base::write_hex(bytes, out);
}

}  // namespace

RequestIds::RequestIds() : random_(seeded()) {}

void RequestIds::next(Id& id) noexcept {
  write(random_(), id.data());
  // All zeros is no trace id.
  write(random_() | 1U, id.data() + 16);
}

void RequestIds::next_span(SpanId& id) noexcept {
  write(random_() | 1U, id.data());
}

}  // namespace sidegate::proxy
