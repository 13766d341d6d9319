#pragma once

#include <memory>

namespace sidegate::token {
class IssuerBoard;
}

namespace sidegate::inquiry {
class ServiceBoard;
}

namespace sidegate::revocation {
class Revocations;
}

namespace sidegate::policy {

/// What the policies of all workers have in common, beside their configuration.
struct Shared {
  token::IssuerBoard* issuers = nullptr;  ///< used while a policy is compiled; null: nobody fetches the issuers' keys
  inquiry::ServiceBoard* services = nullptr;                   ///< the same for services; null: each policy has its own
  std::shared_ptr<const revocation::Revocations> revocations;  ///< null: nothing is revoked
};

}  // namespace sidegate::policy
