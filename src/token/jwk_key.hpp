#pragma once

#include <sidegate/base/result.hpp>

#include <openssl/types.h>
#include <boost/json/object.hpp>

#include <memory>
#include <optional>
#include <string_view>

namespace sidegate::token {

/// A member that is to be a text: empty where it is missing, nothing where it is something else.
std::optional<std::string_view> optional_text(const boost::json::object& object, std::string_view name) noexcept;

/// Whether a JWK of an asymmetric type has its private half (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
bool has_private_half(const boost::json::object& jwk) noexcept;

/// The public key of a JWK of the type RSA (RFC 7518 section 6.3), EC (section 6.2) or OKP (RFC 8037 section 2);
/// private members are not looked at. No message shows any part of it.
base::OrMessage<std::shared_ptr<EVP_PKEY>> public_key_of(const boost::json::object& jwk);

/// Both halves of it. Also refused when they do not belong together.
base::OrMessage<std::shared_ptr<EVP_PKEY>> private_key_of(const boost::json::object& jwk);

}  // namespace sidegate::token
