#pragma once

#include <sidegate/config/config.hpp>

#include <string_view>

namespace sidegate::admin {

/// Whether only programs of this machine can connect to `address`: a unix socket, a loopback literal or `localhost`.
bool is_local(const config::Address& address);

/// Whether a `Host` field names this machine: `localhost`, a loopback literal, or the host of `configured`, each with
/// or without a port; where every address is listened on, any address. A page that rebinds its own name to one of ours
/// still sends its own name.
bool is_own_host(std::string_view host, const config::Address& configured);

}  // namespace sidegate::admin
