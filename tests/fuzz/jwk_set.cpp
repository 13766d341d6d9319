#include "jwk_set.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return sidegate::fuzz::hold(sidegate::fuzz::jwk_set, data, size);
}
