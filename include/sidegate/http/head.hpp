#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sidegate::http {

enum class Version : std::uint8_t { Http10, Http11 };

/// The methods that Sidegate treats differently from one another (RFC 9110 section 9, RFC 5789).
enum class Method : std::uint8_t { Get, Head, Post, Put, Delete, Connect, Options, Trace, Patch, Other };

/// `method` compared exactly: methods are case-sensitive (RFC 9110 section 9.1).
Method method_of(std::string_view method) noexcept;

/// Whether sending the request twice is the same as sending it once (RFC 9110 section 9.2.2).
bool is_idempotent(Method method) noexcept;

/// The field names that some rule speaks of; every other is Other.
enum class FieldName : std::uint8_t {
  Other,
  Authorization,
  Connection,
  ContentLength,
  ContentType,
  Cookie,
  Expect,
  Host,
  KeepAlive,
  ProxyAuthenticate,
  ProxyAuthorization,
  ProxyConnection,
  Te,
  Traceparent,
  Tracestate,
  Trailer,
  TransferEncoding,
  Upgrade,
  XRequestId,
};

FieldName field_name_of(std::string_view name) noexcept;

/// One field line: views into the buffer that the head was read into. `line` is the whole line with its CRLF, so that a
/// field can be forwarded as it came.
struct Field {
  std::string_view name;
  std::string_view value;  ///< without the blanks around it
  std::string_view line;
  FieldName known = FieldName::Other;
};

/// A request's head that was read whole and can be read in one way only as far as its lines go; `framing.hpp` checks
/// what the lines say. The views live as long as the buffer behind them stays in place.
struct RequestHead {
  std::string_view bytes;  ///< from the method to the empty line
  std::string_view method;
  std::string_view target;
  Method known_method = Method::Other;
  Version version = Version::Http11;
  std::vector<Field> fields;  ///< re-used from request to request, so that a warm one allocates nothing
};

/// A response's head, in the same way.
struct ResponseHead {
  std::string_view bytes;
  unsigned status = 0;
  std::string_view reason_phrase;
  Version version = Version::Http11;
  std::vector<Field> fields;
};

}  // namespace sidegate::http
