#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/http/message_writer.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/proxy/forwarding_lines.hpp>

#include <string>
#include <string_view>

namespace sidegate::proxy {

/// A request that is to be forwarded, with what is known of it.
struct OutgoingRequest {
  const http::RequestHead* head = nullptr;
  const http::RequestFacts* facts = nullptr;
  const http::CanonicalTarget* target = nullptr;
  const policy::Decision* decision = nullptr;  ///< of Kind::Forward
  const http::HeaderFilter* filter = nullptr;
  const ForwardingLines* forwarding = nullptr;
  const config::Upstream* upstream = nullptr;
  std::string_view request_id;
  bool traced = false;  ///< whether the caller's trace goes on; otherwise these two begin one
  std::string_view new_trace_id;
  std::string_view new_span_id;
};

/// What the origin gets of it: which of the caller's lines pass, and what is added. The result's views live in
/// `host_line` and `added`, which are written anew, and in the request.
http::ForwardedRequest outgoing_head(const OutgoingRequest& request, std::string& host_line, std::string& added);

}  // namespace sidegate::proxy
