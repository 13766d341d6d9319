#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/token/check_list.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::token {

/// What the claims of a token must say.
struct ClaimRules {
  std::string issuer;                              ///< exactly this `iss`; empty: any
  std::vector<std::string> audience;               ///< `aud` names one of these; empty: any
  std::chrono::seconds leeway{0};                  ///< how far the issuer's clock may differ, either way
  std::optional<std::chrono::seconds> max_age;     ///< since `iat`, which must then be there
  std::vector<std::string> require_claims{"exp"};  ///< names, or paths of names
};

/// When something holds: from one moment on, up to the second before another.
struct Validity {
  base::UnixTime from = base::UnixTime::min();
  base::UnixTime until = base::UnixTime::max();

  bool holds(base::UnixTime now) const noexcept { return now >= from && now < until; }

  bool operator==(const Validity&) const = default;
};

/// The claim called `name`, or reached by it as a path of names with dots; null where there is none.
const boost::json::value* find_claim(const boost::json::object& claims, std::string_view name) noexcept;

/// Checks registered claims (RFC 7519 section 4.1) and tells when they hold: from the later of `nbf` and `iat`, the
/// leeway taken off, until the earlier of `exp` and `iat` + `max_age`, the leeway added. At any such moment the same
/// claims pass the same rules; at any other they do not.
///
/// The order of the checks is the order in which several faults are named, and `exp` is the last of them: Expired means
/// that all else is well.
///  - Malformed: `exp`, `nbf` or `iat` is no NumericDate, `aud` neither a string nor a list of strings
///  - MissingClaim: a required claim, or one that a rule needs, is not there or null
///  - WrongIssuer, WrongAudience
///  - NotYetValid: `nbf` or `iat` lies further in the future than the leeway
///  - Expired: now >= `exp` + leeway (section 4.1.4: "on or after"), or older than `max_age` in the same way
///
/// The checks that were made are noted in `checks`.
base::Result<Validity> check_claims(const boost::json::object& claims, const ClaimRules& rules, base::UnixTime now,
                                    CheckList* checks = nullptr);

/// A NumericDate (RFC 7519 section 2): a number of seconds since 1970, from year 0 to 9999, so that milliseconds given
/// by mistake do not make a token that lasts for ever. Fractions of a second are dropped, as those of "now" are.
/// Malformed for anything else.
base::Result<base::UnixTime> read_numeric_date(const boost::json::value& value) noexcept;
/// The one of that name; nothing where there is none, or it is none.
std::optional<base::UnixTime> date_in(const boost::json::object& claims, std::string_view name) noexcept;

}  // namespace sidegate::token
