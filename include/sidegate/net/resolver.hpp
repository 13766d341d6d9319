#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/net/stream_socket.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <vector>

namespace sidegate::net {

/// Turns a configured address into endpoints to connect to. Names go to the system's resolver on a thread of Asio's, so
/// that a slow name server holds up nobody else.
class Resolver {
 public:
  explicit Resolver(const Executor& executor) : executor_(executor) {}

  /// Whether the address needs no name server: an IP literal or a unix socket.
  static bool is_literal(const config::Address& address);

  /// The endpoints of a literal; empty for anything else.
  static std::vector<StreamSocket::endpoint_type> literal(const config::Address& address);

  /// The endpoints of any address; empty where the name is not known.
  boost::asio::awaitable<std::vector<StreamSocket::endpoint_type>, Executor> resolve(const config::Address& address);

 private:
  Executor executor_;
};

}  // namespace sidegate::net
