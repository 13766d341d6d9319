#pragma once

#include <sidegate/base/ip_address.hpp>
#include <sidegate/http/head.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace sidegate::proxy {

/// Whether the peer is one of the proxies that are believed; never one without an address, on a unix socket.
bool is_trusted(std::string_view peer_ip, const std::vector<base::IpRange>& trusted);

/// Who the client is, as a trusted peer tells it in `X-Forwarded-For`: the rightmost address that is no trusted proxy,
/// since whatever stands left of it was written by somebody who is not believed. Where every address is a trusted one,
/// the leftmost. Reading stops at an entry that is no address: the answer is then the trusted address read just before
/// it, or nothing where there was none and the peer itself is the last one known.
std::optional<base::IpAddress> find_client_address(const std::vector<http::Field>& fields,
                                                   const std::vector<base::IpRange>& trusted);

}  // namespace sidegate::proxy
