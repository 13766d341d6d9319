#include <sidegate/token/token_digest.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>

namespace sidegate::token {

void TokenDigest::Free::operator()(EVP_MD_CTX* context) const noexcept {
  EVP_MD_CTX_free(context);
}

TokenDigest::TokenDigest() : context_(EVP_MD_CTX_new()) {
  EVP_MD* const hash = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  // Where this fails no digest is ever made: a context that has no hash cannot be started again.
  if (hash == nullptr || !context_ || EVP_DigestInit_ex2(context_.get(), hash, nullptr) != 1) ERR_clear_error();
  EVP_MD_free(hash);  // the context holds on to it
}

std::optional<TokenDigest::Bytes> TokenDigest::of(std::string_view token) noexcept {
  Bytes digest;
  if (!context_ || EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) != 1 ||
      EVP_DigestUpdate(context_.get(), token.data(), token.size()) != 1 ||
      EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return digest;
}

}  // namespace sidegate::token
