#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

namespace sidegate::fuzz {

/// How bytes arrive in pieces: where each piece ends, the last one at the end of the bytes.
using Splits = std::vector<std::size_t>;

inline Splits in_one_piece(std::size_t size) {
  return {size};
}

inline Splits byte_by_byte(std::size_t size) {
  Splits splits(std::max<std::size_t>(size, 1));
  std::iota(splits.begin(), splits.end(), std::size_t{1});
  splits.back() = size;
  return splits;
}

inline Splits cut_at(std::size_t cut, std::size_t size) {
  return {cut, size};
}

/// Pieces of up to `piece_max` bytes.
inline Splits at_random(std::size_t size, std::size_t piece_max, std::minstd_rand& random) {
  Splits splits;
  std::size_t end = 0;
  while (end < size) {
    end = std::min(size, end + 1 + random() % piece_max);
    splits.push_back(end);
  }
  if (splits.empty()) splits.push_back(0);
  return splits;
}

/// The ways in which `bytes` are tried: byte by byte, and cut in two at every place (at some places where they are
/// many), and in random pieces. The same bytes are always tried in the same ways.
inline std::vector<Splits> ways_to_split(std::string_view bytes) {
  constexpr std::size_t kCutsMax = 64;
  const std::size_t size = bytes.size();
  std::vector<Splits> ways{byte_by_byte(size)};
  std::minstd_rand random(std::accumulate(
      bytes.begin(), bytes.end(), 1U, [](unsigned sum, char c) { return sum * 31U + static_cast<unsigned char>(c); }));
  for (std::size_t i = 1; i < std::min(size, kCutsMax); ++i) {
    ways.push_back(cut_at(size <= kCutsMax ? i : 1 + random() % (size - 1), size));
  }
  for (const std::size_t piece_max : {3U, 16U, 200U}) ways.push_back(at_random(size, piece_max, random));
  return ways;
}

}  // namespace sidegate::fuzz
