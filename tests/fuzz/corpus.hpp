#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::fuzz {

/// An input that was worth keeping: it reaches what no other one does, or it broke something once.
struct Seed {
  std::string name;
  std::string bytes;
};

/// The inputs of one target, in the order of their names.
inline std::vector<Seed> corpus(std::string_view target) {
  const auto folder = std::filesystem::path(SIDEGATE_SOURCE_DIR) / "tests/fuzz/corpus" / target;
  std::vector<Seed> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.push_back({entry.path().filename(), {std::istreambuf_iterator<char>(file), {}}});
  }
  std::sort(seeds.begin(), seeds.end(), [](const Seed& left, const Seed& right) { return left.name < right.name; });
  return seeds;
}

}  // namespace sidegate::fuzz
