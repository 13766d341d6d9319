#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/inquiry/question.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/token/token_digest.hpp>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

namespace sidegate::authority {

/// Whether a service is worth asking. It opens after so many failures in a row, or where too many questions within a
/// while fail; a question counts once, whoever repeats it, so that nobody closes the service to others. Open, it lets
/// nobody ask for a time, and then one, whose success closes it. That is no unusual question, which may fail where
/// others would not, until twice the time is over and nobody else has asked.
///
/// No clock of its own.
class Breaker {
 public:
  using Circuit = inquiry::Service::Circuit;

  /// What a call that was let through is to be noted with.
  struct Permit {
    std::uint64_t era = 0;
  };

  explicit Breaker(const config::CircuitBreaker& settings) : settings_(settings) {}

  /// Whether `enter` would let somebody through now.
  bool lets_in(base::SteadyTime now, bool is_unusual = false) const noexcept;

  /// Whether a call may begin now. Whoever is let through notes what came of it, by one of the two.
  std::optional<Permit> enter(base::SteadyTime now, bool is_unusual = false);

  /// What came of a call. One that began before the circuit last changed says nothing any more.
  void note(Permit permit, const inquiry::Key& key, bool succeeded, base::SteadyTime now);
  /// That what came of it says nothing of the service, so that another may try.
  void note_nothing(Permit permit) noexcept;

  Circuit circuit() const noexcept { return circuit_; }

  /// In how many whole seconds asking may help, at least one.
  std::chrono::seconds retry_after(base::SteadyTime now) const noexcept;

 private:
  /// What the last call about a key came to.
  struct Outcome {
    inquiry::Key key;
    base::SteadyTime when;
    bool failed;
  };
  void remember(const inquiry::Key& key, bool failed, base::SteadyTime now);
  void forget_first();
  bool is_bad() const noexcept;
  void change(Circuit circuit);

  config::CircuitBreaker settings_;
  Circuit circuit_ = Circuit::Closed;
  std::uint64_t era_ = 0;
  base::SteadyTime open_until_{};
  bool probing_ = false;
  boost::unordered_flat_set<inquiry::Key, token::DigestHash> row_;  ///< that failed since the last success
  std::list<Outcome> window_;                                       ///< the last is last
  boost::unordered_flat_map<inquiry::Key, std::list<Outcome>::iterator, token::DigestHash> places_;
  std::size_t failed_ = 0;  ///< of `window_`
};

}  // namespace sidegate::authority
