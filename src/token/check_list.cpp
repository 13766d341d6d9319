#include <sidegate/base/text.hpp>
#include <sidegate/token/check_list.hpp>

namespace sidegate::token {

std::string_view name_of(CheckName name) noexcept {
  switch (name) {
    case CheckName::Size:
      return "size";
    case CheckName::Service:
      return "service";
    case CheckName::Form:
      return "form";
    case CheckName::Header:
      return "header";
    case CheckName::Type:
      return "typ";
    case CheckName::Algorithm:
      return "alg";
    case CheckName::Signature:
      return "signature";
    case CheckName::Claims:
      return "claims";
    case CheckName::RequiredClaims:
      return "required_claims";
    case CheckName::Issuer:
      return "iss";
    case CheckName::Audience:
      return "aud";
    case CheckName::NotBefore:
      return "nbf";
    case CheckName::IssuedAt:
      return "iat";
    case CheckName::MaxAge:
      return "max_age";
    case CheckName::Expiry:
      return "exp";
    case CheckName::Subject:
      return "subject";
    case CheckName::Revocation:
      return "revocation";
  }
  return "";
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShownMax = 100;
  std::string shown = "\"";
  base::append_json_escaped(shown, text.substr(0, kShownMax));
  return shown + (text.size() > kShownMax ? "…\"" : "\"");
}

}  // namespace sidegate::token
