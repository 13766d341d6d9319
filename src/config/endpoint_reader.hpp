#pragma once

#include "block.hpp"

#include <sidegate/config/config.hpp>

#include <string>
#include <string_view>

namespace sidegate::config {

/// Somebody who is asked, in the keys of `block`: url, allow_http, timeout, tls, circuit_breaker.
Endpoint read_endpoint(Block& block, std::string_view url_hint);

/// A URL that nobody on the way can answer for: https, http to this machine, or anything with `allow_http`.
std::string read_service_url(const Cursor& cursor, bool allow_http);

/// `credential`: what Sidegate shows of itself.
OwnCredential read_own_credential(const Cursor& cursor);

/// `cache`, with its own defaults.
void read_lifetimes(const Cursor& cursor, AnswerLifetimes& lifetimes);

}  // namespace sidegate::config
