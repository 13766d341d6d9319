#include "jwt.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return sidegate::fuzz::hold(sidegate::fuzz::jwt, data, size);
}
