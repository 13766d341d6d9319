#include "forwarding_lines.hpp"

namespace sidegate::proxy {

ForwardingLines::ForwardingLines(std::string_view client_ip, const config::Address& listener) {
  if (!client_ip.empty()) {
    fixed_ += "X-Forwarded-For: ";
    fixed_ += client_ip;
    fixed_ += "\r\n";
  }
  fixed_ += "X-Forwarded-Proto: http\r\n";
  if (listener.kind == config::Address::Kind::Tcp) {
    fixed_ += "X-Forwarded-Port: " + std::to_string(listener.port) + "\r\n";
  }
  // RFC 7239 section 6: an IPv6 address stands in brackets and quotes, an unknown one as "unknown".
  const bool is_v6 = client_ip.find(':') != std::string_view::npos;
  forwarded_ = "Forwarded: for=";
  if (client_ip.empty()) {
    forwarded_ += "unknown";
  } else {
    forwarded_ += is_v6 ? "\"[" : "";
    forwarded_ += client_ip;
    forwarded_ += is_v6 ? "]\"" : "";
  }
  forwarded_ += ";proto=http";
}

void ForwardingLines::append(std::string_view host, std::string& out) const {
  out += fixed_;
  if (!host.empty()) {
    out += "X-Forwarded-Host: ";
    out += host;
    out += "\r\n";
  }
  out += forwarded_;
  if (!host.empty()) {
    out += ";host=\"";
    out += host;
    out += '"';
  }
  out += "\r\n";
}

}  // namespace sidegate::proxy
