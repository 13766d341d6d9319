#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/token/algorithm.hpp>
#include <sidegate/token/private_key.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sidegate::token {

/// A key to sign with.
struct SigningKey {
  std::variant<base::Secret, PrivateKey> key;  ///< the secret of an HMAC, or a private key
  std::string id{};                            ///< `kid`; empty: none
  std::optional<Algorithm> algorithm{};        ///< the only one it may be used with; none: any that fits
};

/// What the key can be used with, by what it is and by what it says that it is for.
AlgorithmSet algorithms_for(const SigningKey& key) noexcept;

/// The keys to sign with in the bytes of a key file, at least one: a private JWK or a set with some, a PEM private key,
/// or raw bytes, of which one newline at the end is dropped. No message shows any part of a key.
base::OrMessage<std::vector<SigningKey>> read_signing_keys(std::string_view bytes);

/// Signs `claims` as a token in compact form (RFC 7515 section 3.1) with the header {"alg", "typ": "JWT", "kid"}; `kid`
/// only where `key_id` is not empty. The message says why the key does not fit the algorithm. For commands, tests and
/// the demo: it keeps nothing between calls.
base::OrMessage<std::string> sign_jwt(const boost::json::object& claims, Algorithm algorithm, const SigningKey& key,
                                      std::string_view key_id = {});

/// The same for a header and a payload that are already bytes, whatever they are.
base::OrMessage<std::string> sign_jws(std::string_view header, std::string_view payload, Algorithm algorithm,
                                      const SigningKey& key);

/// The same two with the secret of an HMAC.
base::OrMessage<std::string> sign_jwt(const boost::json::object& claims, Algorithm algorithm, std::string_view secret,
                                      std::string_view key_id = {});
base::OrMessage<std::string> sign_jws(std::string_view header, std::string_view payload, Algorithm algorithm,
                                      std::string_view secret);

}  // namespace sidegate::token
