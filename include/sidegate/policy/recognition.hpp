#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/revocation/credential.hpp>

#include <optional>

namespace sidegate::policy {

/// A token that an authenticator would accept at some time, as an operator needs it who takes it back.
struct Recognition {
  revocation::HeldCredential credential;
  std::optional<base::UnixTime> expires;  ///< from when on it is refused anyway: its `exp`, and the leeway
};

}  // namespace sidegate::policy
