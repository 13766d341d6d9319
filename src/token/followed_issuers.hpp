#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/token/issuer_keys.hpp>
#include <sidegate/token/jws_verifier.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sidegate::token {

/// The issuers of one authenticator: brings what they publish into its verifier. One thread.
class FollowedIssuers {
 public:
  /// Those among `keys`. Without a board they are known to nobody else, so that their keys never come.
  FollowedIssuers(const std::vector<config::Key>& keys, IssuerBoard* board);

  bool empty() const noexcept { return entries_.empty(); }
  const std::vector<std::shared_ptr<IssuerKeys>>& all() const noexcept { return issuers_; }

  /// Gives `verifier` the keys that are published now, where they are not those that it has. Whether they were others.
  bool bring_keys_to(JwsVerifier& verifier);

  /// Whether one of them has published nothing so far.
  bool lack_keys() const noexcept;
  /// Whether one of them may have keys that are not known here.
  bool owe_answer() const noexcept;
  /// Whether asking one of them now could bring other keys.
  bool may_ask() const noexcept;

 private:
  struct Entry {
    std::shared_ptr<IssuerKeys> issuer;
    std::size_t origin;
    std::optional<base::UnixTime> until;
    std::uint64_t version = 0;
  };

  std::vector<Entry> entries_;
  std::vector<std::shared_ptr<IssuerKeys>> issuers_;
};

}  // namespace sidegate::token
