#include "answer_memo.hpp"

#include <sidegate/base/secret.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::policy {
namespace {

/// A worker need not remember all that is known: where it does not, the authority's thread does.
constexpr std::size_t kEntriesMax = 65'536;
constexpr std::size_t kBytesMax = std::size_t{16} * 1024 * 1024;

}  // namespace

AnswerMemo::AnswerMemo(std::shared_ptr<inquiry::Service> service)
    : service_(std::move(service)), kept_(std::min(service_->lifetimes().max_entries, kEntriesMax), kBytesMax) {}

AnswerMemo::Found AnswerMemo::find(const inquiry::Key& key, const Request& request) {
  for (const GivenAnswer& given : request.answers) {
    if (given.service != service_.get() || given.key != key) continue;
    const bool is_known = given.answer->verdict != inquiry::Answer::Verdict::CannotTell;
    if (is_known && given.answer->is_fresh(request.moment)) kept_.keep(key, given.answer);
    return {given.answer, given.from};
  }
  const auto* const kept = kept_.find(key);
  if (kept == nullptr || !(*kept)->is_fresh(request.moment)) return {};
  return {*kept, inquiry::cache_result_of(**kept)};
}

inquiry::Question AnswerMemo::question(const inquiry::Key& key, std::string_view token, std::string subject) const {
  return {service_, key, base::Secret(std::string(token)), std::move(subject)};
}

}  // namespace sidegate::policy
