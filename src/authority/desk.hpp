#pragma once

#include "breaker.hpp"
#include "evidence.hpp"
#include "kept_answers.hpp"
#include "known_hosts.hpp"
#include "loop.hpp"
#include "protocol.hpp"
#include "service_client.hpp"
#include "service_log.hpp"

#include <sidegate/authority/authority.hpp>
#include <sidegate/token/token_digest.hpp>

#include <boost/unordered/unordered_map.hpp>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sidegate::authority {

/// Answers the questions to one service: from what is kept, by a call that is under way, or by one of its own. It
/// bounds the calls and the questions that wait for one, and leaves the service alone while that fails.
///
/// Belongs to the thread of its loop.
class Desk : public std::enable_shared_from_this<Desk> {
 public:
  using Answered = Authority::Answered;

  /// So many calls at a time.
  static constexpr std::size_t kCallsMax = 32;
  /// So many questions wait until one may be made; others are not answered.
  static constexpr std::size_t kWaitingMax = 1'024;

  /// `hosts` outlives it. `idle_connections` is how long those are kept. `over` is called when nothing is
  /// under way any more, and the service is not followed.
  Desk(boost::asio::io_context& io, KnownHosts& hosts, std::shared_ptr<inquiry::Service> service,
       std::chrono::milliseconds idle_connections, std::function<void()> over);
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  ~Desk();

  /// Whether answers are kept: they are from a service that the configuration names. Those that are kept go.
  void follow(bool followed);
  bool is_followed() const noexcept { return followed_; }

  /// `done` is called once, now or within the service's timeout, unless it stops before.
  void ask(inquiry::Question question, Answered done);

  /// Forgets answers, also those that are on their way: whoever waits for them gets them, and nobody else. How many
  /// were kept. `token` is the digest of the purge's token.
  std::size_t purge(const Authority::Purge& what, const std::optional<inquiry::Key>& token);

  /// Whether nothing is under way.
  bool is_idle() const noexcept { return running_.empty() && waiting_ == 0; }

  /// Cuts what is under way.
  void stop();

 private:
  struct Inquiry;
  struct Job;
  using InquiryPtr = std::shared_ptr<Inquiry>;
  using JobPtr = std::shared_ptr<Job>;
  using Queue = std::list<JobPtr>;

  void begin_inquiry(inquiry::Question question, std::optional<Answered> done, const Moment& now);
  void enqueue(const InquiryPtr& inquiry, const Moment& now);
  void enqueue_alone(const InquiryPtr& inquiry, const Moment& now);
  void add_to_batch(const InquiryPtr& inquiry);
  void close_batch();
  base::SteadyTime latest_start(base::SteadyTime deadline) const;
  void enqueue(const JobPtr& job, bool urgent);
  void pump();
  JobPtr next();
  void expire(const JobPtr& job);
  void begin(const JobPtr& job, Breaker::Permit permit, const Moment& now);
  void end(const JobPtr& job, const base::OrMessage<HttpAnswer>& answer);
  std::vector<Reading> read(const Job& job, const base::OrMessage<HttpAnswer>& answer, const Moment& now) const;
  void note_idle();
  EndedCall ended_of(const Job& job, const base::OrMessage<HttpAnswer>& answer, const Call* call) const;
  void note_outcome(const Job& job, const std::vector<Reading>& readings, bool asked_again, const Moment& now);
  void note_circuit();
  void settle(const InquiryPtr& inquiry, const Reading& reading, std::optional<std::chrono::seconds> freshness,
              const Moment& now);
  void refuse(const InquiryPtr& inquiry, const Moment& now);
  void tell(const InquiryPtr& inquiry, const inquiry::AnswerPtr& answer);
  inquiry::AnswerPtr cannot_tell(const Moment& now) const;
  void note_kept();
  void sweep_later();
  bool may_be_about(const Inquiry& inquiry, const Authority::Purge& what,
                    const std::optional<inquiry::Key>& token) const;

  boost::asio::io_context& io_;
  std::shared_ptr<inquiry::Service> service_;
  std::optional<Protocol> protocol_{};
  std::string protocol_error_{};  ///< where there is no protocol
  KeptAnswers kept_;
  inquiry::AnswerCache failures_;  ///< that are not tried again at once
  Breaker breaker_;
  Breaker::Circuit told_circuit_ = Breaker::Circuit::Closed;
  EvidenceWeigher weigher_{};
  ServiceLog log_;
  token::TokenDigest digest_{};
  std::shared_ptr<ServiceClient> client_;
  std::function<void()> over_;
  boost::unordered_map<inquiry::Key, InquiryPtr, token::DigestHash> under_way_{};
  std::vector<InquiryPtr> batch_{};  ///< that is being filled
  Timer batch_timer_;
  Queue urgent_{};  ///< something old would be used if these fail
  Queue others_{};
  std::size_t waiting_ = 0;  ///< inquiries in the three
  std::list<JobPtr> running_{};
  Timer sweep_timer_;
  bool sweeping_ = false;
  bool followed_ = false;
  bool stopped_ = false;
};

}  // namespace sidegate::authority
