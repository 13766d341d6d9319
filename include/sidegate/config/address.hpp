#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>

#include <string>
#include <string_view>

/// Addresses and URLs as texts. A message never repeats what was found: a URL may hold a password.
namespace sidegate::config {

/// `host:port`, `[v6]:port` or `unix:/path`. An IPv6 literal is brought to its one canonical text.
base::OrMessage<Address> parse_address(std::string_view text);

/// `http://HOST[:PORT]` or `https://HOST[:PORT]`, and what follows.
struct HttpUrl {
  bool encrypted = false;
  Address address;   ///< with the scheme's port where the URL names none
  std::string rest;  ///< from the first `/`, `?` or `#` on
};
base::OrMessage<HttpUrl> parse_http_url(std::string_view text);

/// A server of an upstream: `http://host:port` with nothing behind it, or `unix:/path`.
base::OrMessage<Address> parse_server(std::string_view text);

/// Whether `text` is a URL with `user:password@` in it.
bool has_url_credentials(std::string_view text);

/// Whether only programs on this machine can reach `address`: loopback or a unix socket.
bool is_local(const Address& address);

/// Whether both cannot be listened on at the same time. Port 0 never collides.
bool collide(const Address& left, const Address& right);

}  // namespace sidegate::config
