#pragma once

#include <sidegate/base/result.hpp>

#include <string>
#include <string_view>

namespace sidegate::http {

/// The one reading of a request's target: matching, deciding, logging and forwarding all use this and nothing else.
struct CanonicalTarget {
  std::string_view path;       ///< begins with "/", or is "*" (OPTIONS only)
  std::string_view query;      ///< with its "?", as received; empty where there is none
  std::string_view authority;  ///< of an absolute-form target; empty otherwise
  bool rewritten = false;      ///< `path` is not the received one, or the target was in absolute form
  bool has_encoded_slash = false;
  bool has_path_parameters = false;  ///< a `;` stands in the path
};

/// Makes the canonical target (RFC 3986 section 6.2.2, RFC 9112 section 3.2): percent-encoding of unreserved characters
/// undone, the hexadecimal of the rest in upper case, dot segments resolved, repeated slashes merged. What some origin
/// might read in another way (a backslash, `#`, control characters, bytes outside ASCII, climbing above the root, a dot
/// segment behind an encoded slash or before a semicolon) is refused. An encoded slash and a semicolon, which some
/// origins need, are only reported: whoever has matched the route decides.
///
/// `storage` holds the path where it had to be rewritten; it is re-used, and the result's views point into it or into
/// `target`.
base::Result<CanonicalTarget> canonicalise(std::string_view target, bool is_options, std::string& storage);

/// Whether the percent-decoded `segment` of a canonical path is exactly `literal`.
bool decodes_to(std::string_view segment, std::string_view literal) noexcept;

/// Undoes all percent-encoding; for values, never for matching a whole path.
std::string percent_decode(std::string_view text);

}  // namespace sidegate::http
