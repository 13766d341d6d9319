
#include <sidegate/base/text.hpp>
#include <sidegate/config/address.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <optional>

namespace sidegate::config {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::size_t kHostBytesMax = 253;

std::optional<std::string> canonical_v6(std::string_view text) {
  in6_addr address{};
  if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  return std::string(inet_ntop(AF_INET6, &address, buffer.data(), buffer.size()));
}

bool is_v4(std::string_view text) {
  in_addr address{};
  return inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

/// A name whose last label is all digits is a mistyped address: `127.0.0.256`, `10.1`.
bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > kHostBytesMax || text.front() == '.' || text.front() == '-') return false;
  if (text.find("..") != std::string_view::npos) return false;
  const auto is_allowed = [](char c) {
    return base::is_alpha(c) || base::is_digit(c) || c == '-' || c == '.' || c == '_';
  };
  if (!std::all_of(text.begin(), text.end(), is_allowed)) return false;
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto dot = text.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? text : text.substr(dot + 1);
  return !last.empty() && !std::all_of(last.begin(), last.end(), base::is_digit);
}

base::OrMessage<Address> parse_unix(std::string_view path) {
  if (!path.starts_with('/') || path.ends_with('/')) {
    return base::Message{"the path of a unix socket is absolute: unix:/path"};
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return base::Message{
        fmt::format("the path of a unix socket has at most {} bytes", sizeof(sockaddr_un::sun_path) - 1)};
  }
  if (path.find('\0') != std::string_view::npos) return base::Message{"a path holds no NUL"};
  Address address;
  address.kind = Address::Kind::Unix;
  address.path = path;
  return address;
}

base::OrMessage<std::uint16_t> parse_port(std::string_view text) {
  const auto number = text.size() > 5 ? std::nullopt : base::parse_decimal(text);
  if (!number || *number > 65'535) return base::Message{"the port is a number from 0 to 65535"};
  return static_cast<std::uint16_t>(*number);
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`; without `default_port` a port is required.
base::OrMessage<Address> parse_authority(std::string_view text, std::optional<std::uint16_t> default_port) {
  const bool is_v6_literal = text.starts_with('[');
  if (!is_v6_literal && std::count(text.begin(), text.end(), ':') > 1) {
    return base::Message{"an IPv6 address stands in brackets: \"[::1]:8080\""};
  }
  const auto end = std::min(is_v6_literal ? text.find(']') : text.find(':'), text.size());
  const std::string_view host = text.substr(0, end);
  std::string_view rest = text.substr(end);

  Address address;
  if (is_v6_literal) {
    auto literal = rest.empty() ? std::nullopt : canonical_v6(host.substr(1));
    if (!literal) return base::Message{"between [ and ] goes an IPv6 address"};
    rest.remove_prefix(1);
    if (!rest.empty() && rest.front() != ':') return base::Message{"after ] goes :PORT"};
    address.host = *std::move(literal);
  }
  if (rest.empty() && !default_port && base::parse_decimal(host)) {
    return base::Message{"this is a port alone; \"[::]:PORT\" is that port of every address"};
  }
  if (rest.empty() && !default_port) {
    return base::Message{"the port is missing: host:port, \"[v6]:port\" or unix:/path"};
  }
  if (!is_v6_literal) {
    if (host.empty()) return base::Message{"the host is missing: \"[::]:PORT\" or 0.0.0.0:PORT is every address"};
    if (!is_v4(host) && !is_host_name(host)) return base::Message{"the host is neither an IP address nor a host name"};
    address.host = host;
  }
  if (rest.empty()) {
    address.port = *default_port;
    return address;
  }
  const auto port = parse_port(rest.substr(1));
  if (!port) return port.error();
  address.port = *port;
  return address;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return base::equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool is_any_v6(const Address& address) {
  return address.host == "::";
}
bool is_any_v4(const Address& address) {
  return address.host == "0.0.0.0";
}
bool is_v6(const Address& address) {
  return address.host.find(':') != std::string::npos;
}

}  // namespace

std::string Address::text() const {
  if (kind == Kind::Unix) return fmt::format("unix:{}", path);
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

base::OrMessage<Address> parse_address(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text.substr(kUnixPrefix.size()));
  if (text.find("//") != std::string_view::npos) {
    return base::Message{"an address is no URL: host:port, \"[v6]:port\" or unix:/path"};
  }
  return parse_authority(text, std::nullopt);
}

base::OrMessage<HttpUrl> parse_http_url(std::string_view text) {
  HttpUrl url;
  url.encrypted = starts_with_ignoring_case(text, "https://");
  if (!url.encrypted && !starts_with_ignoring_case(text, "http://")) {
    return base::Message{"expected a URL that begins with http:// or https://"};
  }
  if (has_url_credentials(text)) return base::Message{"credentials do not belong in a URL"};
  text.remove_prefix(text.find("//") + 2);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  url.rest = text.substr(end);
  auto address =
      parse_authority(text.substr(0, end), std::uint16_t{url.encrypted ? std::uint16_t{443} : std::uint16_t{80}});
  if (!address) return address.error();
  if (address->port == 0) return base::Message{"the port is a number from 1 to 65535"};
  url.address = *std::move(address);
  return url;
}

base::OrMessage<Address> parse_server(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text.substr(kUnixPrefix.size()));
  auto url = parse_http_url(text);
  if (!url) {
    const bool is_http = starts_with_ignoring_case(text, "http://") || starts_with_ignoring_case(text, "https://");
    return is_http ? url.error() : base::Message{"expected http://host:port or unix:/path"};
  }
  if (url->encrypted) return base::Message{"https:// is not supported yet"};
  if (!url->rest.empty() && url->rest != "/") {
    return base::Message{"a server is named by host and port only, with no path, query or fragment"};
  }
  return url->address;
}

bool has_url_credentials(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view rest = text.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  return authority.find('@') != std::string_view::npos;
}

bool is_local(const Address& address) {
  if (address.kind == Address::Kind::Unix) return true;
  if (base::equals_ignoring_case(address.host, "localhost") || address.host == "::1") return true;
  return is_v4(address.host) && address.host.starts_with("127.");
}

bool collide(const Address& left, const Address& right) {
  if (left.kind != right.kind) return false;
  if (left.kind == Address::Kind::Unix) return left.path == right.path;
  if (left.port != right.port || left.port == 0) return false;
  if (base::equals_ignoring_case(left.host, right.host)) return true;
  if (is_any_v6(left) || is_any_v6(right)) return true;  // [::] takes both families
  return (is_any_v4(left) && !is_v6(right)) || (is_any_v4(right) && !is_v6(left));
}

}  // namespace sidegate::config
