#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/algorithm.hpp>

#include <openssl/types.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace sidegate::token {

/// A secret that is ready to make and check the HMACs of one algorithm (RFC 2104, RFC 7518 section 3.2).
///
/// The MAC is fetched and keyed once, here; every use starts the same context again without a key, which costs a
/// quarter of making a new one. The context has a state, so it belongs to one thread.
class HmacKey {
 public:
  static constexpr std::size_t kBytesMax = 64;
  using Signature = std::array<char, kBytesMax>;

  /// The message says what OpenSSL refused; `secret` is not empty.
  static base::OrMessage<HmacKey> create(Algorithm algorithm, std::string_view secret);

  /// Whether `signature` is exactly the HMAC of `message`, compared in constant time. False too when OpenSSL fails.
  bool verify(std::string_view message, std::string_view signature) noexcept;

  /// The HMAC of `message`, written to `out`; empty when OpenSSL fails.
  std::string_view sign(std::string_view message, Signature& out) noexcept;

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* context) const noexcept;
  };
  using Context = std::unique_ptr<EVP_MAC_CTX, Free>;

  explicit HmacKey(Context context) noexcept : context_(std::move(context)) {}

  Context context_;
};

}  // namespace sidegate::token
