#include <sidegate/base/text.hpp>
#include <sidegate/revocation/credential.hpp>
#include <sidegate/token/base64url.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/token_digest.hpp>
#include <sidegate/token/unverified_claims.hpp>

#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <array>

namespace sidegate::revocation {

namespace {

/// An opaque token may have dots as well, and share what stands before the last with all its like.
bool has_json_header(std::string_view token) {
  // Three bytes, which may be blanks and then the brace.
  std::array<char, 3> begin{};
  return token::has_jwt_form(token) && token.find('.') >= 4 && token::decode_base64url(token.substr(0, 4), begin) &&
         base::trim_blanks({begin.data(), begin.size()}).starts_with('{');
}

}  // namespace

std::string_view jti_of(const boost::json::object& claims) noexcept {
  const auto* const value = claims.if_contains("jti");
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::optional<base::UnixTime> issued_of(const boost::json::object& claims) noexcept {
  return token::date_in(claims, "iat");
}

DigestText::DigestText(token::TokenDigest& digest, std::string_view token) noexcept {
  const auto bytes = digest.of(has_json_header(token) ? token.substr(0, token.rfind('.')) : token);
  if (!bytes) return;
  base::write_hex(*bytes, hex_.data());
  size_ = hex_.size();
}

}  // namespace sidegate::revocation
