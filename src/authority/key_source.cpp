#include "key_source.hpp"

#include "discovery.hpp"
#include "freshness.hpp"

#include <sidegate/token/published_keys.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sidegate::authority {

using base::Message;
using base::OrMessage;
using std::chrono::steady_clock;

namespace {

Message about(const std::string& url, const Message& what) {
  return {url + ": " + what.text};
}

}  // namespace

KeySource::KeySource(boost::asio::io_context& io, KnownHosts& hosts, std::shared_ptr<token::IssuerKeys> box,
                     std::chrono::milliseconds patience)
    : io_(io),
      hosts_(hosts),
      box_(std::move(box)),
      patience_(patience),
      schedule_(box_->settings().refresh, box_->settings().cooldown),
      log_(box_->settings().shown_url()),
      timer_(io.get_executor()) {}

void KeySource::begin() {
  if (stopped_ || fetch_) return;
  timer_.cancel();
  const auto issuer = box_->settings();
  schedule_.note_start(steady_clock::now());
  box_->note_asked(schedule_.may_ask());
  fetch_ = Fetch::start(io_, hosts_, issuer, patience_);
  // What is thrown is none of the failures that are expected here.
  boost::asio::co_spawn(io_.get_executor(), run(shared_from_this(), fetch_, issuer),
                        [](const std::exception_ptr& thrown) {
                          if (thrown) std::rethrow_exception(thrown);
                        });
}

void KeySource::ask(Done done) {
  if (!fetch_ && steady_clock::now() >= schedule_.may_ask()) begin();
  if (!fetch_) return done();
  waiting_.push_back(std::move(done));
}

void KeySource::stop() {
  stopped_ = true;
  timer_.cancel();
  if (!fetch_) return;
  const std::string why = "it is not asked any more";
  std::exchange(fetch_, nullptr)->cut(why);
  box_->note_failure(why);
  tell_waiters();
}

Task<void> KeySource::run(std::shared_ptr<KeySource> self, std::shared_ptr<Fetch> fetch, config::Issuer issuer) {
  auto obtained = co_await obtain(*fetch, issuer);
  self->finish(std::move(obtained));
}

Task<OrMessage<Url>> KeySource::find_place(Fetch& fetch, const config::Issuer& issuer) {
  const auto url = discovery_url(issuer);
  if (!url) co_return about(issuer.shown_url(), url.error());
  const auto document = co_await fetch.get(*url);
  if (!document) co_return document.error();
  auto place = read_discovery(document->body, issuer);
  if (!place) co_return about(url->shown(), place.error());
  co_return place;
}

Task<OrMessage<KeySource::Obtained>> KeySource::obtain(Fetch& fetch, const config::Issuer& issuer) {
  OrMessage<Url> url = Message{};
  if (issuer.kind == config::Issuer::Kind::OidcIssuer) {
    url = co_await find_place(fetch, issuer);
    if (!url) co_return url.error();
  } else {
    url = parse_url(issuer.url);
    if (!url) co_return about(issuer.shown_url(), url.error());
  }
  const auto answer = co_await fetch.get(*url);
  if (!answer) co_return answer.error();
  co_return read_answer(*url, *answer);
}

OrMessage<KeySource::Obtained> KeySource::read_answer(const Url& url, const HttpAnswer& answer) {
  auto published = token::read_published_keys(answer.body);
  if (!published) return about(url.shown(), published.error());
  Obtained obtained{std::move(*published), freshness_of(answer.cache_control, answer.age)};
  return {boost::system::in_place_value, std::move(obtained)};
}

void KeySource::finish(OrMessage<Obtained> obtained) {
  if (stopped_) return;
  fetch_.reset();
  if (obtained) {
    begin_at(schedule_.after_answer(obtained->freshness));
    publish(std::move(*obtained));
  } else {
    const auto now = steady_clock::now();
    begin_at(schedule_.after_failure(box_->version() != 0, now));
    box_->note_failure(obtained.error().text);
    log_.note_failure(obtained.error().text, now);
  }
  tell_waiters();
}

void KeySource::publish(Obtained obtained) {
  auto& keys = obtained.published.keys;
  // The order says nothing, and some issuers change it from answer to answer.
  std::stable_sort(keys.begin(), keys.end(), [](const auto& left, const auto& right) { return left.id < right.id; });
  const auto before = box_->version();
  box_->publish(keys, steady_clock::now());
  log_.note_answer(obtained.published, box_->version() != before);
}

void KeySource::begin_at(base::SteadyTime next) {
  next_ = next;
  timer_.expires_at(next);
  timer_.async_wait([weak = weak_from_this(), next](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && self->next_ == next) self->begin();
  });
}

void KeySource::tell_waiters() {
  for (const auto& done : std::exchange(waiting_, {})) done();
}

}  // namespace sidegate::authority
