#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/base/reason.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sidegate::telemetry {

/// What one request came to: the fields of its access log line, written exactly once however it ended.
///
/// The views are borrowed for the call that they are passed to. It has no room for a token, a cookie or a header value.
struct AccessRecord {
  std::chrono::sys_time<std::chrono::microseconds> time{};  ///< when the request's head was whole
  std::string_view request_id{};
  std::string_view trace_id{};
  std::string_view route{};   ///< empty: none matched
  std::string_view method{};  ///< empty: the head could not be read
  std::string_view path{};    ///< canonical, without the query; empty as above
  std::string_view query{};   ///< without "?"; written only where the configuration asks for it
  unsigned status = 0;        ///< 0: the client was gone before an answer
  std::chrono::microseconds duration{0};
  std::string_view upstream{};
  std::string_view server{};
  std::optional<std::chrono::microseconds> upstream_duration{};  ///< to the response head
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::string_view client_ip{};
  std::string_view subject{};
  std::string_view authenticator{};
  std::optional<base::Reason> auth_outcome{};
  std::optional<base::CacheResult> cache{};  ///< of the credential; empty: no cache was asked
  std::optional<base::Reason> reason{};      ///< why it was refused or broke off; a refusal is an audit line
};

}  // namespace sidegate::telemetry
