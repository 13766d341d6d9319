#pragma once

#include <sidegate/base/clock.hpp>

#include <boost/json/object.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::token {
class TokenDigest;
}

namespace sidegate::revocation {

/// What a rule can know a verified credential by. Views into whatever it was made of.
struct Credential {
  std::string_view authenticator;
  std::string_view subject;
  std::string_view jti;                  ///< empty: it has none
  std::optional<base::UnixTime> issued;  ///< `iat`
  std::string_view digest;               ///< `DigestText`; empty where no rule needs it
};

/// The same, on its own: what a tunnel is remembered by. No token stands in it.
struct HeldCredential {
  std::string authenticator;
  std::string subject;
  std::string jti;
  std::optional<base::UnixTime> issued;
  std::string digest;

  Credential view() const noexcept { return {authenticator, subject, jti, issued, digest}; }
};

/// The `jti` of verified claims; empty where there is none that is a text.
std::string_view jti_of(const boost::json::object& claims) noexcept;

/// The `iat` of verified claims.
std::optional<base::UnixTime> issued_of(const boost::json::object& claims) noexcept;

/// The SHA-256 of what the signature of a token in compact form covers (RFC 7515 section 5.1), in lower-case
/// hexadecimal; of an opaque token, that of the whole. The signature is left out, for of some algorithms everybody can
/// make another one that holds as well.
class DigestText {
 public:
  /// Empty where OpenSSL fails.
  DigestText(token::TokenDigest& digest, std::string_view token) noexcept;

  std::string_view view() const noexcept { return {hex_.data(), size_}; }

 private:
  std::array<char, 64> hex_{};
  std::size_t size_ = 0;
};

}  // namespace sidegate::revocation
