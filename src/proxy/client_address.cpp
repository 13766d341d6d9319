#include <sidegate/base/text.hpp>
#include <sidegate/proxy/client_address.hpp>

#include <algorithm>
#include <string_view>

namespace sidegate::proxy {
namespace {

/// An entry may come with brackets and a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
std::optional<base::IpAddress> read_entry(std::string_view entry) {
  if (const auto whole = base::IpAddress::parse(entry)) return whole;
  const bool in_brackets = entry.starts_with('[');
  const auto end = entry.find(in_brackets ? ']' : ':');
  if (end == std::string_view::npos) return std::nullopt;
  const auto port = entry.substr(in_brackets ? end + 1 : end);
  if (!port.empty() && (port.front() != ':' || !base::parse_port(port.substr(1)))) return std::nullopt;
  const auto address = in_brackets ? entry.substr(1, end - 1) : entry.substr(0, end);
  const bool is_v6 = address.find(':') != std::string_view::npos;
  return is_v6 == in_brackets ? base::IpAddress::parse(address) : std::nullopt;
}

bool contains(const std::vector<base::IpRange>& ranges, const base::IpAddress& address) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const base::IpRange& range) { return range.contains(address); });
}

}  // namespace

bool is_trusted(std::string_view peer_ip, const std::vector<base::IpRange>& trusted) {
  const auto address = trusted.empty() ? std::nullopt : base::IpAddress::parse(peer_ip);
  return address && contains(trusted, *address);
}

std::optional<base::IpAddress> find_client_address(const std::vector<http::Field>& fields,
                                                   const std::vector<base::IpRange>& trusted) {
  std::optional<base::IpAddress> client;
  for (auto field = fields.rbegin(); field != fields.rend(); ++field) {
    if (!base::equals_ignoring_case(field->name, "x-forwarded-for")) continue;
    std::string_view rest = field->value;
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      const auto begin = comma == std::string_view::npos ? 0 : comma + 1;
      const auto entry = base::trim_blanks(rest.substr(begin));
      rest = rest.substr(0, begin == 0 ? 0 : comma);
      if (entry.empty()) continue;  // RFC 9110 section 5.6.1.2
      const auto address = read_entry(entry);
      if (!address) return client;
      client = address;
      if (!contains(trusted, *address)) return client;
    }
  }
  return client;
}

}  // namespace sidegate::proxy
