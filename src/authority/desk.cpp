#include "desk.hpp"

#include "freshness.hpp"

#include <algorithm>
#include <utility>

namespace sidegate::authority {
namespace {

using base::CacheResult;
using base::Message;
using base::OrMessage;
using inquiry::AnswerPtr;
using inquiry::Key;
using inquiry::Question;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = inquiry::Service::Kind;

/// So long questions are gathered before they are asked in one call.
constexpr milliseconds kBatchPatience{3};
/// A session that could not be renewed is not tried again for so long; nor is a user looked up of whom nothing could be
/// told, where requests go on without.
constexpr seconds kSessionPause{30};
constexpr seconds kUserPause{1};
/// So often what nobody can use any more is let go of.
constexpr seconds kSweep{30};

seconds pause_after_failure(const inquiry::Service& service) {
  if (service.kind() == Kind::SessionRefresh) return kSessionPause;
  return service.kind() == Kind::UserInfo && !service.user_info().deny_on_error ? kUserPause : seconds(0);
}

bool is_any_read(const std::vector<Reading>& readings) {
  return std::any_of(readings.begin(), readings.end(), [](const Reading& each) { return each.has_value(); });
}

}  // namespace

/// A question, and those who want to know.
struct Desk::Inquiry {
  /// Bytes of what is asked about.
  std::size_t size() const noexcept { return std::max(question.token.reveal().size(), question.subject.size()); }

  Question question;
  base::SteadyTime deadline;
  std::vector<std::pair<Answered, CacheResult>> askers{};
  bool outdated = false;  ///< what it finds out is not kept
};

/// One call for one inquiry, or a batch of them.
struct Desk::Job {
  Job(boost::asio::io_context& io, std::vector<InquiryPtr> about, bool batch)
      : inquiries(std::move(about)), is_batch(batch), patience(io.get_executor()) {
    const auto is_earlier = [](const InquiryPtr& a, const InquiryPtr& b) { return a->deadline < b->deadline; };
    deadline = (*std::min_element(inquiries.begin(), inquiries.end(), is_earlier))->deadline;
  }

  const Key& key() const { return inquiries.front()->question.key; }

  Protocol::Questions questions() const {
    Protocol::Questions all;
    for (const auto& inquiry : inquiries) all.push_back(&inquiry->question);
    return all;
  }

  /// Bytes of the longest that is asked about.
  std::size_t longest() const {
    std::size_t most = 0;
    for (const auto& inquiry : inquiries) most = std::max(most, inquiry->size());
    return most;
  }

  std::vector<InquiryPtr> inquiries;
  bool is_batch;
  base::SteadyTime deadline{};
  Timer patience;  ///< while it waits
  bool waits = false;
  Breaker::Permit permit{};
  base::SteadyTime begun{};
  std::shared_ptr<Call> call{};
};

Desk::Desk(boost::asio::io_context& io, KnownHosts& hosts, std::shared_ptr<inquiry::Service> service,
           milliseconds idle_connections, std::function<void()> over)
    : io_(io),
      service_(std::move(service)),
      kept_(*service_),
      failures_(service_->lifetimes().max_entries, service_->lifetimes().max_entries * sizeof(inquiry::Answer)),
      breaker_(service_->endpoint().circuit_breaker),
      log_(*service_),
      client_(std::make_shared<ServiceClient>(
          io, hosts,
          ServiceClient::Settings{service_->endpoint(), service_->kind() != Kind::SessionRefresh, idle_connections})),
      over_(std::move(over)),
      batch_timer_(io.get_executor()),
      sweep_timer_(io.get_executor()) {
  auto protocol = Protocol::create(*service_);
  if (protocol) {
    protocol_.emplace(std::move(*protocol));
  } else {
    protocol_error_ = protocol.error().text;
  }
}

Desk::~Desk() {
  client_->close();
}

void Desk::follow(bool followed) {
  followed_ = followed;
  if (followed) return;
  kept_.clear();
  failures_.clear();
  note_kept();
}

void Desk::stop() {
  stopped_ = true;
  batch_timer_.cancel();
  sweep_timer_.cancel();
  for (const auto* const queue : {&urgent_, &others_}) {
    for (const auto& job : *queue) job->patience.cancel();
  }
  for (const auto& job : running_) job->call->cut("it is not asked any more");
  client_->close();
  kept_.clear();
}

void Desk::ask(Question question, Answered done) {
  const auto now = Moment::now();
  auto found = kept_.find(question.key, now);
  if (found.answer) {
    done(found.answer, inquiry::cache_result_of(*found.answer));
    if (found.ask_again && !under_way_.contains(question.key)) begin_inquiry(std::move(question), std::nullopt, now);
    return;
  }
  if (const auto* const failure = failures_.find(question.key); failure && (*failure)->is_fresh(now.steady)) {
    return done(*failure, CacheResult::Miss);
  }
  if (const auto same = under_way_.find(question.key); same != under_way_.end()) {
    same->second->askers.emplace_back(std::move(done), CacheResult::Coalesced);
    return;
  }
  if (protocol_ && !protocol_->can_ask(question)) return done(no(base::Reason::Malformed), CacheResult::Miss);
  begin_inquiry(std::move(question), std::move(done), now);
}

void Desk::begin_inquiry(Question question, std::optional<Answered> done, const Moment& now) {
  const auto deadline = now.steady + service_->endpoint().timeout;
  const auto inquiry = std::make_shared<Inquiry>(Inquiry{std::move(question), deadline});
  if (done) inquiry->askers.emplace_back(std::move(*done), CacheResult::Miss);
  under_way_[inquiry->question.key] = inquiry;
  enqueue(inquiry, now);
}

void Desk::enqueue(const InquiryPtr& inquiry, const Moment& now) {
  const bool lets_in = breaker_.lets_in(now.steady, weigher_.is_unusual(inquiry->size()));
  if (waiting_ >= kWaitingMax || !lets_in) return refuse(inquiry, now);
  if (protocol_ && protocol_->has_batches()) return add_to_batch(inquiry);
  enqueue_alone(inquiry, now);
}

void Desk::enqueue_alone(const InquiryPtr& inquiry, const Moment& now) {
  enqueue(std::make_shared<Job>(io_, std::vector{inquiry}, false), kept_.has_stale(inquiry->question.key, now));
}

void Desk::add_to_batch(const InquiryPtr& inquiry) {
  batch_.push_back(inquiry);
  ++waiting_;
  if (batch_.size() == Protocol::kBatchMax) return close_batch();
  if (batch_.size() > 1) return;
  batch_timer_.expires_after(kBatchPatience);
  batch_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self && !self->stopped_) self->close_batch();
  });
}

void Desk::close_batch() {
  batch_timer_.cancel();
  if (batch_.empty()) return;
  const auto now = Moment::now();
  const auto has_stale = [&](const InquiryPtr& each) { return kept_.has_stale(each->question.key, now); };
  const bool urgent = std::any_of(batch_.begin(), batch_.end(), has_stale);
  waiting_ -= batch_.size();
  enqueue(std::make_shared<Job>(io_, std::exchange(batch_, {}), true), urgent);
}

base::SteadyTime Desk::latest_start(base::SteadyTime deadline) const {
  // A call with less time than that would most likely be made in vain.
  return deadline - service_->endpoint().timeout / 2;
}

void Desk::enqueue(const JobPtr& job, bool urgent) {
  job->waits = true;
  waiting_ += job->inquiries.size();
  (urgent ? urgent_ : others_).push_back(job);
  pump();
  if (!job->waits) return;
  job->patience.expires_at(latest_start(job->deadline));
  job->patience.async_wait([weak = weak_from_this(), job](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self && !self->stopped_ && job->waits) self->expire(job);
  });
}

Desk::JobPtr Desk::next() {
  Queue& queue = urgent_.empty() ? others_ : urgent_;
  if (queue.empty()) return nullptr;
  // Where more is asked than the service can answer, those who have waited long have the least time left.
  auto job = std::move(queue.back());
  queue.pop_back();
  job->waits = false;
  job->patience.cancel();
  waiting_ -= job->inquiries.size();
  return job;
}

void Desk::pump() {
  while (running_.size() < kCallsMax) {
    const auto job = next();
    if (!job) return;
    const auto now = Moment::now();
    const auto permit = breaker_.enter(now.steady, weigher_.is_unusual(job->longest()));
    note_circuit();
    if (permit) {
      begin(job, *permit, now);
    } else {
      for (const auto& inquiry : job->inquiries) refuse(inquiry, now);
    }
  }
}

void Desk::expire(const JobPtr& job) {
  urgent_.remove(job);
  others_.remove(job);
  job->waits = false;
  waiting_ -= job->inquiries.size();
  const auto now = Moment::now();
  for (const auto& inquiry : job->inquiries) refuse(inquiry, now);
  note_idle();
}

void Desk::begin(const JobPtr& job, Breaker::Permit permit, const Moment& now) {
  running_.push_back(job);
  job->permit = permit;
  job->begun = now.steady;
  if (!protocol_) return end(job, Message{protocol_error_});
  auto request = job->is_batch ? protocol_->batch_request(job->questions())
                               : protocol_->request(job->inquiries.front()->question, now.seconds());
  if (!request) return end(job, request.error());
  const auto most = job->is_batch ? Protocol::kBatchBodyBytesMax : Protocol::kBodyBytesMax;
  job->call =
      client_->begin(std::move(*request), job->deadline, most,
                     [self = shared_from_this(), job](const OrMessage<HttpAnswer>& answer) { self->end(job, answer); });
}

void Desk::end(const JobPtr& job, const OrMessage<HttpAnswer>& answer) {
  running_.remove(job);
  const auto call = std::exchange(job->call, nullptr);
  if (stopped_) return;
  const auto now = Moment::now();
  const auto readings = read(*job, answer, now);
  const auto freshness = answer ? freshness_of(answer->cache_control, answer->age) : std::nullopt;
  const EndedCall ended = ended_of(*job, answer, call.get());
  const auto evidence = weigher_.weigh(ended, now.steady);
  // One of the questions may be why a batch is not answered.
  const bool alone_may_help = job->is_batch && !ended.has_failed() && !(answer && Protocol::refuses_all(*answer));
  if (evidence != Evidence::Turn) note_outcome(*job, readings, alone_may_help, now);
  const bool works = evidence == Evidence::Works;
  if ((!works && evidence != Evidence::Fails) || (alone_may_help && !is_any_read(readings))) {
    breaker_.note_nothing(job->permit);
  } else {
    breaker_.note(job->permit, job->key(), works, now.steady);
  }
  note_circuit();
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const auto& inquiry = job->inquiries[i];
    const bool has_time = waiting_ < kWaitingMax && now.steady < latest_start(inquiry->deadline);
    if (!readings[i] && alone_may_help && has_time) {
      enqueue_alone(inquiry, now);
    } else {
      settle(inquiry, readings[i], freshness, now);
    }
  }
  note_kept();
  pump();
  note_idle();
}

std::vector<Reading> Desk::read(const Job& job, const OrMessage<HttpAnswer>& answer, const Moment& now) const {
  if (!answer) return std::vector<Reading>(job.inquiries.size(), Reading(answer.error()));
  if (job.is_batch) return protocol_->read_batch(*answer, job.questions());
  return {protocol_->read(*answer, job.inquiries.front()->question, now.seconds())};
}

void Desk::note_idle() {
  if (!followed_ && is_idle()) over_();
}

EndedCall Desk::ended_of(const Job& job, const OrMessage<HttpAnswer>& answer, const Call* call) const {
  EndedCall ended{.bytes = job.longest(), .begun = job.begun};
  if (answer) ended.status = answer->status;
  if (call == nullptr) return ended;
  ended.reached = call->reached();
  ended.was_cut = call->cut_because().has_value();
  ended.is_late = job.deadline - job.begun < service_->endpoint().timeout * 9 / 10;
  return ended;
}

void Desk::note_outcome(const Job& job, const std::vector<Reading>& readings, bool asked_again, const Moment& now) {
  // Of a batch, those who could not be told of count where nobody asks about them once more.
  const auto counts = [asked_again](const Reading& reading) { return reading.has_value() == asked_again; };
  const auto found = std::find_if(readings.begin(), readings.end(), counts);
  if (found == readings.end() && asked_again) return;
  const Reading& reading = found != readings.end() ? *found : readings.front();
  const auto took = now.steady - job.begun;
  if (reading) {
    service_->note_answer((*reading)->verdict == inquiry::Answer::Verdict::Yes, took, now.seconds());
    log_.note_answer();
  } else {
    service_->note_failure(reading.error().text, took, now.seconds());
    log_.note_failure(reading.error().text, now.steady);
  }
}

void Desk::note_circuit() {
  if (breaker_.circuit() == told_circuit_) return;
  told_circuit_ = breaker_.circuit();
  service_->note_circuit(told_circuit_);
  log_.note_circuit(told_circuit_);
}

void Desk::settle(const InquiryPtr& inquiry, const Reading& reading, std::optional<seconds> freshness,
                  const Moment& now) {
  const Key& key = inquiry->question.key;
  if (!reading) {
    const auto pause = pause_after_failure(*service_);
    if (pause > seconds(0) && followed_) {
      auto failure = std::make_shared<inquiry::Answer>();
      failure->retry_after = pause;
      failure->fresh_until = now.steady + pause;
      failures_.keep(key, std::move(failure));
      sweep_later();
    }
    return refuse(inquiry, now);
  }
  if (service_->kind() == Kind::UserInfo && !inquiry->question.token.empty()) {
    (*reading)->token = digest_.of(inquiry->question.token.reveal());
  }
  // What was purged meanwhile may be what this says, and something newer may be kept by now.
  tell(inquiry, inquiry->outdated ? *reading : kept_.take(key, *reading, freshness, followed_, now));
  sweep_later();
}

void Desk::refuse(const InquiryPtr& inquiry, const Moment& now) {
  const auto known = kept_.fall_back(inquiry->question.key, now);
  if (known) {
    for (auto& asker : inquiry->askers) asker.second = inquiry::cache_result_of(*known);
  }
  tell(inquiry, known ? known : cannot_tell(now));
}

void Desk::tell(const InquiryPtr& inquiry, const AnswerPtr& answer) {
  const auto place = under_way_.find(inquiry->question.key);
  if (place != under_way_.end() && place->second == inquiry) under_way_.erase(place);
  for (const auto& [done, result] : std::exchange(inquiry->askers, {})) done(answer, result);
}

AnswerPtr Desk::cannot_tell(const Moment& now) const {
  auto answer = std::make_shared<inquiry::Answer>();
  answer->retry_after = breaker_.retry_after(now.steady);
  return answer;
}

void Desk::note_kept() {
  service_->note_answers_kept(kept_.size());
}

void Desk::sweep_later() {
  if (std::exchange(sweeping_, true)) return;
  sweep_timer_.expires_after(kSweep);
  sweep_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self || self->stopped_) return;
    self->sweeping_ = false;
    const auto now = Moment::now();
    self->kept_.sweep(now);
    self->failures_.erase_if([&](const Key&, const inquiry::Answer& failure) { return !failure.is_fresh(now.steady); });
    self->note_kept();
    if (self->kept_.size() + self->failures_.size() > 0) self->sweep_later();
  });
}

std::size_t Desk::purge(const Authority::Purge& what, const std::optional<Key>& token) {
  // Nobody here knows whose sessions are renewed.
  const bool all = !what.token && (!what.subject || service_->kind() == Kind::SessionRefresh);
  const auto is_meant = [&](const Key& key, const inquiry::Answer& answer) {
    return all || (what.subject && answer.subject == *what.subject) ||
           (token && (key == *token || answer.token == token));
  };
  const std::size_t count = kept_.erase_if(is_meant);
  failures_.erase_if(is_meant);
  for (auto each = under_way_.begin(); each != under_way_.end();) {
    if (all || may_be_about(*each->second, what, token)) {
      each->second->outdated = true;
      each = under_way_.erase(each);
    } else {
      ++each;
    }
  }
  note_kept();
  return count;
}

bool Desk::may_be_about(const Inquiry& inquiry, const Authority::Purge& what, const std::optional<Key>& token) const {
  if (what.token && (inquiry.question.key == token || inquiry.question.token == *what.token)) return true;
  // Whom a token names is not known before the answer is there.
  return what.subject && (service_->kind() != Kind::UserInfo || inquiry.question.subject == *what.subject);
}

}  // namespace sidegate::authority
