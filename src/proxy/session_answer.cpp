#include <sidegate/base/text.hpp>
#include <sidegate/http/answer.hpp>
#include <sidegate/http/message_writer.hpp>
#include <sidegate/proxy/refusal.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "private_answer.hpp"
#include "session.hpp"
#include "worker_loop.hpp"

/// The origin's half of an exchange: the answer is read, checked and sent to the client.
namespace sidegate::proxy {
namespace {

using base::Reason;
using std::chrono::steady_clock;

constexpr auto kToken = boost::asio::as_tuple(boost::asio::deferred);

/// Less room than this in the origin's buffer is not worth a system call.
constexpr std::size_t kRoomMin = std::size_t{4} * 1024;

/// How much of an answer is read at first, at most: the head, and all of a body of 32 KiB. What follows of a longer one
/// is better not read at all, if it has a length.
constexpr std::size_t kFirstReadBytes = std::size_t{33} * 1024;

void begin_answer(net::ReadBuffer& in) noexcept {
  in.restart(0, std::min(kFirstReadBytes, in.capacity()));
}

/// A stream of server-sent events, which may go on for as long as both sides like.
bool is_event_stream(const http::ResponseHead& head) noexcept {
  static constexpr std::string_view kType = "text/event-stream";
  return std::any_of(head.fields.begin(), head.fields.end(), [](const http::Field& field) {
    return field.known == http::FieldName::ContentType &&
           base::equals_ignoring_case(field.value.substr(0, kType.size()), kType);
  });
}

}  // namespace

boost::asio::awaitable<void, net::Executor> Session::relay_answers(std::shared_ptr<origin::Pool> pool,
                                                                   origin::ConnectionPtr connection) {
  net::ReadBuffer& in = connection->buffer();
  begin_answer(in);
  while (true) {
    if (connection->is_asleep()) co_await connection->woken();
    const auto [error, bytes] = co_await connection->socket().async_read_some(in.space(), kToken);
    auto* const session = static_cast<Session*>(connection->user);
    // The server closed an idle connection, or spoke without being asked.
    if (session == nullptr) break;
    in.commit(bytes);
    if (bytes > 0) session->exchange_->answer_began = true;
    Progress progress = error ? session->on_origin_closed(error) : session->take_answer();
    while (progress != Progress::Retrying) {
      if (!session->send_to_client_now()) co_await session->flush_to_client();
      Exchange& exchange = *session->exchange_;
      if (exchange.failure && !exchange.failure_answered) {
        progress = session->fail(*exchange.failure);
      } else if (progress == Progress::Full) {
        progress = session->take_answer();
      } else {
        break;
      }
    }
    if (progress == Progress::Retrying) break;
    if (progress == Progress::NeedMore && is_bulk(session->exchange_->response_body)) {
      progress = co_await session->splice_answer();
    }
    if (progress == Progress::NeedMore && !session->make_room(in)) {
      progress = session->fail(Reason::OriginBroken);
      if (!session->send_to_client_now()) co_await session->flush_to_client();
    }
    if (progress == Progress::NeedMore) {
      const auto idle_timeout = pool->settings().idle_timeout;
      if (!session->exchange_->response_head_read && session->waiting_ == Waiting::ForClient) {
        session->wait_for_answer();
      }
      if (session->exchange_->tunnel) {
        session->restart_tunnel_timeout();
      } else if (session->exchange_->response_head_read) {
        session->wait_until(Waiting::ForOrigin, steady_clock::now() + idle_timeout);
      }
      continue;
    }
    if (session->exchange_->tunnel && progress == Progress::Finished) {
      co_await session->wait_for_end_of_client();
      if (session->exchange_->failure) progress = session->fail(*session->exchange_->failure);
    }
    if (progress == Progress::Finished && session->upload_goes_on()) co_await session->wait_for_rest_of_request();
    // One that answered before it had the whole request is the likeliest to be out of step.
    const bool reusable = progress == Progress::Finished && session->exchange_->response_facts.keep_alive &&
                          session->exchange_->request_sent() && !session->exchange_->answer_sent && in.empty() &&
                          connection->is_open();
    if (reusable) {
      begin_answer(in);
      pool->give_back(connection);
    }
    session->finish();
    if (!reusable) break;
  }
  connection->user = nullptr;
  pool->discard(*connection);
}

bool Session::make_room(net::ReadBuffer& in) {
  if (in.empty()) {
    in.restart();
  } else if (in.space_bytes() < kRoomMin) {
    in.move_to(0);
    exchange_->response_parser.reset();
  }
  return in.space_bytes() > 0;
}

void Session::refuse(Reason reason, bool keep_alive) {
  Exchange& exchange = *exchange_;
  exchange.failure = reason;
  exchange.failure_answered = true;
  exchange.keep_alive = keep_alive && !is_leaving();
  http::Answer answer;
  answer.status = base::status_of(reason);
  answer.error = http::error_text(reason);
  answer.fields = refusal_lines(reason, exchange.head_read ? &exchange.decision : nullptr);
  if (const auto& inquiries = exchange.scratch.inquiries; inquiries.renewed) {
    exchange.answer_fields.assign(answer.fields) += inquiries.answer_lines;
    answer.fields = exchange.answer_fields;
  }
  answer.keep_alive = exchange.keep_alive;
  answer.head_only = exchange.head.known_method == http::Method::Head;
  answer.version = exchange.head.version;
  answer.request_id = exchange.request_id;
  exchange.status = answer.status;
  exchange.answer.clear();
  http::write_answer(answer, exchange.answer);
  exchange.to_client.clear();
  exchange.to_client.append(exchange.answer);
}

Session::Progress Session::take_answer() {
  if (!exchange_->response_head_read) {
    const Progress progress = take_answer_head();
    if (progress != Progress::Finished) return progress;
  }
  return take_answer_body();
}

/// Finished once the head of the final answer has been gathered.
Session::Progress Session::take_answer_head() {
  Exchange& exchange = *exchange_;
  net::ReadBuffer& in = connection_->buffer();
  const auto whole = exchange.response_parser.parse(in.unread(), exchange.response);
  if (!whole) return fail(Reason::OriginBroken);
  if (!*whole) return Progress::NeedMore;
  const auto facts = http::check_response(exchange.response, exchange.head.known_method);
  if (!facts) return fail(Reason::OriginBroken);
  in.consume(exchange.response.bytes.size());
  exchange.response_facts = *facts;
  if (exchange.response.status == 101) return begin_tunnel();
  http::ForwardedResponse forwarded{.head = &exchange.response, .facts = &*facts, .added = {}};
  if (exchange.response.status < 200) {
    // RFC 9110 section 15.2: an interim answer goes on to the client, unless it speaks HTTP/1.0 and knows none.
    const bool understood = exchange.head.version == http::Version::Http11;
    if (understood && !http::write_response_head(forwarded, exchange.to_client)) return fail(Reason::OriginBroken);
    return Progress::Full;
  }
  exchange.response_head_read = true;
  exchange.answered = steady_clock::now();
  exchange.status = exchange.response.status;
  exchange.response_body = http::BodyDecoder(facts->framing, limits());
  using Kind = http::Framing::Kind;
  const bool without_length = facts->framing.kind == Kind::Chunked || facts->framing.kind == Kind::UntilClose;
  const bool understands_chunks = exchange.head.version == http::Version::Http11;
  exchange.response_chunked = without_length && understands_chunks;
  // RFC 9112 section 9.3: a client that is still sending when its answer is there is told to stop.
  exchange.keep_alive =
      exchange.facts.keep_alive && exchange.request_done && !is_leaving() && (!without_length || understands_chunks);
  const bool may_end = !exchange.decision.ends_with.empty();
  if (may_end && is_event_stream(exchange.response)) end_with_credential(*exchange.answered);
  append_request_id();
  forwarded.replaces_cache_control = append_renewed_session();
  if (!exchange.keep_alive) {
    exchange.answer += "Connection: close\r\n";
  } else if (!understands_chunks) {
    exchange.answer += "Connection: keep-alive\r\n";
  }
  forwarded.added = exchange.answer;
  forwarded.chunked = exchange.response_chunked;
  if (!http::write_response_head(forwarded, exchange.to_client)) return fail(Reason::OriginBroken);
  exchange.response_started = true;
  return Progress::Finished;
}

bool Session::append_renewed_session() {
  const auto& inquiries = exchange_->scratch.inquiries;
  if (!inquiries.renewed) return false;
  exchange_->answer += inquiries.answer_lines;
  append_private_cache_control(exchange_->response.fields, exchange_->answer);
  return true;
}

void Session::append_request_id() {
  exchange_->answer.assign("X-Request-Id: ");
  exchange_->answer += exchange_->request_id;
  exchange_->answer += "\r\n";
}

Session::Progress Session::take_answer_body() {
  using Kind = http::BodyDecoder::Step::Kind;
  Exchange& exchange = *exchange_;
  net::ReadBuffer& in = connection_->buffer();
  auto& out = exchange.to_client;
  while (out.has_room(http::kChunkSlices + 1, http::kChunkCopiedBytes)) {
    const auto step = exchange.response_body.next(in.unread());
    if (!step) return fail(Reason::OriginBroken);
    in.consume(step->consumed);
    switch (step->kind) {
      case Kind::NeedMore:
        return Progress::NeedMore;
      case Kind::Data:
        if (step->data.empty()) break;
        exchange.response_chunked ? http::write_chunk(step->data, out) : out.append(step->data);
        break;
      case Kind::Trailer:
        if (!exchange.response_chunked) break;
        if (!std::exchange(exchange.response_trailers, true)) out.append("0\r\n");
        if (http::may_be_trailer(step->trailer)) out.append(step->trailer.line);
        break;
      case Kind::Done:
        return end_answer();
    }
  }
  return Progress::Full;
}

Session::Progress Session::end_answer() {
  Exchange& exchange = *exchange_;
  if (exchange.response_chunked) exchange.to_client.append(exchange.response_trailers ? "\r\n" : "0\r\n\r\n");
  if (!exchange.request_done) exchange.keep_alive = false;
  return Progress::Finished;
}

bool Session::upload_goes_on() const noexcept {
  const Exchange& exchange = *exchange_;
  // Whoever asked first whether to send its body does not send it now.
  const bool never_began = exchange.facts.expects_continue && exchange.request_body_bytes == 0;
  return !exchange.tunnel && !exchange.failure && !exchange.request_sent() && !exchange.upload_failed && !never_began &&
         exchange.response_facts.keep_alive && connection_->is_open();
}

boost::asio::awaitable<void, net::Executor> Session::wait_for_rest_of_request() {
  // An origin that answers early and keeps its connection goes on reading, and may need what is still to come.
  exchange_->answer_sent = true;
  wait_for_upload(Waiting::ForBody);
  while (!exchange_->request_sent() && !exchange_->upload_failed) co_await changed_.wait();
}

Session::Progress Session::on_origin_closed(const boost::system::error_code& error) {
  Exchange& exchange = *exchange_;
  if (exchange.failure) return fail(*exchange.failure);
  if (exchange.response_head_read && exchange.response_body.ends_with_connection() &&
      error == boost::asio::error::eof) {
    return end_answer();
  }
  if (can_retry()) {
    exchange.retried = true;
    connection_->user = nullptr;
    connection_->close();  // it no longer counts among the server's connections
    connection_ = nullptr;
    boost::asio::co_spawn(loop_.executor(), retry(), boost::asio::detached);
    return Progress::Retrying;
  }
  return fail(Reason::OriginBroken);
}

bool Session::may_be_sent_again() const noexcept {
  return exchange_->replayable && http::is_idempotent(exchange_->head.known_method);
}

bool Session::can_retry() const noexcept {
  // RFC 9112 section 9.3.1: a connection that was idle may have been closed just as the request was sent on it.
  return connection_->reused() && !exchange_->answer_began && !exchange_->retried && may_be_sent_again();
}

Session::Progress Session::fail(Reason reason) {
  Exchange& exchange = *exchange_;
  if (!exchange.failure) exchange.failure = reason;
  exchange.failure_answered = true;
  exchange.keep_alive = false;
  if (exchange.response_started || *exchange.failure == Reason::ClientGone || !socket_.is_open()) {
    exchange.to_client.clear();
    reset_connection();
  } else {
    refuse(*exchange.failure, exchange.facts.keep_alive && exchange.request_done && !client_done_);
  }
  return Progress::Failed;
}

bool Session::send_to_client_now() {
  Exchange& exchange = *exchange_;
  if (exchange.to_client.empty()) return true;
  const auto sent = net::send_now(socket_, exchange.to_client.slices());
  exchange.to_client.consume(sent.bytes);
  exchange.bytes_out += sent.bytes;
  if (sent.status == net::SendStatus::Failed) {
    exchange.to_client.clear();
    exchange.keep_alive = false;
    if (!exchange.failure) exchange.failure = Reason::ClientGone;
  }
  return exchange.to_client.empty();
}

boost::asio::awaitable<void, net::Executor> Session::flush_to_client() {
  while (!send_to_client_now()) {
    if (exchange_->tunnel) {
      restart_tunnel_timeout();
    } else {
      wait_until(Waiting::ForClient, steady_clock::now() + limits().idle_timeout);
    }
    const auto [error] = co_await socket_.async_wait(net::StreamSocket::wait_write, kToken);
    if (!error) continue;
    exchange_->to_client.clear();
    exchange_->keep_alive = false;
    if (!exchange_->failure) exchange_->failure = Reason::ClientGone;
  }
}

}  // namespace sidegate::proxy
