#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/net/listening_socket.hpp>
#include <sidegate/proxy/worker.hpp>

#include <memory>
#include <vector>

namespace sidegate::app {

/// A listener's socket, with its address as configured: the port may be 0 there, which stays the same socket.
struct OpenSocket {
  config::Address address;
  std::shared_ptr<net::ListeningSocket> socket;
};

/// The sockets for the listeners of `config`, in its order: those of `open` that have the same address, and new ones
/// for the rest. What cannot be opened goes into `diagnostics`, and those opened before it are closed again.
std::vector<OpenSocket> open_sockets(const config::Config& config, const std::vector<OpenSocket>& open,
                                     config::Diagnostics& diagnostics);

/// The sockets alone, as workers want them.
proxy::ListeningSockets sockets_of(const std::vector<OpenSocket>& open);

/// Nobody new can connect to those of `before` that are not among `after`; then they are closed, once the workers have
/// taken who had connected.
void refuse_at_unused(const std::vector<OpenSocket>& before, const std::vector<OpenSocket>& after);
void close_unused(const std::vector<OpenSocket>& before, const std::vector<OpenSocket>& after);

}  // namespace sidegate::app
