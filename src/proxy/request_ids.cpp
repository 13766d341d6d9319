#include <sidegate/base/text.hpp>
#include <sidegate/proxy/request_ids.hpp>

#include <algorithm>
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
  // All zeros is neither a trace id nor a span id.
  write(random_() | 1U, id.data() + 16);
}

std::string_view find_request_id(const std::vector<http::Field>& fields) noexcept {
  constexpr std::size_t kBytesMax = 128;
  const http::Field* found = nullptr;
  for (const http::Field& field : fields) {
    if (field.known != http::FieldName::XRequestId) continue;
    if (found != nullptr) return {};
    found = &field;
  }
  if (found == nullptr || found->value.size() > kBytesMax) return {};
  const bool visible =
      std::all_of(found->value.begin(), found->value.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  return visible ? found->value : std::string_view{};
}

}  // namespace sidegate::proxy
