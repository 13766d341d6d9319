#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/algorithm.hpp>

#include <string>
#include <vector>

namespace sidegate::token {
namespace {

struct Entry {
  std::string_view name;
  Scheme scheme;
  std::string_view digest;
  std::size_t hash_bytes;
};

// In the order of the enumerators.
constexpr std::array<Entry, kAlgorithms.size()> kEntries{{
    {"HS256", Scheme::Hmac, "SHA256", 32},
    {"HS384", Scheme::Hmac, "SHA384", 48},
    {"HS512", Scheme::Hmac, "SHA512", 64},
    {"RS256", Scheme::RsaPkcs1, "SHA256", 32},
    {"RS384", Scheme::RsaPkcs1, "SHA384", 48},
    {"RS512", Scheme::RsaPkcs1, "SHA512", 64},
    {"PS256", Scheme::RsaPss, "SHA256", 32},
    {"PS384", Scheme::RsaPss, "SHA384", 48},
    {"PS512", Scheme::RsaPss, "SHA512", 64},
    {"ES256", Scheme::Ecdsa, "SHA256", 32},
    {"ES384", Scheme::Ecdsa, "SHA384", 48},
    {"ES512", Scheme::Ecdsa, "SHA512", 64},
    {"EdDSA", Scheme::Eddsa, "", 0},
}};

constexpr const Entry& entry_of(Algorithm algorithm) noexcept {
  return kEntries[static_cast<std::size_t>(algorithm)];
}

std::vector<std::string> known_names() {
  std::vector<std::string> names;
  names.reserve(kEntries.size());
  for (const Entry& entry : kEntries) names.emplace_back(entry.name);
  return names;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) noexcept {
  return entry_of(algorithm).name;
}

Scheme scheme_of(Algorithm algorithm) noexcept {
  return entry_of(algorithm).scheme;
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
  if (name == "none") return base::Message{R"("none" is no algorithm: a token without a signature proves nothing)"};
  return base::Message{"unknown algorithm " + quoted + config::did_you_mean(name, known_names())};
}

std::string names_of(AlgorithmSet algorithms) {
  std::string names;
  for (const Algorithm algorithm : kAlgorithms) {
    if (!algorithms.contains(algorithm)) continue;
    if (!names.empty()) names += ", ";
    names += name_of(algorithm);
  }
  return names;
}

}  // namespace sidegate::token
