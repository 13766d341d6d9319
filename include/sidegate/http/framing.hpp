#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/http/head.hpp>

#include <cstdint>
#include <string_view>

namespace sidegate::http {

/// How long a message's body is (RFC 9112 section 6).
struct Framing {
  enum class Kind : std::uint8_t { None, Length, Chunked, UntilClose };
  Kind kind = Kind::None;
  std::uint64_t length = 0;  ///< of Kind::Length
};

/// What a head says about the connection it came on, read once.
struct RequestFacts {
  Framing framing;
  std::string_view host;   ///< the value of Host; empty in HTTP/1.0 without one
  bool has_host = false;   ///< whether there is such a field
  bool keep_alive = true;  ///< RFC 9112 section 9.3
  bool expects_continue = false;
  bool nominates = false;           ///< `Connection` names fields other than close, keep-alive and upgrade
  bool asks_for_websocket = false;  ///< RFC 6455 section 4.1; every other upgrade is ignored (RFC 9110 section 7.8)
};

/// The one place that decides whether a request is well framed: an ordered list of checks, each with its RFC section.
base::Result<RequestFacts> check_request(const RequestHead& head) noexcept;

struct ResponseFacts {
  Framing framing;
  bool keep_alive = true;
  bool nominates = false;
  bool switches_to_websocket = false;  ///< a 101 that says so
};

/// The same for a response to a request whose method was `method`. An error means 502.
base::Result<ResponseFacts> check_response(const ResponseHead& head, Method method) noexcept;

/// Whether a `Connection` field of these names `name` (RFC 9110 section 7.6.1).
bool is_nominated(const std::vector<Field>& fields, std::string_view name) noexcept;

/// Whether `text` is a host with an optional port: a name, an IPv4 address or an IPv6 literal in brackets (RFC 3986
/// section 3.2.2), without user information. Stricter than the RFC: only letters, digits, `-`, `.` and `_` in a name.
bool is_valid_host(std::string_view text) noexcept;

}  // namespace sidegate::http
