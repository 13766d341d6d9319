#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/inquiry/answer.hpp>
#include <sidegate/inquiry/question.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/token/issuer_keys.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What Sidegate asks others for, so that it can decide: the keys of issuers, whether a token holds, who a user is, a
/// new token for a session.
namespace sidegate::authority {

/// Asks others, on a thread of its own, for all workers.
///
/// Issuers are asked for their keys, which are kept fresh. Keys go into their box, token::IssuerKeys, and stay there
/// whatever happens to the issuer; only a set that it publishes takes the place of another. An issuer is asked when it
/// is followed, when its last answer is no longer fresh, and when `ask` says that a token needs a key that nobody
/// knows.
///
/// Services are asked while a request waits. An answer is kept for as long as the configuration and the answer itself
/// allow, and serves for longer where the service fails. One call serves all who ask the same; whoever asks and goes
/// away leaves the call going on. A service that fails again and again is left alone for a while (circuit breaker), and
/// at no time has it more than a few dozen calls.
///
/// Nothing stops the system's resolver once it looks up a name; so that has a thread for each look-up. Neither a fetch
/// nor the destructor waits for one that hangs: its thread ends by itself, or with the process.
class Authority {
 public:
  using Issuers = std::vector<std::shared_ptr<token::IssuerKeys>>;
  using Services = std::vector<std::shared_ptr<inquiry::Service>>;
  /// The answer, never null, and where it came from.
  using Answered = std::function<void(inquiry::AnswerPtr, base::CacheResult)>;
  struct Options;

  /// What is to be forgotten: everything, or the answers about a subject or a token.
  struct Purge {
    std::optional<std::string> subject;
    std::optional<base::Secret> token;
  };

  /// Starts the thread.
  Authority();
  explicit Authority(Options options);
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  /// Cuts what is under way, and joins the thread.
  ~Authority();

  /// From now on these issuers are followed and no others, and answers of these services are kept. An issuer that is
  /// new is asked at once; one that was followed already keeps its schedule. Whoever waits for one that is followed no
  /// longer is told. Any thread.
  void follow(Issuers issuers, Services services = {});

  /// Asks once more where the issuer's cooldown allows it; one question under way serves all who ask. `done` is called
  /// once, on the authority's thread: when the question is over and the box says what came of it, or at once where
  /// nothing is asked. Once the destructor has begun it may be dropped. Any thread.
  void ask(const std::shared_ptr<token::IssuerKeys>& issuer, std::function<void()> done);

  /// Answers `question`, from what is known or by asking, within the service's timeout. `done` is called once, on the
  /// authority's thread; once the destructor has begun it may be dropped. Any thread. A service that is not followed is
  /// asked as well: by requests that began before a reload.
  void ask(inquiry::Question question, Answered done);

  /// Forgets answers, wherever they are kept: they are withdrawn. Those that are on their way are given to whoever
  /// waits for them already, and to nobody else. `done` gets how many were kept, once, on the authority's thread; once
  /// the destructor has begun it may be dropped. Any thread.
  void purge(Purge what, std::function<void(std::size_t)> done);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace sidegate::authority
