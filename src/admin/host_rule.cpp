#include "host_rule.hpp"

#include <sidegate/base/ip_address.hpp>
#include <sidegate/base/text.hpp>

#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string>

namespace sidegate::admin {
namespace {

/// The host without its port and brackets; nothing where it cannot be read.
std::optional<std::string_view> without_port(std::string_view host) {
  std::string_view name = host;
  std::string_view rest;
  if (host.starts_with('[')) {
    const auto bracket = host.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    name = host.substr(1, bracket - 1);
    rest = host.substr(bracket + 1);
  } else if (const auto colon = host.find(':'); colon != std::string_view::npos) {
    name = host.substr(0, colon);
    rest = host.substr(colon);
  }
  const bool has_port = rest.starts_with(':') && (rest.size() == 1 || base::parse_decimal(rest.substr(1)));
  if (!rest.empty() && !has_port) return std::nullopt;
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool is_loopback(std::string_view name) {
  if (base::equals_ignoring_case(name, "localhost")) return true;
  boost::system::error_code not_literal;
  const auto literal = boost::asio::ip::make_address(std::string(name), not_literal);
  if (not_literal) return false;
  if (literal.is_v6() && literal.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, literal.to_v6()).is_loopback();
  }
  return literal.is_loopback();
}

}  // namespace

bool is_local(const config::Address& address) {
  return address.kind == config::Address::Kind::Unix || is_loopback(address.host);
}

bool is_own_host(std::string_view host, const config::Address& configured) {
  const auto name = without_port(host);
  if (!name || name->empty()) return false;
  if (is_loopback(*name)) return true;
  const bool every_address = configured.host == "0.0.0.0" || configured.host == "::";
  if (every_address && base::IpAddress::parse(*name)) return true;
  return configured.kind == config::Address::Kind::Tcp && base::equals_ignoring_case(*name, configured.host);
}

}  // namespace sidegate::admin
