#pragma once

#include <sidegate/inquiry/answer_cache.hpp>
#include <sidegate/inquiry/service.hpp>
#include <sidegate/policy/policy.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sidegate::policy {

/// What one worker remembers of the answers of one service. Whoever finds nothing here has to ask; the answer, when it
/// is given with the request, is remembered.
class AnswerMemo {
 public:
  struct Found {
    inquiry::AnswerPtr answer;  ///< null: nobody knows yet
    base::CacheResult from = base::CacheResult::Miss;
  };

  explicit AnswerMemo(std::shared_ptr<inquiry::Service> service);

  Found find(const inquiry::Key& key, const Request& request);

  inquiry::Question question(const inquiry::Key& key, std::string_view token, std::string subject = {}) const;

  const inquiry::Service& service() const noexcept { return *service_; }
  void clear() noexcept { kept_.clear(); }

 private:
  std::shared_ptr<inquiry::Service> service_;
  inquiry::AnswerCache kept_;
};

}  // namespace sidegate::policy
