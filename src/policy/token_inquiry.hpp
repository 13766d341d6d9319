#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/token/check_list.hpp>
#include <sidegate/token/token_digest.hpp>

#include <memory>
#include <string_view>

#include "answer_memo.hpp"

namespace sidegate::policy {

/// Whether a token holds, and whose it is, by what a service says of it.
class TokenInquiry {
 public:
  explicit TokenInquiry(std::shared_ptr<inquiry::Service> service) : memo_(std::move(service)) {}

  /// The answer, a yes that holds at `now`; it lives as long as the decision. Otherwise why not: Unavailable where the
  /// service cannot tell, or has to be asked first, and then `scratch` has the question.
  base::Result<const inquiry::Answer*> ask(std::string_view token, const Request& request, base::UnixTime now,
                                           Scratch& scratch, token::CheckList* checks);

  void forget() noexcept { memo_.clear(); }

 private:
  AnswerMemo memo_;
  token::TokenDigest digest_;
};

}  // namespace sidegate::policy
