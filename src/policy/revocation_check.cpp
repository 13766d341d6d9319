#include "revocation_check.hpp"

#include <utility>

namespace sidegate::policy {

using revocation::Rule;

RevocationCheck::RevocationCheck(std::shared_ptr<const revocation::Revocations> shared, std::string authenticator)
    : shared_(std::move(shared)), authenticator_(std::move(authenticator)) {}

void RevocationCheck::renew() {
  // The list may be of a later version than the number: then it is fetched once more, and never missed.
  version_ = shared_->version();
  list_ = shared_->list();
  rules_ = list_->rules_of(authenticator_);
}

std::optional<Rule::Kind> RevocationCheck::ask(std::string_view token, std::string_view subject,
                                               const boost::json::object& claims, base::UnixTime now) {
  revocation::Credential credential{
      authenticator_, subject, revocation::jti_of(claims), revocation::issued_of(claims), {}};
  if (!rules_->needs_digest()) return rules_->find(credential, now);
  const auto digest = digest_of(token);
  // Without it nobody can say that this is none of those that are revoked.
  if (digest.view().empty()) return Rule::Kind::Token;
  credential.digest = digest.view();
  return rules_->find(credential, now);
}

revocation::HeldCredential RevocationCheck::hold(std::string_view token, std::string_view subject,
                                                 const boost::json::object& claims) {
  return {authenticator_, std::string(subject), std::string(revocation::jti_of(claims)), revocation::issued_of(claims),
          std::string(digest_of(token).view())};
}

revocation::DigestText RevocationCheck::digest_of(std::string_view token) {
  if (!digest_) digest_.emplace();
  return {*digest_, token};
}

}  // namespace sidegate::policy
