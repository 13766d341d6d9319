#pragma once

#include <sidegate/inquiry/answer.hpp>
#include <sidegate/inquiry/question.hpp>

#include <boost/json/parse.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deciding.hpp"

namespace sidegate::policy {

inline constexpr base::SteadyTime kMoment{std::chrono::hours(1)};

/// Answers as a service gives them, fresh for ten seconds from `kMoment` on.
inline std::shared_ptr<inquiry::Answer> yes(std::string subject, std::string_view claims = "{}") {
  auto answer = std::make_shared<inquiry::Answer>();
  answer->verdict = inquiry::Answer::Verdict::Yes;
  answer->subject = std::move(subject);
  answer->claims = std::make_shared<const boost::json::object>(boost::json::parse(claims).as_object());
  answer->fresh_until = kMoment + std::chrono::seconds(10);
  return answer;
}

inline std::shared_ptr<inquiry::Answer> no(base::Reason reason = base::Reason::Rejected) {
  auto answer = std::make_shared<inquiry::Answer>();
  answer->verdict = inquiry::Answer::Verdict::No;
  answer->reason = reason;
  answer->fresh_until = kMoment + std::chrono::seconds(10);
  return answer;
}

inline std::shared_ptr<inquiry::Answer> cannot_tell(std::chrono::seconds retry_after = std::chrono::seconds(1)) {
  auto answer = std::make_shared<inquiry::Answer>();
  answer->retry_after = retry_after;
  return answer;
}

/// Decides as the proxy does, and asks a service of its own.
class Inquiring {
 public:
  using Answering = std::function<inquiry::AnswerPtr(const inquiry::Question&)>;

  explicit Inquiring(const std::string& text, const Shared& shared = {}) : compiled_(compile(text, shared)) {
    if (!compiled_.ok) throw std::invalid_argument(compiled_.lines.front());
  }

  /// What is decided in the end, in words. The views of `decision()` hold until the next call.
  std::string decide(const std::string& bytes, const Answering& answering = {}, bool peer_is_trusted = false) {
    request_ = std::make_unique<ParsedRequest>(bytes);
    answers_.clear();
    asked = {};
    while (true) {
      Request request = request_->request();
      request.moment = moment;
      request.answers = answers_;
      request.peer_is_trusted = peer_is_trusted;
      decision_ = compiled_.policy->decide(request, now, scratch_, trace);
      auto& question = scratch_.inquiries.question;
      if (!question || !answering) return describe(decision_);
      asked.push_back(question->service->name() + " " + std::string(question->token.reveal()) + question->subject);
      if (asked.size() > 4) return "asks without end";
      answers_.push_back({question->service.get(), question->key, answering(*question), base::CacheResult::Miss});
    }
  }

  const Decision& decision() const { return decision_; }
  const Inquiries& inquiries() const { return scratch_.inquiries; }
  std::string lines() const { return std::string(decision_.lines); }
  Policy& policy() { return *compiled_.policy; }
  const Scratch& scratch() const { return scratch_; }

  base::SteadyTime moment = kMoment;
  base::UnixTime now = kNow;
  Trace* trace = nullptr;
  std::vector<std::string> asked{};  ///< for the last request: `SERVICE TOKEN` or `SERVICE SUBJECT`

 private:
  Compiled compiled_;
  Scratch scratch_;
  std::vector<GivenAnswer> answers_;
  std::unique_ptr<ParsedRequest> request_;
  Decision decision_;
};

}  // namespace sidegate::policy
