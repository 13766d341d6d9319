#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/inquiry/answer.hpp>
#include <sidegate/inquiry/question.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::policy {

/// An answer that was asked for on behalf of the request that is decided on.
struct GivenAnswer {
  const inquiry::Service* service = nullptr;
  inquiry::Key key{};
  inquiry::AnswerPtr answer{};  ///< never null
  base::CacheResult from = base::CacheResult::Miss;
};

/// What a decision has to do with others who are asked.
struct Inquiries {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// What would have to be known. The decision is then a refusal for now; whoever can ask does so, and decides again
  /// with the answer.
  std::optional<inquiry::Question> question{};
  std::chrono::seconds retry_after{1};  ///< where nobody can tell
  std::size_t user_info = kNone;        ///< the place in the configuration of the user information that was looked up
  std::optional<base::CacheResult> user_cache{};  ///< what was known of it
  /// The session was renewed: these lines of Set-Cookie go with whatever answers the request, which no shared cache may
  /// keep then.
  bool renewed = false;
  std::string answer_lines{};
  /// What is known of the holder of the decision's `ends_with`, where its own claims are not what counts.
  const boost::json::object* claims = nullptr;
  /// Those that the decision was made of, which its views look into.
  std::vector<inquiry::AnswerPtr> answers{};

  /// Forgets everything, and keeps the memory.
  void reset() noexcept {
    if (used_) forget();
  }

  /// Keeps `answer` for as long as the decision.
  const inquiry::Answer& hold(inquiry::AnswerPtr answer) {
    used_ = true;
    return *answers.emplace_back(std::move(answer));
  }
  void ask(inquiry::Question what) {
    used_ = true;
    question = std::move(what);
  }

 private:
  void forget() noexcept;

  bool used_ = false;  ///< something stands in it
};

}  // namespace sidegate::policy
