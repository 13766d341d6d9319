#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/token/algorithm.hpp>
#include <sidegate/token/public_key.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sidegate::token {

/// A key as it was given, before it is made ready to verify with.
struct KeyMaterial {
  std::variant<base::Secret, PublicKey> key;  ///< the secret of an HMAC, or the public half of a pair
  std::string id;                             ///< `kid`; empty: none
  std::optional<Algorithm> algorithm;   ///< the only one it may be used with (`alg` of a JWK); none: any that fits
  std::optional<base::UnixTime> until;  ///< not used from this moment on
  std::string label{};                  ///< what people call it, such as `keys[1] (env JWT_KEY)`
};

/// What the key can be used with, by what it is and by what it says that it is for.
AlgorithmSet algorithms_for(const KeyMaterial& key) noexcept;

/// Why the key fits none of the algorithms that are accepted, for people.
std::string explain_misfit(const KeyMaterial& key, AlgorithmSet accepted);

/// What the bytes of a key look like.
enum class KeyForm : std::uint8_t {
  Raw,  ///< just bytes: the secret of an HMAC
  Jwk,  ///< a JSON Web Key or a set of them (RFC 7517)
  Pem,  ///< RFC 7468
};

/// Tells by the first characters, white space passed over; for a PEM by its first block, text passed over as well.
KeyForm form_of(std::string_view bytes) noexcept;

/// What was in a key file, at least one key.
struct KeyFile {
  std::vector<KeyMaterial> keys;
  std::vector<std::string> warnings;  ///< for people; no part of a key is shown
};

/// The keys to verify with in the bytes of a key file: a JWK, a JWK Set (keys that are not for this are left out), a
/// PEM public key or certificate, or raw bytes, of which one newline at the end is dropped. Of private keys the public
/// half is taken. No message shows any part of a key.
base::OrMessage<KeyFile> read_key_file(std::string_view bytes);

}  // namespace sidegate::token
