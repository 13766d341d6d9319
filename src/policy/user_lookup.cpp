#include "user_lookup.hpp"

#include <sidegate/base/secret.hpp>
#include <sidegate/policy/trace.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::policy {

using base::Reason;
using base::Result;
using inquiry::Answer;

UserLookup::UserLookup(const config::UserInfo& settings, const config::Config& config,
                       std::shared_ptr<inquiry::Service> service)
    : authenticators_(settings.authenticators, config),
      memo_(std::move(service)),
      sends_token_(settings.send_as.kind != config::SendAs::Kind::None),
      deny_on_error_(settings.deny_on_error) {}

Result<const boost::json::object*> UserLookup::find(const Identity& identity, std::string_view token,
                                                    const Request& request, Scratch& scratch, Trace* trace) {
  const auto tell = [&](std::string_view what) {
    if (trace != nullptr) trace->user_detail = memo_.service().name() + std::string(what);
  };
  // Two authenticators may name two people alike. No name holds the character that parts them.
  key_text_.assign(identity.authenticator);
  key_text_ += '\0';
  key_text_ += identity.subject;
  if (sends_token_) {
    key_text_ += '\0';
    key_text_ += token;
  }
  const auto key = digest_.of(key_text_);
  if (sends_token_) base::wipe(key_text_);
  if (!key) return Reason::Unavailable;
  auto found = memo_.find(*key, request);
  if (found.answer == nullptr) {
    tell(" was not asked");
    scratch.inquiries.ask(
        memo_.question(*key, sends_token_ ? token : std::string_view{}, std::string(identity.subject)));
    return Reason::Unavailable;
  }
  scratch.inquiries.user_cache = found.from;
  const Answer& answer = scratch.inquiries.hold(std::move(found.answer));
  switch (answer.verdict) {
    case Answer::Verdict::Yes:
      tell(answer.stale ? " knew the caller when it last answered, and now fails" : " knows the caller");
      return answer.claims.get();
    case Answer::Verdict::No:
      tell(" does not know the caller");
      return nullptr;
    case Answer::Verdict::CannotTell:
      break;
  }
  tell(deny_on_error_ ? " cannot tell" : " cannot tell, and the request goes on without (on_error: continue)");
  scratch.inquiries.retry_after = answer.retry_after;
  if (deny_on_error_) return Reason::Unavailable;
  return nullptr;
}

}  // namespace sidegate::policy
