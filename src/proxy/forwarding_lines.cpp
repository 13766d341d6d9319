#include <sidegate/base/text.hpp>
#include <sidegate/http/framing.hpp>
#include <sidegate/proxy/forwarding_lines.hpp>

#include <algorithm>

namespace sidegate::proxy {
namespace {

using Fields = std::vector<http::Field>;

void append_line(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

/// The value of the one field of that name; empty where there is none, or several, of which nobody can know which one
/// an origin would read.
std::string_view only_value(const Fields& fields, std::string_view name) {
  const http::Field* found = nullptr;
  for (const http::Field& field : fields) {
    if (!base::equals_ignoring_case(field.name, name)) continue;
    if (found != nullptr) return {};
    found = &field;
  }
  return found != nullptr ? found->value : std::string_view{};
}

bool is_printable(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// A quote that is left open would take what is appended into itself (RFC 9110 section 5.6.4).
bool closes_its_quotes(std::string_view value) {
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (quoted && value[i] == '\\') {
      ++i;
    } else if (value[i] == '"') {
      quoted = !quoted;
    }
  }
  return !quoted;
}

/// The values of a list field that may stand before ours, in the order of the lines, each with a comma behind it.
void append_values(const Fields& fields, std::string_view name, std::string& out) {
  for (const http::Field& field : fields) {
    if (!base::equals_ignoring_case(field.name, name)) continue;
    if (field.value.empty() || !is_printable(field.value) || !closes_its_quotes(field.value)) continue;
    out += field.value;
    out += ", ";
  }
}

/// In small letters, since services compare it as it comes.
std::string_view scheme_of(std::string_view text) {
  if (base::equals_ignoring_case(text, "http")) return "http";
  return base::equals_ignoring_case(text, "https") ? std::string_view("https") : std::string_view{};
}

bool is_port(std::string_view text) {
  return base::parse_port(text).value_or(0) > 0;
}

}  // namespace

ForwardingLines::ForwardingLines(std::string_view peer_ip, const config::Address& listener, bool peer_is_trusted)
    : peer_ip_(peer_ip), peer_is_trusted_(peer_is_trusted) {
  if (listener.kind == config::Address::Kind::Tcp) port_ = std::to_string(listener.port);
  if (!peer_ip_.empty()) append_line("X-Forwarded-For", peer_ip_, lines_);
  append_line("X-Forwarded-Proto", "http", lines_);
  if (!port_.empty()) append_line("X-Forwarded-Port", port_, lines_);
  // RFC 7239 section 6: an IPv6 address stands in brackets and quotes, an unknown one as "unknown".
  const bool is_v6 = peer_ip.find(':') != std::string_view::npos;
  forwarded_ = "for=";
  if (peer_ip.empty()) {
    forwarded_ += "unknown";
  } else {
    forwarded_ += is_v6 ? "\"[" : "";
    forwarded_ += peer_ip;
    forwarded_ += is_v6 ? "]\"" : "";
  }
  forwarded_ += ";proto=http";
}

void ForwardingLines::append(const Fields& fields, std::string_view host, std::string& out) const {
  if (peer_is_trusted_) {
    append_for_trusted(fields, host, out);
  } else {
    out += lines_;
    if (!host.empty()) append_line("X-Forwarded-Host", host, out);
  }
  out += "Forwarded: ";
  if (peer_is_trusted_) append_values(fields, "forwarded", out);
  out += forwarded_;
  if (!host.empty()) {
    out += ";host=\"";
    out += host;
    out += '"';
  }
  out += "\r\n";
}

void ForwardingLines::append_for_trusted(const Fields& fields, std::string_view host, std::string& out) const {
  out += "X-Forwarded-For: ";
  append_values(fields, "x-forwarded-for", out);
  out += peer_ip_;
  out += "\r\n";
  const auto scheme = scheme_of(only_value(fields, "x-forwarded-proto"));
  append_line("X-Forwarded-Proto", scheme.empty() ? "http" : scheme, out);
  auto port = only_value(fields, "x-forwarded-port");
  if (!is_port(port)) port = port_;
  if (!port.empty()) append_line("X-Forwarded-Port", port, out);
  auto first_host = only_value(fields, "x-forwarded-host");
  if (!http::is_valid_host(first_host)) first_host = host;
  if (!first_host.empty()) append_line("X-Forwarded-Host", first_host, out);
}

}  // namespace sidegate::proxy
