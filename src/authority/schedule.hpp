#pragma once

#include <sidegate/base/clock.hpp>

#include <chrono>
#include <optional>
#include <random>

namespace sidegate::authority {

/// When an issuer is asked next. No clock of its own.
class Schedule {
 public:
  Schedule(std::chrono::milliseconds refresh, std::chrono::milliseconds cooldown);

  void note_start(base::SteadyTime now) noexcept { started_ = now; }

  /// The first moment at which somebody may ask for another question.
  base::SteadyTime may_ask() const noexcept { return started_ + cooldown_; }

  /// After an answer that stays fresh for so long; nothing: it does not say. Up to a tenth earlier, so that many
  /// instances do not ask at the same time.
  base::SteadyTime after_answer(std::optional<std::chrono::seconds> freshness);

  /// After a failure. Without any keys requests are refused, so that the next try comes soon at first.
  base::SteadyTime after_failure(bool has_keys, base::SteadyTime now) noexcept;

 private:
  std::chrono::milliseconds refresh_;
  std::chrono::milliseconds cooldown_;
  std::chrono::milliseconds backoff_;
  base::SteadyTime started_{};
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace sidegate::authority
