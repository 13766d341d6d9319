#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/token/algorithm.hpp>
#include <sidegate/token/jws_verifier.hpp>

namespace sidegate::token {

/// Adds the keys of an authenticator to `signatures`, whose algorithms are `algorithms`. Into the diagnostics go keys
/// that cannot be read, are too weak, or fit none of the algorithms; and, as warnings, keys of a set that are left out,
/// private halves, and algorithms that no key fits.
void add_configured_keys(const config::JwtAuthenticator& settings, AlgorithmSet algorithms, JwsVerifier& signatures,
                         config::Diagnostics& diagnostics);

}  // namespace sidegate::token
