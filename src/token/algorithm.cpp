#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/algorithm.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace sidegate::token {
namespace {

struct Entry {
  std::string_view name;
  std::string_view digest;
  std::size_t hash_bytes;
};

// In the order of the enumerators.
constexpr std::array<Entry, kAlgorithms.size()> kEntries{{
    {"HS256", "SHA256", 32},
    {"HS384", "SHA384", 48},
    {"HS512", "SHA512", 64},
}};

constexpr const Entry& entry_of(Algorithm algorithm) noexcept {
  return kEntries[static_cast<std::size_t>(algorithm)];
}

constexpr std::array<std::string_view, 10> kNotSupportedYet{"RS256", "RS384", "RS512", "PS256", "PS384",
                                                            "PS512", "ES256", "ES384", "ES512", "EdDSA"};

std::vector<std::string> known_names() {
  std::vector<std::string> names(kNotSupportedYet.begin(), kNotSupportedYet.end());
  names.reserve(names.size() + kEntries.size());
  for (const Entry& entry : kEntries) names.emplace_back(entry.name);
  return names;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) noexcept {
  return entry_of(algorithm).name;
}

std::string_view digest_name(Algorithm algorithm) noexcept {
  return entry_of(algorithm).digest;
}

std::size_t hash_bytes(Algorithm algorithm) noexcept {
  return entry_of(algorithm).hash_bytes;
}

std::optional<Algorithm> find_algorithm(std::string_view name) noexcept {
  for (const Algorithm algorithm : kAlgorithms) {
    if (name_of(algorithm) == name) return algorithm;
  }
  return std::nullopt;
}

base::OrMessage<Algorithm> parse_algorithm(std::string_view name) {
  if (const auto algorithm = find_algorithm(name)) return *algorithm;
  const std::string quoted = '"' + std::string(name) + '"';
  if (std::find(kNotSupportedYet.begin(), kNotSupportedYet.end(), name) != kNotSupportedYet.end()) {
    return base::Message{"algorithm " + quoted + " is not supported yet; HS256, HS384 and HS512 are"};
  }
  if (name == "none") return base::Message{R"("none" is no algorithm: a token without a signature proves nothing)"};
  return base::Message{"unknown algorithm " + quoted + config::did_you_mean(name, known_names())};
}

}  // namespace sidegate::token
