#include "key_check.hpp"
#include "openssl_support.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>

namespace sidegate::token {
namespace {

using base::Message;
using Number = OpenSslPtr<BIGNUM, &BN_free>;

/// RFC 7518 section 3.3.
constexpr int kRsaBitsMin = 2048;
/// What OpenSSL verifies with at most: it would refuse every token of a larger key. Verification takes a fraction of a
/// millisecond even then.
constexpr int kRsaBitsMax = 16'384;
/// The same for the exponent of a large key. All that are in use are far smaller.
constexpr int kExponentBitsMax = 64;

Number number_of(EVP_PKEY& key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(&key, name, &number);
  return Number(number);
}

base::OrMessage<KeyKind> check_rsa(EVP_PKEY& key) {
  const int bits = EVP_PKEY_get_bits(&key);
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return Message{"the RSA key has " + std::to_string(bits) + " bits; from " + std::to_string(kRsaBitsMin) + " to " +
                   std::to_string(kRsaBitsMax) + " are allowed (RFC 7518 section 3.3)"};
  }
  const Number modulus = number_of(key, OSSL_PKEY_PARAM_RSA_N);
  const Number exponent = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  const bool well_formed = modulus && exponent && BN_is_odd(modulus.get()) == 1 && BN_is_odd(exponent.get()) == 1 &&
                           BN_is_one(exponent.get()) == 0 && BN_num_bits(exponent.get()) <= kExponentBitsMax;
  if (!well_formed) return Message{"the RSA key is malformed: its modulus or its exponent cannot be that of a key"};
  return KeyKind::Rsa;
}

std::optional<KeyKind> kind_of_curve(std::string_view group) noexcept {
  if (group == "prime256v1") return KeyKind::P256;
  if (group == "secp384r1") return KeyKind::P384;
  if (group == "secp521r1") return KeyKind::P521;
  return std::nullopt;
}

base::OrMessage<KeyKind> check_ec(EVP_PKEY& key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  const bool is_named = EVP_PKEY_get_group_name(&key, name.data(), name.size(), &size) == 1;
  const auto kind = is_named ? kind_of_curve({name.data(), size}) : std::nullopt;
  if (!kind) {
    const std::string curve = is_named ? std::string(name.data(), size) : "without a name";
    return Message{"the EC key is on a curve that is not supported (" + curve + "); P-256, P-384 and P-521 are"};
  }
  const OpenSslPtr<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_pkey(nullptr, &key, nullptr));
  if (!context || EVP_PKEY_public_check_quick(context.get()) != 1) {
    return openssl_failure("the EC key is not a point of its curve");
  }
  return *kind;
}

}  // namespace

base::OrMessage<KeyKind> check_key(EVP_PKEY& key) {
  auto kind = [&]() -> base::OrMessage<KeyKind> {
    if (EVP_PKEY_is_a(&key, "RSA") == 1) return check_rsa(key);
    if (EVP_PKEY_is_a(&key, "EC") == 1) return check_ec(key);
    if (EVP_PKEY_is_a(&key, "ED25519") == 1) return KeyKind::Ed25519;
    if (EVP_PKEY_is_a(&key, "ED448") == 1) return KeyKind::Ed448;
    const char* const type = EVP_PKEY_get0_type_name(&key);
    return Message{std::string("keys of the type ") + (type != nullptr ? type : "that this one has") +
                   " are not supported; RSA, EC, Ed25519 and Ed448 are"};
  }();
  ERR_clear_error();
  return kind;
}

}  // namespace sidegate::token
