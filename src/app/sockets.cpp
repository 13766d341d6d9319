#include "sockets.hpp"

#include <algorithm>
#include <utility>

namespace sidegate::app {
namespace {

bool is_among(const OpenSocket& one, const std::vector<OpenSocket>& sockets) {
  return std::any_of(sockets.begin(), sockets.end(), [&](const OpenSocket& each) { return each.socket == one.socket; });
}

}  // namespace

std::vector<OpenSocket> open_sockets(const config::Config& config, const std::vector<OpenSocket>& open,
                                     config::Diagnostics& diagnostics) {
  std::vector<OpenSocket> free = open;
  std::vector<OpenSocket> sockets;
  for (const auto& listener : config.listeners) {
    const auto same = std::find_if(free.begin(), free.end(),
                                   [&](const OpenSocket& each) { return each.address == listener.address; });
    if (same != free.end()) {
      sockets.push_back(std::move(*same));
      free.erase(same);
      continue;
    }
    auto socket = net::ListeningSocket::open(listener.address, listener.mode);
    if (!socket) {
      diagnostics.error(listener.where, socket.error().text);
      return {};
    }
    sockets.push_back({listener.address, std::make_shared<net::ListeningSocket>(std::move(*socket))});
  }
  return sockets;
}

proxy::ListeningSockets sockets_of(const std::vector<OpenSocket>& open) {
  proxy::ListeningSockets sockets;
  for (const auto& each : open) sockets.push_back(each.socket);
  return sockets;
}

void refuse_at_unused(const std::vector<OpenSocket>& before, const std::vector<OpenSocket>& after) {
  for (const auto& each : before) {
    if (!is_among(each, after)) each.socket->refuse_new();
  }
}

void close_unused(const std::vector<OpenSocket>& before, const std::vector<OpenSocket>& after) {
  for (const auto& each : before) {
    if (!is_among(each, after)) each.socket->close();
  }
}

}  // namespace sidegate::app
