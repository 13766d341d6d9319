#pragma once

#include <sidegate/base/ip_address.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace sidegate::net {

/// The header that a load balancer sends before anything else of a connection, to say whose it is: version 1 and 2 of
/// the PROXY protocol (haproxy.org/download/2.6/doc/proxy-protocol.txt, sections 2.1 and 2.2).
struct ProxyHeader {
  enum class Status { NeedMore, Whole, Broken };
  Status status = Status::NeedMore;
  std::size_t bytes = 0;  ///< of Whole: where the connection's own bytes begin

  /// Of Whole: who connected. Nothing where the sender speaks for itself (LOCAL, as in health checks) or knows no
  /// address (UNKNOWN, UNSPEC, unix sockets).
  std::optional<base::IpAddress> source;
};

/// Reads the header from all bytes since the connection's first; call again with more of them while it needs more. The
/// length of version 2 is what its own field says, and what does not fit in it is broken. No extension (TLV), not
/// even the checksum, is looked at.
ProxyHeader parse_proxy_header(std::string_view bytes);

/// A longer header is broken: version 1 has at most 107 bytes, and no known extension of version 2 needs more.
inline constexpr std::size_t kProxyHeaderBytesMax = 4096;

}  // namespace sidegate::net
