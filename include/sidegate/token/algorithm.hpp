#pragma once

#include <sidegate/base/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::token {

/// The signature algorithms (RFC 7518 section 3.1, RFC 8037 section 3.1). `none` is not one, and never will be: it has
/// no value here, so that nothing can compare equal to it.
enum class Algorithm : std::uint8_t {
  HS256,
  HS384,
  HS512,
  RS256,
  RS384,
  RS512,
  PS256,
  PS384,
  PS512,
  ES256,
  ES384,
  ES512,
  EdDSA,
};

inline constexpr std::array kAlgorithms{
    Algorithm::HS256, Algorithm::HS384, Algorithm::HS512, Algorithm::RS256, Algorithm::RS384,
    Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512, Algorithm::ES256,
    Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA,
};

/// What an algorithm computes, whatever its hash.
enum class Scheme : std::uint8_t { Hmac, RsaPkcs1, RsaPss, Ecdsa, Eddsa };

/// The value of `alg`.
std::string_view name_of(Algorithm algorithm) noexcept;

Scheme scheme_of(Algorithm algorithm) noexcept;

/// What OpenSSL calls the hash; empty for EdDSA, whose hash is part of its curve.
std::string_view digest_name(Algorithm algorithm) noexcept;

/// The length of the hash: of an HMAC signature, and the least length of an HMAC key (RFC 7518 section 3.2). 0 for
/// EdDSA.
std::size_t hash_bytes(Algorithm algorithm) noexcept;

/// The algorithm of exactly this name; nothing for one that is unknown. For tokens.
std::optional<Algorithm> find_algorithm(std::string_view name) noexcept;

/// The same for a name that a person wrote: the message says what may have been meant.
base::OrMessage<Algorithm> parse_algorithm(std::string_view name);

/// Some of the algorithms: those that an authenticator accepts, or those that a key can be used with.
class AlgorithmSet {
 public:
  constexpr AlgorithmSet() noexcept = default;
  constexpr AlgorithmSet(std::initializer_list<Algorithm> algorithms) noexcept {
    for (const Algorithm algorithm : algorithms) insert(algorithm);
  }

  constexpr void insert(Algorithm algorithm) noexcept { bits_ |= bit(algorithm); }
  constexpr bool contains(Algorithm algorithm) const noexcept { return (bits_ & bit(algorithm)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }

  /// What both have.
  constexpr AlgorithmSet operator&(AlgorithmSet other) const noexcept { return AlgorithmSet(bits_ & other.bits_); }
  /// What either has.
  constexpr AlgorithmSet operator|(AlgorithmSet other) const noexcept { return AlgorithmSet(bits_ | other.bits_); }
  constexpr bool operator==(const AlgorithmSet&) const noexcept = default;

 private:
  explicit constexpr AlgorithmSet(std::uint32_t bits) noexcept : bits_(bits) {}

  static constexpr std::uint32_t bit(Algorithm algorithm) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(algorithm);
  }

  std::uint32_t bits_ = 0;
};

inline constexpr AlgorithmSet kHmacAlgorithms{Algorithm::HS256, Algorithm::HS384, Algorithm::HS512};

inline constexpr AlgorithmSet kPublicKeyAlgorithms{
    Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384,
    Algorithm::PS512, Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA};

/// The names of the set in the order of the enumerators: `HS256, HS384`.
std::string names_of(AlgorithmSet algorithms);

}  // namespace sidegate::token
