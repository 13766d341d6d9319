#include <sidegate/token/public_key.hpp>

#include "key_check.hpp"
#include "openssl_support.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>

namespace sidegate::token {
namespace {

struct Entry {
  std::string_view name;
  AlgorithmSet algorithms;
};

// In the order of the enumerators.
constexpr std::array<Entry, 6> kEntries{{
    {"RSA",
     {Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512}},
    {"EC P-256", {Algorithm::ES256}},
    {"EC P-384", {Algorithm::ES384}},
    {"EC P-521", {Algorithm::ES512}},
    {"Ed25519", {Algorithm::EdDSA}},
    {"Ed448", {Algorithm::EdDSA}},
}};

constexpr const Entry& entry_of(KeyKind kind) noexcept {
  return kEntries[static_cast<std::size_t>(kind)];
}

/// The key written and read again as a public one, so that nothing private of it stays in memory.
std::shared_ptr<EVP_PKEY> public_half(EVP_PKEY& key) {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(&key, &bytes);
  if (size <= 0) return nullptr;
  const unsigned char* next = bytes;
  std::shared_ptr<EVP_PKEY> half(d2i_PUBKEY(nullptr, &next, size), &EVP_PKEY_free);
  OPENSSL_free(bytes);
  return half;
}

}  // namespace

std::string_view name_of(KeyKind kind) noexcept {
  return entry_of(kind).name;
}

AlgorithmSet algorithms_of(KeyKind kind) noexcept {
  return entry_of(kind).algorithms;
}

base::OrMessage<PublicKey> PublicKey::create(EVP_PKEY& key) {
  const auto kind = check_key(key);
  if (!kind) return kind.error();
  auto half = public_half(key);
  if (!half) return openssl_failure("the key has no public half that can be read");
  return PublicKey(std::move(half), *kind);
}

bool PublicKey::operator==(const PublicKey& other) const noexcept {
  return kind_ == other.kind_ && EVP_PKEY_eq(get(), other.get()) == 1;
}

}  // namespace sidegate::token
