#include <sidegate/net/splice_pipe.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <chrono>

#include "session.hpp"
#include "worker_loop.hpp"

/// Long bodies of known length, which go from one socket to the other through a pipe, in rounds: take all that has
/// come, send it, wait for more. A pipe is held only while there is something in it, so that those who wait for a slow
/// peer take none from the others. Once the body is through, and whenever there is no pipe, the ordinary way goes on:
/// the end of a connection and its failures are met there alone. So it does where a socket is ready and nothing can be
/// taken: an urgent byte (RFC 9293 section 3.8.5) lies before the others, and only a read steps over it.
namespace sidegate::proxy {
namespace {

using base::Reason;
using boost::asio::error::would_block;
using std::chrono::steady_clock;

constexpr auto kToken = boost::asio::as_tuple(boost::asio::deferred);

/// Takes what has come of a body, and never of what follows it; gives why there is no more, if it is not whole. The
/// pipe's size bounds a round, so that nobody has the worker to himself.
boost::system::error_code fill(net::SplicePipe& pipe, net::StreamSocket& from, http::BodyDecoder& body) noexcept {
  while (!body.done()) {
    const auto came = net::splice_in(from, pipe, body.remaining_length());
    if (came.error) return came.error;
    body.pass(came.bytes);
  }
  return {};
}

}  // namespace

/// NeedMore where the ordinary way goes on.
boost::asio::awaitable<Session::Progress, net::Executor> Session::splice_answer() {
  Exchange& exchange = *exchange_;
  net::StreamSocket& origin = connection_->socket();
  for (bool waited = false;; waited = true) {
    auto pipe = loop_.pipes().take();
    if (pipe == nullptr) co_return Progress::NeedMore;
    const auto error = fill(*pipe, origin, exchange.response_body);
    if (waited && pipe->empty()) co_return Progress::NeedMore;
    while (!pipe->empty()) {
      const auto sent = net::splice_out(*pipe, socket_);
      exchange.bytes_out += sent.bytes;
      if (sent.status == net::SendStatus::Failed) co_return fail(Reason::ClientGone);
      if (sent.status == net::SendStatus::Sent) continue;
      wait_until(Waiting::ForClient, steady_clock::now() + limits().idle_timeout);
      co_await socket_.async_wait(net::StreamSocket::wait_write, kToken);
    }
    if (exchange.response_body.done()) {
      // What comes behind the body was not asked for. Read with it, it would be seen in the buffer.
      if (!net::is_quiet(origin)) exchange.response_facts.keep_alive = false;
      co_return take_answer_body();
    }
    if (error != would_block) co_return Progress::NeedMore;
    pipe.reset();
    wait_until(Waiting::ForOrigin, steady_clock::now() + pool().settings().idle_timeout);
    co_await origin.async_wait(net::StreamSocket::wait_read, kToken);
  }
}

/// True where the ordinary way goes on.
boost::asio::awaitable<bool, net::Executor> Session::splice_request_body() {
  const auto connection = connection_;
  // The other coroutine may end the exchange at every wait. It cannot send this request once more: it is not kept.
  for (bool waited = false; in_flight_; waited = true) {
    auto pipe = loop_.pipes().take();
    if (pipe == nullptr) co_return true;
    const auto error = fill(*pipe, socket_, exchange_->request_body);
    if (waited && pipe->empty()) co_return true;
    exchange_->bytes_in += pipe->bytes();
    exchange_->request_body_bytes += pipe->bytes();
    while (!pipe->empty()) {
      const auto sent = net::splice_out(*pipe, connection->socket());
      if (sent.status == net::SendStatus::Failed) {
        // The origin may have answered before it closed; whoever reads from it finds out.
        exchange_->upload_failed = true;
        co_return false;
      }
      if (sent.status == net::SendStatus::Sent) continue;
      wait_for_upload(Waiting::ForOrigin);
      co_await connection->socket().async_wait(net::StreamSocket::wait_write, kToken);
      if (!in_flight_) co_return false;
    }
    exchange_->request_done = exchange_->request_body.done();
    if (exchange_->request_done) co_return false;
    if (error != would_block) co_return true;
    pipe.reset();
    wait_for_upload(Waiting::ForBody);
    co_await socket_.async_wait(net::StreamSocket::wait_read, kToken);
  }
  co_return false;
}

}  // namespace sidegate::proxy
