#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/token/jws_verifier.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace sidegate::token {

/// What a token's header is asked for. `jwk`, `jku`, `x5u`, `x5c` and the like are not: a key that the token brings
/// along proves nothing.
struct JoseHeader {
  Algorithm algorithm{};
  std::string key_id;  ///< empty: none
};

/// Checks `header` against the rules (RFC 7515 section 4, RFC 8725 section 3.1) and writes what it says to `out`, whose
/// memory is used again. Malformed: a member of the wrong type, an extension that must be understood (`crit`, section
/// 4.1.11; an unencoded payload, RFC 7797), another `typ` than the rules want. BadSignature: an algorithm that the
/// rules do not accept, `none` among them.
base::Result<void> read_header(const boost::json::object& header, const JwsRules& rules, JoseHeader& out,
                               CheckList* checks = nullptr);

/// Whether two media types are the same, `application/` in front being optional (RFC 7515 section 4.1.9).
bool same_type(std::string_view left, std::string_view right) noexcept;

}  // namespace sidegate::token
