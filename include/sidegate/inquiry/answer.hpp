#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/base/clock.hpp>
#include <sidegate/base/reason.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/token/token_digest.hpp>

#include <boost/json/object.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sidegate::inquiry {

/// What a session was renewed with. It holds tokens, and lives only as long as the answer is shared.
struct RenewedSession {
  base::Secret access;                  ///< the new access token
  bool sets_access = false;             ///< `cookies` hold it already
  base::Secret refresh{};               ///< a new refresh token that no cookie holds; empty: there is none
  std::vector<base::Secret> cookies{};  ///< the values of the service's own Set-Cookie fields, as they were
};

/// What somebody who was asked has answered, and how long that may be used. All threads share it: whatever is public is
/// set before it is shared, and never changes.
struct Answer {
  enum class Verdict {
    Yes,        ///< the token holds; there is such a user; the session is renewed
    No,         ///< a definite no
    CannotTell  ///< the service is out of reach or not to be understood, and nothing older can be used
  };

  Verdict verdict = Verdict::CannotTell;
  /// Of No: why (Rejected, Expired, NotYetValid, WrongAudience, MissingClaim); of CannotTell: Unavailable.
  base::Reason reason = base::Reason::Unavailable;
  /// Of Yes: what is known of the token's holder, or of the user. Null: nothing. Its memory lives as long as it does.
  std::shared_ptr<const boost::json::object> claims{};
  /// Of Yes about a token: who it names, as token::subject_of has it; of user information: whom it is about. Never
  /// empty there.
  std::string subject{};
  base::UnixTime valid_from = base::UnixTime::min();  ///< by what the token says of itself, or the answer says of it
  base::UnixTime valid_until = base::UnixTime::max();
  base::SteadyTime fresh_until = base::SteadyTime::min();  ///< up to then nobody need ask again
  base::SteadyTime stale_until = base::SteadyTime::min();  ///< up to then it serves where the service fails
  /// Of a user who was asked for with the caller's own token: its digest, to find the answer by.
  std::optional<token::TokenDigest::Bytes> token{};
  bool stale = false;                               ///< it serves because the service failed
  std::chrono::seconds retry_after{1};              ///< of CannotTell: when asking again may help
  std::shared_ptr<const RenewedSession> session{};  ///< of Yes about a session
  std::size_t bytes = 0;                            ///< what it takes in memory, about, with all that it holds

  bool is_fresh(base::SteadyTime now) const noexcept { return now < fresh_until && !is_withdrawn(); }

  /// Something else is known by now, or it was purged: whoever has it kept lets go of it. Any thread.
  bool is_withdrawn() const noexcept { return withdrawn_.load(std::memory_order_acquire); }
  void withdraw() const noexcept { withdrawn_.store(true, std::memory_order_release); }

 private:
  mutable std::atomic<bool> withdrawn_{false};
};

using AnswerPtr = std::shared_ptr<const Answer>;

/// Where an answer comes from that was kept.
inline base::CacheResult cache_result_of(const Answer& kept) noexcept {
  if (kept.stale) return base::CacheResult::Stale;
  return kept.verdict == Answer::Verdict::No ? base::CacheResult::NegativeHit : base::CacheResult::Hit;
}

}  // namespace sidegate::inquiry
