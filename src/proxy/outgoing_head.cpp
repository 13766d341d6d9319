#include <sidegate/proxy/outgoing_head.hpp>

namespace sidegate::proxy {
namespace {

/// The line that takes the place of the caller's Host; empty where that stays.
void make_host_line(const OutgoingRequest& request, std::string& line) {
  line.clear();
  auto host = request.decision->host;
  std::string server;
  if (host.empty()) {
    if (request.facts->has_host) return;
    // HTTP/1.0 may leave it out, HTTP/1.1 may not.
    const auto& address = request.upstream->servers.front().address;
    server = address.kind == config::Address::Kind::Unix ? "localhost" : address.text();
    host = request.facts->host.empty() ? std::string_view(server) : request.facts->host;
  }
  line = "Host: ";
  line += host;
  line += "\r\n";
}

void make_added_lines(const OutgoingRequest& request, std::string& lines) {
  lines.clear();
  if (request.facts->asks_for_websocket) lines += http::kUpgradeLines;
  request.forwarding->append(request.head->fields, request.facts->host, lines);
  lines += "X-Request-Id: ";
  lines += request.request_id;
  lines += "\r\n";
  if (request.traced) return;
  lines += "traceparent: 00-";
  lines += request.new_trace_id;
  lines += '-';
  lines += request.new_span_id;
  lines += "-01\r\n";
}

}  // namespace

http::ForwardedRequest outgoing_head(const OutgoingRequest& request, std::string& host_line, std::string& added) {
  make_host_line(request, host_line);
  make_added_lines(request, added);
  http::ForwardedRequest forwarded;
  forwarded.head = request.head;
  forwarded.facts = request.facts;
  forwarded.target = request.target;
  forwarded.filter = request.filter;
  forwarded.path = request.decision->path;
  forwarded.host_line = host_line;
  forwarded.forward_authorization = request.decision->forward_authorization;
  forwarded.forward_cookie = request.decision->forward_cookie;
  forwarded.forward_trace = request.traced;
  forwarded.added = added;
  forwarded.also_added = request.decision->lines;
  return forwarded;
}

}  // namespace sidegate::proxy
