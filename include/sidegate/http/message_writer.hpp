#pragma once

#include <sidegate/http/framing.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/head.hpp>
#include <sidegate/http/header_filter.hpp>
#include <sidegate/http/target.hpp>

#include <string_view>

namespace sidegate::http {

/// What of a request is forwarded: the caller's lines that passed, and the lines that Sidegate adds.
struct ForwardedRequest {
  const RequestHead* head = nullptr;
  const RequestFacts* facts = nullptr;
  const CanonicalTarget* target = nullptr;
  const HeaderFilter* filter = nullptr;
  std::string_view path{};       ///< what the origin is asked for; empty: the path of the target
  std::string_view host_line{};  ///< the whole line in place of the caller's Host; empty: the caller's stays
  bool forward_authorization = true;
  bool forward_cookie = true;   ///< false: no Cookie line passes; what is left of them stands among the added lines
  bool forward_trace = true;    ///< traceparent and tracestate
  std::string_view added;       ///< whole lines with their CRLF
  std::string_view also_added;  ///< more of them
};

/// Why one of the caller's fields goes no further.
enum class Removal {
  None,         ///< it passes
  Filter,       ///< the filter drops it
  Nominated,    ///< the caller's `Connection` names it (RFC 9110 section 7.6.1)
  Credential,   ///< a place of credentials that the application is not to see
  Expectation,  ///< one that nobody knows
  Replaced,     ///< a line of ours says it instead
};
Removal removal_of(const Field& field, const ForwardedRequest& request) noexcept;

/// Gathers the head to send to the origin: one pass over the fields, nothing copied but what is new. The caller's
/// `Connection` removes the fields that it names before anything is added, so that it cannot remove an added one
/// (RFC 9110 section 7.6.1). Always HTTP/1.1. False where the list is full.
bool write_request_head(const ForwardedRequest& request, GatherList& out) noexcept;

struct ForwardedResponse {
  const ResponseHead* head = nullptr;
  const ResponseFacts* facts = nullptr;
  std::string_view added;               ///< whole lines with their CRLF, `Connection` among them
  bool chunked = false;                 ///< the client gets the body in chunks
  bool replaces_cache_control = false;  ///< a line of ours takes the place of what the origin says to caches
};

/// The same for the response to the client.
bool write_response_head(const ForwardedResponse& response, GatherList& out) noexcept;

/// What goes along with a request to switch to WebSocket, and with the consent (RFC 6455 sections 4.1 and 4.2.2): the
/// lines of the other side belong to its own connection and were dropped.
inline constexpr std::string_view kUpgradeLines = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

/// Whether a field may be forwarded as a trailer: none that steers the message or names a credential (RFC 9110
/// section 6.5.1). A request's trailers pass the `HeaderFilter` besides.
bool may_be_trailer(const Field& field) noexcept;

/// One chunk (RFC 9112 section 7.1) of a non-empty `data`.
bool write_chunk(std::string_view data, GatherList& out) noexcept;

/// Slices and copied bytes that one chunk, or one trailer line, takes at most.
inline constexpr std::size_t kChunkSlices = 3;
inline constexpr std::size_t kChunkCopiedBytes = 20;

}  // namespace sidegate::http
