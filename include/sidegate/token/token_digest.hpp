#pragma once

#include <openssl/types.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace sidegate::token {

/// Makes the SHA-256 of whole tokens, by which a cache knows them without keeping them.
///
/// The hash is fetched once, here; every use starts the same context again. The context has a state, so it belongs to
/// one thread.
class TokenDigest {
 public:
  using Bytes = std::array<unsigned char, 32>;

  TokenDigest();

  /// Nothing when OpenSSL fails.
  std::optional<Bytes> of(std::string_view token) noexcept;

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept;
  };

  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// For hash maps. Any eight bytes of a digest are as good as a hash.
struct DigestHash {
  using is_avalanching = void;
  std::size_t operator()(const TokenDigest::Bytes& digest) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof(hash));
    return hash;
  }
};

}  // namespace sidegate::token
