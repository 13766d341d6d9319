#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sidegate::fuzz {

/// What a property found wrong with one input, in words; empty where it holds.
///
/// Each property is a function from bytes to a defect, in a header of its own: NAME.cpp makes a libFuzzer target of it,
/// and the ordinary tests replay corpus/NAME through the same function.
using Defect = std::string;

inline Defect differ(std::string_view what, std::string_view left, std::string_view right) {
  return std::string(what) + ":\n" + std::string(left) + "\nagainst:\n" + std::string(right);
}

/// The body of a libFuzzer entry point.
inline int hold(Defect (*property)(std::string_view), const std::uint8_t* data, std::size_t size) {
  const Defect defect = property({reinterpret_cast<const char*>(data), size});
  if (defect.empty()) return 0;
  std::fprintf(stderr, "%s\n", defect.c_str());
  std::abort();
}

}  // namespace sidegate::fuzz
