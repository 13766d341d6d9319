#include <sidegate/http/message_writer.hpp>
#include <sidegate/http/request_target.hpp>
#include <sidegate/proxy/client_address.hpp>
#include <sidegate/proxy/outgoing_head.hpp>
#include <sidegate/proxy/refusal.hpp>
#include <sidegate/proxy/request_ids.hpp>
#include <sidegate/proxy/trace_context.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "session.hpp"
#include "worker_loop.hpp"

/// The client's half of an exchange: the request is read, decided on and sent to the origin.
namespace sidegate::proxy {
namespace {

using base::Reason;
using base::Result;
using std::chrono::steady_clock;

constexpr auto kToken = boost::asio::as_tuple(boost::asio::deferred);

/// Less room than this is not worth a system call; the buffer is put in order first.
constexpr std::size_t kRoomMin = std::size_t{4} * 1024;

/// With this much room before the current request the next one is read there, so that a busy connection keeps to a few
/// warm pages.
constexpr std::size_t kReadAheadBytes = std::size_t{4} * 1024;

/// How long a request waits for the keys of an issuer.
constexpr std::chrono::seconds kIssuerPatience{5};

/// So often others are asked for one request: an issuer for its keys, a service about the token, for a new one, and
/// about the user.
constexpr unsigned kQuestionsMax = 4;

/// How much longer than a service may take a request waits for whoever asks it.
constexpr std::chrono::seconds kAnswerSlack{1};

/// How long a body may pause whose request has been answered already: perhaps nobody wants it any more.
constexpr std::chrono::seconds kUploadPause{2};

}  // namespace

Session::HeadStep Session::parse_head() {
  if (in_.empty()) {
    renew_buffer();
    in_.restart();
    return HeadStep::NeedMore;
  }
  if (exchange_ == nullptr) exchange_ = snapshot_->take_exchange();
  Exchange& exchange = *exchange_;
  const auto whole = exchange.request_parser.parse(in_.unread(), exchange.head);
  Result<void> fine{};
  if (!whole) {
    fine = whole.error();
  } else if (!*whole) {
    if (in_.space_bytes() < kRoomMin) {
      in_.move_to(0);
      renew_buffer();
      exchange.request_parser.reset();
    }
    if (in_.space_bytes() > 0) return HeadStep::NeedMore;
    // The limits were lower when this buffer was made, and there is no memory for a larger one.
    fine = Reason::HeadTooLarge;
  } else {
    exchange.head_parsed = true;
    if (peer_is_trusted_) read_what_peer_tells();
    fine = read_facts();
  }
  if (!fine) {
    exchange.failure = fine.error();
    exchange.bytes_in = in_.unread().size();
    return HeadStep::Refused;
  }
  const auto head_end =
      static_cast<std::size_t>(exchange.head.bytes.data() + exchange.head.bytes.size() - in_.unread().data());
  const bool has_body = exchange.facts.framing.kind != http::Framing::Kind::None;
  if (has_body && in_.space_bytes() < kRoomMin && in_.position() > 0) {
    // The body is read behind the head, which stays where it is until the exchange is over.
    in_.move_to(0);
    exchange.request_parser.reset();
    return parse_head();  // its views are void
  }
  pin_begin_ = in_.position();
  in_.consume(head_end);
  pin_end_ = in_.position();
  exchange.head_read = true;
  exchange.bytes_in = exchange.head.bytes.size();
  exchange.request_body = http::BodyDecoder(exchange.facts.framing, limits());
  return HeadStep::Whole;
}

Result<void> Session::read_facts() {
  Exchange& exchange = *exchange_;
  const auto facts = http::check_request(exchange.head);
  if (!facts) return facts.error();
  exchange.facts = *facts;
  const auto target = http::read_target(exchange.head, exchange.facts, exchange.target_storage);
  if (!target) return target.error();
  exchange.target = *target;
  return {};
}

void Session::read_what_peer_tells() {
  Exchange& exchange = *exchange_;
  const auto& fields = exchange.head.fields;
  const auto client = find_client_address(fields, listener().trusted_proxies);
  if (client && !proxied_) exchange.client_ip = client->text();
  exchange.request_id = find_request_id(fields);
}

void Session::decide(base::SteadyTime now) {
  Exchange& exchange = *exchange_;
  const policy::Request request{.head = &exchange.head,
                                .facts = &exchange.facts,
                                .target = &exchange.target,
                                .listener = listener_,
                                .peer_is_trusted = peer_is_trusted_,
                                .moment = now,
                                .answers = exchange.answers};
  exchange.decision = snapshot_->policy().decide(request, loop_.civil_seconds(now), exchange.scratch);
  exchange.trace_id = find_trace_id(exchange.head.fields);
  limit_body(exchange.decision, exchange.facts.framing.length);
}

boost::asio::awaitable<void, net::Executor> Session::ask_others() {
  bool asked_issuers = false;
  for (unsigned asked = 0; asked < kQuestionsMax && lacks_knowledge() && !exchange_->failure; ++asked) {
    if (exchange_->scratch.inquiries.question) {
      co_await ask_service();
    } else {
      // What they have answered by now is all that they know.
      if (std::exchange(asked_issuers, true)) break;
      co_await ask_issuers();
    }
  }
}

boost::asio::awaitable<void, net::Executor> Session::ask_service() {
  auto question = *std::exchange(exchange_->scratch.inquiries.question, std::nullopt);
  policy::GivenAnswer given{.service = question.service.get(), .key = question.key};
  const auto pending = std::make_shared<Question>(Question{.awaited = 1});
  question_ = pending;
  // Whoever asks keeps to the service's own timeout.
  wait_until(Waiting::ForNews, steady_clock::now() + question.service->endpoint().timeout + kAnswerSlack);
  loop_.ask(std::move(question), [weak = weak_from_this(), pending](inquiry::AnswerPtr answer, base::CacheResult from) {
    // An answer that comes too late finds nobody waiting.
    if (pending->awaited == 0) return;
    pending->awaited = 0;
    pending->answer = std::move(answer);
    pending->from = from;
    if (const auto session = weak.lock()) session->wake_for_news();
  });
  bool watches_client = true;
  while (!exchange_->failure && pending->awaited != 0) co_await wait_for_news(watches_client);
  pending->awaited = 0;
  question_.reset();
  loop_.deadlines().clear(*this);
  if (exchange_->failure) co_return;
  given.answer = pending->answer != nullptr ? pending->answer : std::make_shared<inquiry::Answer>();
  given.from = pending->from;
  exchange_->answers.push_back(std::move(given));
  const auto cache = exchange_->decision.cache;
  decide(steady_clock::now());
  // What the first decision has found out the second one knows; that was no hit for the request.
  if (cache) exchange_->decision.cache = cache;
}

boost::asio::awaitable<void, net::Executor> Session::ask_issuers() {
  const auto issuers = exchange_->decision.worth_asking;
  const auto question = std::make_shared<Question>(Question{.awaited = issuers.size()});
  question_ = question;
  for (const auto& issuer : issuers) {
    loop_.ask(issuer, [weak = weak_from_this(), question] {
      // An answer that comes too late finds nobody waiting.
      if (question->awaited == 0) return;
      --question->awaited;
      question->news = true;
      if (const auto session = weak.lock()) session->wake_for_news();
    });
  }
  wait_until(Waiting::ForNews, steady_clock::now() + kIssuerPatience);
  bool watches_client = true;
  while (!exchange_->failure) {
    if (!std::exchange(question->news, false)) {
      co_await wait_for_news(watches_client);
      continue;
    }
    decide(steady_clock::now());
    const auto& decision = exchange_->decision;
    // One that is worth asking may have been asked already, and not begun yet.
    const bool refused = decision.reason != Reason::Unavailable && decision.worth_asking.empty();
    if (decision.kind == policy::Decision::Kind::Forward || refused || question->awaited == 0) break;
  }
  question->awaited = 0;
  question_.reset();
  loop_.deadlines().clear(*this);
}

boost::asio::awaitable<void, net::Executor> Session::wait_for_news(bool& watches_client) {
  if (!watches_client) {
    co_await changed_.wait();
    co_return;
  }
  const auto [error] = co_await socket_.async_wait(net::StreamSocket::wait_error, kToken);
  if (error) co_return;  // woken, or closed
  // An urgent byte looks like a reset from here, and would do so again at once.
  watches_client = false;
  char byte = 0;
  const auto peeked = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (peeked < 0 && errno != EAGAIN && errno != EWOULDBLOCK) exchange_->failure = Reason::ClientGone;
}

void Session::wake_for_news() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  changed_.notify();
}

bool Session::skip_request_body() {
  Exchange& exchange = *exchange_;
  while (true) {
    const auto step = exchange.request_body.next(in_.unread());
    if (!step || step->kind == http::BodyDecoder::Step::Kind::NeedMore) return false;
    in_.consume(step->consumed);
    exchange.bytes_in += step->consumed;
    if (step->kind == http::BodyDecoder::Step::Kind::Done) return true;
  }
}

bool Session::gather_request() {
  Exchange& exchange = *exchange_;
  OutgoingRequest request{.head = &exchange.head,
                          .facts = &exchange.facts,
                          .target = &exchange.target,
                          .decision = &exchange.decision,
                          .filter = &snapshot_->policy().filter(),
                          .forwarding = &*forwarding_,
                          .upstream = &pool().settings(),
                          .request_id = exchange.request_id,
                          .traced = !exchange.trace_id.empty(),
                          .new_trace_id = {},
                          .new_span_id = {}};
  if (!request.traced) {
    exchange.trace_id = {exchange.own_id.data(), exchange.own_id.size()};
    request.new_trace_id = exchange.trace_id;
    request.new_span_id = RequestIds::span_of(exchange.own_id);
  }
  const auto forwarded = outgoing_head(request, exchange.host_line, exchange.added_lines);
  if (!http::write_request_head(forwarded, exchange.to_origin)) return false;
  if (const auto reason = gather_request_body()) {
    exchange.failure = reason;
    return false;
  }
  // A request that lies in the buffer whole stays there, to be sent once more if need be; of another one only the head
  // does, and the body goes through the rest of the buffer.
  exchange.replayable = exchange.request_done;
  if (exchange.replayable) pin_end_ = in_.position();
  return true;
}

std::optional<Reason> Session::gather_request_body() {
  using Kind = http::BodyDecoder::Step::Kind;
  Exchange& exchange = *exchange_;
  const bool chunked = exchange.facts.framing.kind == http::Framing::Kind::Chunked;
  const auto body_max = exchange.decision.route->max_body_bytes;
  auto& out = exchange.to_origin;
  while (!exchange.request_done && out.has_room(http::kChunkSlices + 1, http::kChunkCopiedBytes)) {
    const auto step = exchange.request_body.next(in_.unread());
    if (!step) return step.error();
    in_.consume(step->consumed);
    exchange.bytes_in += step->consumed;
    switch (step->kind) {
      case Kind::NeedMore:
        return std::nullopt;
      case Kind::Data:
        exchange.request_body_bytes += step->data.size();
        if (body_max && exchange.request_body_bytes > *body_max) return Reason::BodyTooLarge;
        if (step->data.empty()) break;
        chunked ? http::write_chunk(step->data, out) : out.append(step->data);
        break;
      case Kind::Trailer:
        if (!std::exchange(exchange.request_trailers, true)) out.append("0\r\n");
        if (http::may_be_trailer(step->trailer) && !snapshot_->policy().filter().drops(step->trailer)) {
          out.append(step->trailer.line);
        }
        break;
      case Kind::Done:
        if (chunked) out.append(exchange.request_trailers ? "\r\n" : "0\r\n\r\n");
        exchange.request_done = true;
        break;
    }
  }
  return std::nullopt;
}

bool Session::read_ahead() noexcept {
  if (pin_begin_ >= kReadAheadBytes) {
    in_.restart(0, pin_begin_);
  } else {
    in_.restart(pin_end_, in_.capacity());
  }
  return in_.space_bytes() > 0;
}

boost::asio::awaitable<bool, net::Executor> Session::connect() {
  const auto pool = snapshot_->shared_pool(exchange_->decision.route->upstream);
  loop_.deadlines().clear(*this);  // the pool has one of its own
  auto made = co_await pool->connect(exchange_->asked_server);
  if (!made) {
    const auto* const asked = exchange_->asked_server;
    if (asked != nullptr && asked->trouble) loop_.warn_of_server(*asked);
    if (!exchange_->failure) exchange_->failure = made.error();
    co_return false;
  }
  boost::asio::co_spawn(loop_.executor(), relay_answers(pool, *made), boost::asio::detached);
  if (exchange_->failure) {
    (*made)->close();
    co_return false;
  }
  attach(*made);
  co_return true;
}

boost::asio::awaitable<void, net::Executor> Session::answer_refusal(Reason reason, bool keep_alive) {
  refuse(reason, keep_alive);
  if (!send_to_client_now()) co_await flush_to_client();
  finish();
}

boost::asio::awaitable<void, net::Executor> Session::flush_to_origin() {
  const auto connection = connection_;
  const auto waiting = exchange_->tunnel ? Waiting::OnTunnel : Waiting::ForOrigin;
  // The other coroutine may end the exchange, or send the request once more on another connection, at every wait.
  while (in_flight_ && connection_ == connection && !exchange_->to_origin.empty()) {
    const auto sent = net::send_now(connection->socket(), exchange_->to_origin.slices());
    exchange_->to_origin.consume(sent.bytes);
    if (sent.status == net::SendStatus::Failed) {
      // The origin may have answered before it closed; whoever reads from it finds out.
      exchange_->upload_failed = true;
      co_return;
    }
    if (sent.status == net::SendStatus::Sent) continue;
    wait_for_upload(waiting);
    co_await connection->socket().async_wait(net::StreamSocket::wait_write, kToken);
  }
}

void Session::wait_for_upload(Waiting waiting) {
  const auto now = steady_clock::now();
  if (exchange_->answer_sent) return wait_until(waiting, now + kUploadPause);
  wait_until(waiting, now + (waiting == Waiting::ForBody ? limits().idle_timeout : pool().settings().idle_timeout));
}

boost::asio::awaitable<void, net::Executor> Session::relay_request_body() {
  while (in_flight_ && !exchange_->request_done && !exchange_->upload_failed) {
    if (const auto reason = gather_request_body()) co_return break_off(*reason);
    if (!exchange_->to_origin.empty()) {
      co_await flush_to_origin();
      continue;
    }
    if (is_bulk(exchange_->request_body) && !co_await splice_request_body()) continue;
    if (in_.empty()) {
      in_.restart(pin_end_, in_.capacity());
    } else if (in_.space_bytes() < kRoomMin) {
      in_.move_to(pin_end_);
    }
    // A read into no room would end at once, again and again: this line of the coding is longer than can be kept.
    if (in_.space_bytes() == 0) co_return break_off(Reason::BadTrailer);
    wait_for_upload(Waiting::ForBody);
    const auto [error, bytes] = co_await socket_.async_read_some(in_.space(), kToken);
    in_.commit(bytes);
    if (!error) continue;
    client_done_ = true;
    if (in_flight_) break_off(Reason::ClientGone);
  }
}

boost::asio::awaitable<void, net::Executor> Session::retry() {
  const auto self = shared_from_this();
  Exchange& exchange = *exchange_;
  if (!co_await connect()) {
    const auto reason = *exchange.failure;
    if (reason == Reason::ClientGone) {
      exchange.keep_alive = false;
      co_return finish();
    }
    co_return co_await answer_refusal(reason, exchange.facts.keep_alive && !client_done_);
  }
  exchange.to_origin.rewind();
  exchange.upload_failed = false;
  exchange.answer_due = {};
  const auto connection = connection_;
  co_await flush_to_origin();
  if (!in_flight_ || connection_ != connection) co_return;
  if (exchange_->answer_sent) changed_.notify();
  if (!exchange_->response_head_read) wait_for_answer();
}

}  // namespace sidegate::proxy
