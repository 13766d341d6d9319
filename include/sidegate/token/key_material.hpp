#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/token/algorithm.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::token {

/// A key as it was given, before it is made ready for use.
struct KeyMaterial {
  base::Secret secret;                  ///< of an HMAC
  std::string id;                       ///< `kid`; empty: none
  std::optional<Algorithm> algorithm;   ///< the only one it may be used with (`alg` of a JWK); none: any that fits
  std::optional<base::UnixTime> until;  ///< not used from this moment on
  std::string label{};                  ///< what people call it, such as `keys[1] (env JWT_KEY)`
};

/// What the bytes of a key look like.
enum class KeyForm {
  Raw,  ///< just bytes: the secret of an HMAC
  Jwk,  ///< a JSON Web Key or a set of them (RFC 7517)
  Pem,  ///< RFC 7468
};

/// Tells by the first characters; white space before them does not hide the form.
KeyForm form_of(std::string_view bytes) noexcept;

/// The keys in the bytes of a key file, at least one: a JWK of type `oct`, a JWK Set with such keys (keys of other
/// types in it are left out), or raw bytes, of which one newline at the end is dropped. PEM and other types of keys are
/// answered "not supported yet". No message shows any part of a key.
base::OrMessage<std::vector<KeyMaterial>> read_key_file(std::string_view bytes);

}  // namespace sidegate::token
