#pragma once

namespace sidegate::token {
class IssuerBoard;
}

namespace sidegate::policy {

/// What the policies of all workers have in common, beside their configuration.
struct Shared {
  token::IssuerBoard* issuers = nullptr;  ///< used while a policy is compiled; null: nobody fetches the issuers' keys
};

}  // namespace sidegate::policy
