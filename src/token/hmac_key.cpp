#include "hmac_key.hpp"
#include "openssl_support.hpp"

#include <sidegate/base/secret.hpp>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <string>

namespace sidegate::token {

void HmacKey::Free::operator()(EVP_MAC_CTX* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

base::OrMessage<HmacKey> HmacKey::create(Algorithm algorithm, std::string_view secret) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  if (mac == nullptr) return openssl_failure("the key cannot be used");
  Context context(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac);  // the context holds on to it
  std::string digest(digest_name(algorithm));
  const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
                              OSSL_PARAM_construct_end()};
  if (!context || EVP_MAC_init(context.get(), octets(secret), secret.size(), parameters.data()) != 1) {
    return openssl_failure("the key cannot be used");
  }
  return HmacKey(std::move(context));
}

std::string_view HmacKey::sign(std::string_view message, Signature& out) noexcept {
  std::size_t size = 0;
  auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
  if (EVP_MAC_init(context_.get(), nullptr, 0, nullptr) != 1 ||
      EVP_MAC_update(context_.get(), octets(message), message.size()) != 1 ||
      EVP_MAC_final(context_.get(), bytes, &size, out.size()) != 1) {
    ERR_clear_error();
    return {};
  }
  return {out.data(), size};
}

bool HmacKey::verify(std::string_view message, std::string_view signature) noexcept {
  Signature buffer;
  const std::string_view expected = sign(message, buffer);
  return !expected.empty() && base::equal_in_constant_time(expected, signature);
}

}  // namespace sidegate::token
