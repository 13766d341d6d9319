#include "pem_key.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return sidegate::fuzz::hold(sidegate::fuzz::pem_key, data, size);
}
