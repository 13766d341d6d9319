#pragma once

#include <sidegate/config/config.hpp>

#include <string>
#include <string_view>

namespace sidegate::proxy {

/// What a connection says of its requests to the origin: the same lines for each of them, made once.
class ForwardingLines {
 public:
  /// `client_ip` is empty on a unix socket.
  ForwardingLines(std::string_view client_ip, const config::Address& listener);

  /// Appends X-Forwarded-For, -Proto, -Host and -Port and Forwarded (RFC 7239) for a request to `host`, which is empty
  /// in HTTP/1.0 without a Host.
  void append(std::string_view host, std::string& out) const;

 private:
  std::string fixed_;      ///< whole lines
  std::string forwarded_;  ///< the Forwarded line up to where the host comes
};

}  // namespace sidegate::proxy
