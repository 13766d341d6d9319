#pragma once

#include <sidegate/base/clock.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::revocation {

/// How many rules there may be at once, those not counted that have expired.
inline constexpr std::size_t kRulesMax = 100'000;

/// How long the `jti` or the subject of a rule may be.
inline constexpr std::size_t kNameBytesMax = 1024;

/// Which credentials of one authenticator are refused, and until when.
struct Rule {
  enum class Kind : std::uint8_t {
    Jti,      ///< the token of this `jti` (RFC 7519 section 4.1.7)
    Subject,  ///< all of this subject that were issued before a moment, and those that do not say when
    Token,    ///< one token, known by the SHA-256 of what its signature covers
  };

  std::string authenticator;
  Kind kind = Kind::Jti;
  std::string name;                ///< the `jti`, the subject, or the digest in lower-case hexadecimal
  base::UnixTime issued_before{};  ///< of Kind::Subject
  base::UnixTime expires;          ///< from this moment on the rule does not count

  auto operator<=>(const Rule&) const = default;
};

/// A stable word for people and programs: `jti`, `subject`, `token`.
std::string_view name_of(Rule::Kind kind) noexcept;

/// Puts `rules` in order and drops what makes no difference: those that have expired at `now`, and those that another
/// one outdoes. Of several for the same subject the strictest that has not expired counts, so more than one may stay.
void tidy(std::vector<Rule>& rules, base::UnixTime now);

}  // namespace sidegate::revocation
