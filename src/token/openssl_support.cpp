#include "openssl_support.hpp"

#include <openssl/err.h>

#include <string>

namespace sidegate::token {

base::Message openssl_failure(std::string_view what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  std::string text(what);
  if (reason != nullptr) text += std::string(" (OpenSSL: ") + reason + ")";
  return base::Message{std::move(text)};
}

}  // namespace sidegate::token
