#pragma once

#include <sidegate/base/secret.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/algorithm.hpp>

#include <optional>
#include <string>

namespace sidegate::token {

/// Why a secret is too weak to be the key of an HMAC: it is shorter than the longest hash of the algorithms (RFC 7518
/// section 3.2). Nothing where it is not.
std::optional<std::string> find_weakness(const base::Secret& secret, AlgorithmSet algorithms);

/// Whether a configured secret can be the key of an HMAC. Reported are an empty one, the text of a PEM or JWK (whose
/// public half everybody knows), and a weak one unless `allow_weak` stands beside it.
bool check_secret(const config::Key& key, AlgorithmSet algorithms, config::Diagnostics& diagnostics);

}  // namespace sidegate::token
