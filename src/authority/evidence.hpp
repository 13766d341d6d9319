#pragma once

#include "call.hpp"

#include <sidegate/base/clock.hpp>

#include <cstddef>
#include <optional>

namespace sidegate::authority {

/// What the end of a call says of the service, apart from what it says of the question.
enum class Evidence {
  Works,     ///< it is there, whatever it says
  Fails,     ///< nobody answers, or not in time, or only who stands before a service that is not there: 502 to 504
  Question,  ///< nothing: it may be due to the question, which is an unusual one
  Turn       ///< nothing: its turn came late, and it was cut while the service was answering others
};

/// How a call ended.
struct EndedCall {
  std::optional<unsigned> status{};  ///< of its answer; none where there is none that can be read
  Call::Reached reached = Call::Reached::Nobody;
  bool was_cut = false;
  std::size_t bytes = 0;  ///< of the longest that it asked about
  bool is_late = false;   ///< it had not all of its timeout
  base::SteadyTime begun{};

  /// That nobody answers in time, or only who stands before a service that is not there. Anything else shows that it is
  /// there: what it says, and that this cannot be read, may be due to this question alone.
  bool has_failed() const noexcept;
};

/// Weighs how calls to one service ended. No clock of its own.
class EvidenceWeigher {
 public:
  /// What any service can be asked about, so it is assumed: bytes.
  static constexpr std::size_t kUsualBytes = 2'048;

  Evidence weigh(const EndedCall& call, base::SteadyTime now) noexcept;

  /// Whether a question of so many bytes is longer than any that the service has taken in.
  bool is_unusual(std::size_t bytes) const noexcept { return bytes > longest_taken_in_; }

 private:
  /// Many a server hangs up on what is too long for it, or one before it then says 502, or says nothing: that somebody
  /// has sent such a thing is no failure of the service.
  std::size_t longest_taken_in_ = kUsualBytes;
  base::SteadyTime last_answered_ = base::SteadyTime::min();
};

}  // namespace sidegate::authority
