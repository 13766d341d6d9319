#include "kept_answers.hpp"

#include <algorithm>
#include <utility>

namespace sidegate::authority {
namespace {

using base::SteadyTime;
using inquiry::Answer;
using inquiry::AnswerPtr;
using inquiry::Key;
using std::chrono::milliseconds;

constexpr std::size_t kBytesEach = 1024;
/// An answer serves for so long because its service failed; then that is asked once more.
constexpr std::chrono::seconds kFailing{1};

/// Up to when an answer may be used that holds until `valid_until`, at most for `lifetime` from now.
SteadyTime end_of(base::UnixTime valid_until, milliseconds lifetime, const Moment& now) {
  // Compared in seconds, in which the end of time is no overflow.
  const std::chrono::seconds left = valid_until - now.seconds();
  if (left > std::chrono::ceil<std::chrono::seconds>(lifetime) + std::chrono::seconds(1)) return now.steady + lifetime;
  const auto exactly = std::chrono::duration_cast<milliseconds>(valid_until - now.civil);
  return now.steady + std::clamp(exactly, milliseconds(0), lifetime);
}

bool holds(const Answer& answer, const Moment& now) {
  return answer.is_fresh(now.steady) && now.seconds() < answer.valid_until;
}

bool can_serve(const Answer& answer, const Moment& now) {
  return answer.verdict == Answer::Verdict::Yes && now.steady < answer.stale_until &&
         now.seconds() < answer.valid_until;
}

AnswerPtr stale_copy(const Answer& answer, const Moment& now) {
  auto copy = std::make_shared<Answer>();
  copy->verdict = answer.verdict;
  copy->reason = answer.reason;
  copy->claims = answer.claims;
  copy->subject = answer.subject;
  copy->valid_from = answer.valid_from;
  copy->valid_until = answer.valid_until;
  copy->fresh_until = std::min(now.steady + kFailing, answer.stale_until);
  copy->stale_until = answer.stale_until;
  copy->stale = true;
  copy->token = answer.token;
  copy->session = answer.session;
  copy->bytes = answer.bytes;
  return copy;
}

/// Whether the service's Cache-Control counts. Those of OAuth forbid every cache to keep anything, as a habit, and are
/// asked by those who have the token already: there the configuration says how long.
bool obeys(inquiry::Service::Kind kind) noexcept {
  return kind == inquiry::Service::Kind::Remote || kind == inquiry::Service::Kind::UserInfo;
}

}  // namespace

KeptAnswers::KeptAnswers(const inquiry::Service& service)
    : lifetimes_(service.lifetimes()),
      obeys_service_(obeys(service.kind())),
      cache_(lifetimes_.max_entries, lifetimes_.max_entries * kBytesEach, [](const Answer& gone) { gone.withdraw(); }) {
}

KeptAnswers::Found KeptAnswers::find(const Key& key, const Moment& now) {
  const auto* const kept = cache_.find(key);
  if (kept == nullptr) return {};
  if (holds(**kept, now)) return {*kept};
  if (!(*kept)->stale) return {};
  auto stale = fall_back(key, now);
  const bool serves = stale != nullptr;
  return {std::move(stale), serves};
}

bool KeptAnswers::has_stale(const Key& key, const Moment& now) {
  const auto* const kept = cache_.find(key);
  return kept != nullptr && can_serve(**kept, now);
}

AnswerPtr KeptAnswers::take(const Key& key, std::shared_ptr<Answer> answer,
                            std::optional<std::chrono::seconds> freshness, bool keep, const Moment& now) {
  const bool is_yes = answer->verdict == Answer::Verdict::Yes;
  auto lifetime = is_yes ? lifetimes_.ttl : lifetimes_.negative_ttl;
  if (freshness && obeys_service_) lifetime = std::min<milliseconds>(lifetime, *freshness);
  const bool is_storable = !obeys_service_ || !freshness || freshness->count() > 0;
  const auto beyond = is_yes && is_storable ? lifetimes_.stale_if_error : milliseconds(0);
  answer->fresh_until = end_of(answer->valid_until, lifetime, now);
  answer->stale_until = end_of(answer->valid_until, lifetime + beyond, now);
  if (keep && answer->stale_until > now.steady) {
    cache_.keep(key, answer);
  } else {
    cache_.erase(key);
  }
  return answer;
}

AnswerPtr KeptAnswers::fall_back(const Key& key, const Moment& now) {
  const auto* const kept = cache_.find(key);
  if (kept == nullptr) return nullptr;
  if (holds(**kept, now)) return *kept;
  if (!can_serve(**kept, now)) return nullptr;
  auto copy = stale_copy(**kept, now);
  cache_.keep(key, copy);
  return copy;
}

std::size_t KeptAnswers::erase_if(const std::function<bool(const Key&, const Answer&)>& which) {
  const std::size_t before = cache_.size();
  cache_.erase_if(which);
  return before - cache_.size();
}

void KeptAnswers::sweep(const Moment& now) {
  cache_.erase_if([&now](const Key&, const Answer& answer) {
    return now.steady >= std::max(answer.fresh_until, answer.stale_until);
  });
}

}  // namespace sidegate::authority
