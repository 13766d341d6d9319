#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/key_material.hpp>
#include <sidegate/token/signer.hpp>

#include <boost/json/object.hpp>

#include <string_view>
#include <vector>

namespace sidegate::token {

/// More keys than an issuer has at a time. A token without `kid` is tried with all of them.
inline constexpr std::size_t kSetKeysMax = 64;

/// The JSON of a JWK or of a set; no member may stand in it twice.
base::OrMessage<boost::json::object> parse_jwk(std::string_view text);

bool is_jwk_set(const boost::json::object& document) noexcept;

/// The keys to verify with of a JWK (RFC 7517 section 4) or of a set (section 5). A key of a set that cannot be used is
/// left out: with a warning where it was meant for signatures, and silently where its `use`, `key_ops` or `alg` says
/// that it is for something else, as half of the keys of many issuers are. A set without a key that can be used is
/// refused.
base::OrMessage<KeyFile> read_jwks(const boost::json::object& document);

/// The keys to sign with; those of a set that are not are left out.
base::OrMessage<std::vector<SigningKey>> read_signing_jwks(const boost::json::object& document);

}  // namespace sidegate::token
