#include "evidence.hpp"

#include <algorithm>

namespace sidegate::authority {
namespace {

/// Whether the service itself has taken the question in, and not only who stands before it.
bool is_taken_in(const EndedCall& call) noexcept {
  return call.status == 200U || call.status == 401U || call.status == 404U;
}

/// Whether somebody hung up on the question, or says that the service did.
bool is_hung_up_on(const EndedCall& call) noexcept {
  if (call.status) return call.status == 502U;
  return call.reached == Call::Reached::Somebody && !call.was_cut;
}

}  // namespace

bool EndedCall::has_failed() const noexcept {
  if (status) return *status >= 502 && *status <= 504;
  return reached != Call::Reached::Answer || was_cut;
}

Evidence EvidenceWeigher::weigh(const EndedCall& call, base::SteadyTime now) noexcept {
  const bool answers_others = last_answered_ >= call.begun;
  if (call.is_late && call.was_cut && answers_others) return Evidence::Turn;
  const bool failed = call.has_failed();
  if (!failed) last_answered_ = now;
  if (is_taken_in(call)) longest_taken_in_ = std::max(longest_taken_in_, call.bytes);
  const bool is_passed_over = answers_others && (call.was_cut || call.status == 504U);
  if (is_unusual(call.bytes) && (!failed || is_hung_up_on(call) || is_passed_over)) return Evidence::Question;
  return failed ? Evidence::Fails : Evidence::Works;
}

}  // namespace sidegate::authority
