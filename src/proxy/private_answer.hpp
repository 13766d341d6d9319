#pragma once

#include <sidegate/http/head.hpp>

#include <string>
#include <vector>

namespace sidegate::proxy {

/// Appends the Cache-Control line of an answer that sets the cookies of one caller, so that no shared cache keeps it
/// (RFC 9111 section 5.2.2.7): what the origin says of it, and `private` where it does not say that itself or is
/// stricter. It takes the place of all that the origin says to caches.
void append_private_cache_control(const std::vector<http::Field>& fields, std::string& out);

}  // namespace sidegate::proxy
