#pragma once

#include <sidegate/base/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::explain {

/// A request that somebody wants to know about, as it was asked for. It may hold secrets.
struct Query {
  std::string method;
  std::string url;                          ///< absolute, or what stands in the request line: `/path?query`, `*`
  std::vector<std::string> headers;         ///< `Name: value`, one a line, in order
  std::optional<std::uint64_t> body_bytes;  ///< how long its body is, where it has one
  std::string client_ip;                    ///< empty: 127.0.0.1, or nobody's on a unix socket
  std::string listener;                     ///< the name; empty: the first one
};

/// Reads `{"method", "url", "headers", "client_ip", "listener"}`, of which the first two are required. `headers` is an
/// object of names with a text, or a list of texts, each. A message names the member and shows nothing of its value.
base::OrMessage<Query> read_query(std::string_view json);

/// The request's head as it would be sent, from the method to the empty line: `Host` from the URL unless a header says
/// it, the headers as they are, and a length for the body unless a header frames it. The message says which word cannot
/// be sent at all.
base::OrMessage<std::string> request_head(const Query& query);

}  // namespace sidegate::explain
