#pragma once

#include <sidegate/base/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sidegate::token {

/// The signature algorithms that this build makes and verifies (RFC 7518 section 3.1). `none` is not one, and never
/// will be: it has no value here, so that nothing can compare equal to it.
enum class Algorithm : std::uint8_t { HS256, HS384, HS512 };

inline constexpr std::array kAlgorithms{Algorithm::HS256, Algorithm::HS384, Algorithm::HS512};

/// The value of `alg`.
std::string_view name_of(Algorithm algorithm) noexcept;

/// What OpenSSL calls the hash.
std::string_view digest_name(Algorithm algorithm) noexcept;

/// The length of the hash: of an HMAC signature, and the least length of an HMAC key (RFC 7518 section 3.2).
std::size_t hash_bytes(Algorithm algorithm) noexcept;

/// The algorithm of exactly this name; nothing for one that is unknown or not built yet. For tokens.
std::optional<Algorithm> find_algorithm(std::string_view name) noexcept;

/// The same for a name that a person wrote: the message says whether the algorithm is not supported yet or unknown, and
/// what may have been meant.
base::OrMessage<Algorithm> parse_algorithm(std::string_view name);

/// The algorithms that an authenticator accepts.
class AlgorithmSet {
 public:
  constexpr void insert(Algorithm algorithm) noexcept { bits_ |= bit(algorithm); }
  constexpr bool contains(Algorithm algorithm) const noexcept { return (bits_ & bit(algorithm)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }

 private:
  static constexpr std::uint32_t bit(Algorithm algorithm) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(algorithm);
  }

  std::uint32_t bits_ = 0;
};

}  // namespace sidegate::token
