#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/http/head.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sidegate::proxy {

/// What a connection says of its requests to the origin: X-Forwarded-For, -Proto, -Host and -Port and Forwarded
/// (RFC 7239).
class ForwardingLines {
 public:
  /// `peer_ip` is empty on a unix socket. What a trusted peer says of the hops before it is passed on.
  ForwardingLines(std::string_view peer_ip, const config::Address& listener, bool peer_is_trusted);

  /// Appends the lines for a request with `fields` to `host`, which is empty in HTTP/1.0 without a Host.
  void append(const std::vector<http::Field>& fields, std::string_view host, std::string& out) const;

 private:
  void append_for_trusted(const std::vector<http::Field>& fields, std::string_view host, std::string& out) const;

  std::string peer_ip_;
  std::string port_;       ///< of the listener; empty on a unix socket
  std::string lines_;      ///< For, Proto and Port for a peer that nobody trusts: the same for each request, made once
  std::string forwarded_;  ///< the element of the Forwarded line up to where the host comes
  bool peer_is_trusted_;
};

}  // namespace sidegate::proxy
