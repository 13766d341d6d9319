#include <sidegate/base/text.hpp>
#include <sidegate/revocation/credential.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/token_digest.hpp>
#include <sidegate/token/unverified_claims.hpp>

#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

namespace sidegate::revocation {

std::string_view jti_of(const boost::json::object& claims) noexcept {
  const auto* const value = claims.if_contains("jti");
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::optional<base::UnixTime> issued_of(const boost::json::object& claims) noexcept {
  const auto* const value = claims.if_contains("iat");
  if (value == nullptr) return std::nullopt;
  const auto date = token::read_numeric_date(*value);
  return date ? std::optional<base::UnixTime>(*date) : std::nullopt;
}

DigestText::DigestText(token::TokenDigest& digest, std::string_view token) noexcept {
  // An opaque one may share what stands before its last dot with all its like.
  const bool is_signed = token::has_jwt_form(token) && token.starts_with('e');  // as `{` begins in base64url
  const auto bytes = digest.of(is_signed ? token.substr(0, token.rfind('.')) : token);
  if (!bytes) return;
  base::write_hex(*bytes, hex_.data());
  size_ = hex_.size();
}

}  // namespace sidegate::revocation
