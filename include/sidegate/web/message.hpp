#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A small HTTP server (Beast) for operators and for the demo. It never faces a caller of the proxy.
namespace sidegate::web {

/// One field line, as it was spelled.
struct Field {
  std::string name;
  std::string value;
};

/// A request with its whole body.
struct Request {
  std::string method;
  std::string target;
  std::vector<Field> fields;  ///< in the order received
  std::string body;

  /// The target up to its `?`.
  std::string_view path() const noexcept;
  /// What follows the `?`, or nothing.
  std::string_view query() const noexcept;
  /// The value of the first field of that name, compared without letter case.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// How many fields have that name.
  std::size_t count(std::string_view name) const noexcept;
};

/// An answer. `Content-Length`, `Date` and `X-Content-Type-Options: nosniff` are added, and `Cache-Control: no-store`
/// where it says nothing of that itself.
struct Response {
  unsigned status = 200;
  std::string content_type;  ///< empty for an answer without a body
  std::string body;          ///< left out of the answer to HEAD, its length is not
  std::vector<Field> fields = {};
};

/// `{"error":"WORDS"}`, the form of every refusal.
Response error_response(unsigned status, std::string_view words);

/// Whether a caller with this `Accept` would rather have HTML than JSON; `*/*` alone means no (RFC 9110
/// section 12.5.1).
bool prefers_html(std::optional<std::string_view> accept);

/// Gives the answer to one request. It may be called later and from any thread; only the first call counts. Where it is
/// dropped, on the server's thread, without a call, the connection ends.
using Respond = std::function<void(Response)>;

/// Answers a request, at once or later. The request is gone when it returns.
using Handler = std::function<void(const Request&, Respond)>;

}  // namespace sidegate::web
