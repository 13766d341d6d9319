#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/algorithm.hpp>

namespace sidegate::token {

/// Reports a configured secret that cannot be the key of an HMAC: an empty one, the text of a PEM or JWK (whose public
/// half everybody knows), and one that is shorter than its hash unless `allow_weak` stands beside it.
void check_secret(const config::Key& key, AlgorithmSet algorithms, config::Diagnostics& diagnostics);

}  // namespace sidegate::token
