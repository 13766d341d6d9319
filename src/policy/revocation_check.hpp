#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/revocation/revocation_list.hpp>
#include <sidegate/revocation/revocations.hpp>
#include <sidegate/token/token_digest.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::policy {

/// Holds the credentials of one authenticator against the rules that all workers share. Where there is no rule for it a
/// look costs two comparisons. Belongs to one thread.
class RevocationCheck {
 public:
  /// Without `shared` nothing is revoked.
  RevocationCheck(std::shared_ptr<const revocation::Revocations> shared, std::string authenticator);

  /// Which kind of rule refuses a verified token; nothing where none does.
  std::optional<revocation::Rule::Kind> find(std::string_view token, std::string_view subject,
                                             const boost::json::object& claims, base::UnixTime now) {
    if (shared_ == nullptr) return std::nullopt;
    if (shared_->version() != version_) renew();
    return rules_ == nullptr ? std::nullopt : ask(token, subject, claims, now);
  }

  /// What a rule can know the token by, for whoever outlives the request.
  revocation::HeldCredential hold(std::string_view token, std::string_view subject, const boost::json::object& claims);

 private:
  void renew();
  std::optional<revocation::Rule::Kind> ask(std::string_view token, std::string_view subject,
                                            const boost::json::object& claims, base::UnixTime now);
  revocation::DigestText digest_of(std::string_view token);

  std::shared_ptr<const revocation::Revocations> shared_;
  std::string authenticator_;
  std::uint64_t version_ = 0;
  std::shared_ptr<const revocation::RevocationList> list_;
  const revocation::RevocationList::Rules* rules_ = nullptr;  ///< in the list; null: there are none for it
  std::optional<token::TokenDigest> digest_;
};

}  // namespace sidegate::policy
