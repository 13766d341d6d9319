#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/private_key.hpp>
#include <sidegate/token/public_key.hpp>

#include <cstdint>
#include <string_view>

namespace sidegate::token {

/// What becomes of a private key where a public one is wanted.
enum class PrivateHalf : std::uint8_t {
  Refused,  ///< a verifier that holds it could sign, and so could whoever breaks in
  LeftOut,
};

/// The public key of a PEM text (RFC 7468): of a "PUBLIC KEY" (SubjectPublicKeyInfo), an "RSA PUBLIC KEY" (RFC 8017
/// appendix A.1.1), or the first certificate of a chain, of which nothing but the key is looked at: neither its dates
/// nor who signed it. Text around the blocks is passed over. Exactly one key; no message shows any part of it.
base::OrMessage<PublicKey> read_public_pem(std::string_view text, PrivateHalf private_half);

/// The private key of a PEM text: PKCS #8, or the older forms of RSA and EC keys; not encrypted.
base::OrMessage<PrivateKey> read_private_pem(std::string_view text);

}  // namespace sidegate::token
