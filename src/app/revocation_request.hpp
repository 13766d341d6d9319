#pragma once

#include <sidegate/admin/admin_server.hpp>
#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/revocation/revocations.hpp>
#include <sidegate/revocation/rule.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sidegate::app {

/// What `POST /revocations` asks for.
struct AskedRevocation {
  std::vector<revocation::Rule> rules;  ///< one for each authenticator that accepts the credential
  std::string subject;                  ///< whose token it is, where one was given; for the log
  std::optional<admin::Outcome> refusal;
};

/// Reads the body of the request. A token is held against the authenticators of `policy`, which is compiled from
/// `config`.
AskedRevocation read_revocation(const std::string& body, const config::Config& config, policy::Policy& policy,
                                base::UnixTime now);

/// The answer, once the rules are in force.
admin::Outcome answer_to(const AskedRevocation& asked, const revocation::Revocations::Addition& addition);

/// One line of the log for each rule that has come into force.
void audit(const AskedRevocation& asked);

/// Those that rules are for and the configuration lacks, each once.
std::vector<std::string> unknown_authenticators(const std::vector<revocation::Rule>& rules,
                                                const config::Config& config);

}  // namespace sidegate::app
