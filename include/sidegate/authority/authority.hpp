#pragma once

#include <sidegate/token/issuer_keys.hpp>

#include <functional>
#include <memory>
#include <vector>

/// What Sidegate asks others for, so that it can decide: the keys of issuers.
namespace sidegate::authority {

/// Asks issuers for their keys, on a thread of its own, and keeps what they answered fresh.
///
/// Keys go into their box, token::IssuerKeys, and stay there whatever happens to the issuer; only a set that it
/// publishes takes the place of another. An issuer is asked when it is followed, when its last answer is no longer
/// fresh, and when `ask` says that a token needs a key that nobody knows.
///
/// Nothing stops the system's resolver once it looks up a name; so that has a thread for each look-up. Neither a fetch
/// nor the destructor waits for one that hangs: its thread ends by itself, or with the process.
class Authority {
 public:
  using Issuers = std::vector<std::shared_ptr<token::IssuerKeys>>;
  struct Options;

  /// Starts the thread.
  Authority();
  explicit Authority(Options options);
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  /// Cuts what is under way, and joins the thread.
  ~Authority();

  /// From now on these issuers are followed and no others. One that is new is asked at once; one that was followed
  /// already keeps its schedule. Whoever waits for one that is followed no longer is told. Any thread.
  void follow(Issuers issuers);

  /// Asks once more where the issuer's cooldown allows it; one question under way serves all who ask. `done` is called
  /// once, on the authority's thread: when the question is over and the box says what came of it, or at once where
  /// nothing is asked. Once the destructor has begun it may be dropped. Any thread.
  void ask(const std::shared_ptr<token::IssuerKeys>& issuer, std::function<void()> done);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace sidegate::authority
