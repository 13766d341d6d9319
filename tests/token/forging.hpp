#pragma once

#include <sidegate/token/base64url.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "key_pairs.hpp"

/// Tokens that no signer of ours would make: with other bytes, other texts for the same bytes, or signatures of another
/// kind than their header says.
namespace sidegate::token {

/// The three parts of a compact token, as they are written.
struct TokenParts {
  std::string header;
  std::string payload;
  std::string signature;

  std::string signing_input() const { return header + '.' + payload; }
  std::string token() const { return signing_input() + '.' + signature; }
};

inline TokenParts parts_of(const std::string& token) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  return {token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

/// The token with one bit of the bytes of a part changed.
inline std::string flipped(const std::string& token, std::string TokenParts::*part, std::size_t byte) {
  TokenParts parts = parts_of(token);
  std::string bytes = *decode_base64url(parts.*part);
  bytes[byte % bytes.size()] ^= 1;
  parts.*part = key_pairs::encoded(bytes);
  return parts.token();
}

/// The token with these bytes as its signature.
inline std::string resigned(const std::string& token, std::string_view signature) {
  TokenParts parts = parts_of(token);
  parts.signature = key_pairs::encoded(signature);
  return parts.token();
}

/// The two texts, whatever they are, with a good HS256 signature over just these characters.
inline std::string sealed(const std::string& header_text, const std::string& payload_text, std::string_view secret) {
  const std::string message = header_text + '.' + payload_text;
  std::array<unsigned char, 32> mac{};
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac.data(), nullptr);
  return message + '.' + key_pairs::encoded({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

/// A signature as OpenSSL makes it, with whatever hash and padding: that of ECDSA is a DER sequence.
inline std::string openssl_signature(const key_pairs::Key& key, const EVP_MD* hash, std::string_view message,
                                     const std::function<void(EVP_PKEY_CTX*)>& set_padding = {}) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_PKEY_CTX* settings = nullptr;
  if (EVP_DigestSignInit(context.get(), &settings, hash, nullptr, key.get()) != 1) std::abort();
  if (set_padding) set_padding(settings);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size());
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, message.size()) !=
      1) {
    std::abort();
  }
  signature.resize(size);
  return signature;
}

}  // namespace sidegate::token
