#pragma once

#include <sidegate/http/head.hpp>

#include <string_view>
#include <vector>

namespace sidegate::proxy {

/// The trace id of a request's `traceparent` (W3C Trace Context, section 3.2); empty where there is none, several, or
/// one that is not well formed, and a new trace is to be begun.
std::string_view find_trace_id(const std::vector<http::Field>& fields) noexcept;

}  // namespace sidegate::proxy
