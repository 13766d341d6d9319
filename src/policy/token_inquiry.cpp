#include "token_inquiry.hpp"

#include <string>

namespace sidegate::policy {

using base::Reason;
using base::Result;
using inquiry::Answer;
using token::CheckName;

namespace {

std::string_view words_for(Reason reason) noexcept {
  switch (reason) {
    case Reason::MissingClaim:
      return " says yes, but not whose it is: `subject` names none of what it says";
    case Reason::Expired:
      return " says that it has expired";
    case Reason::NotYetValid:
      return " says that it does not hold yet";
    case Reason::WrongAudience:
      return " says that it is for somebody else";
    default:
      return " says no";
  }
}

}  // namespace

Result<const Answer*> TokenInquiry::ask(std::string_view token, const Request& request, base::UnixTime now,
                                        Scratch& scratch, token::CheckList* checks) {
  const auto in_words = [this](std::string_view what) { return memo_.service().name() + std::string(what); };
  const auto key = digest_.of(token);
  if (!key) return Reason::Unavailable;
  auto found = memo_.find(*key, request);
  if (found.answer == nullptr) {
    scratch.inquiries.ask(memo_.question(*key, token));
    return fail(checks, CheckName::Service, Reason::Unavailable, [&] { return in_words(" was not asked"); });
  }
  scratch.cache = found.from;
  const Answer& answer = scratch.inquiries.hold(std::move(found.answer));
  if (answer.verdict == Answer::Verdict::CannotTell) {
    scratch.inquiries.retry_after = answer.retry_after;
    return fail(checks, CheckName::Service, Reason::Unavailable, [&] { return in_words(" cannot tell"); });
  }
  if (answer.verdict == Answer::Verdict::No) {
    return fail(checks, CheckName::Service, answer.reason, [&] { return in_words(words_for(answer.reason)); });
  }
  pass(checks, CheckName::Service,
       [&] { return in_words(answer.stale ? " said yes when it last answered, and now fails" : " says yes"); });
  // Both may have changed since it was asked.
  if (now < answer.valid_from)
    return fail(checks, CheckName::NotBefore, Reason::NotYetValid, "it begins to hold later");
  if (now >= answer.valid_until) return fail(checks, CheckName::Expiry, Reason::Expired, "it has expired since");
  return &answer;
}

}  // namespace sidegate::policy
