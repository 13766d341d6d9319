#include <sidegate/http/message_writer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <chrono>

#include "session.hpp"
#include "worker_loop.hpp"

/// What becomes of an exchange once the origin has switched to WebSocket (RFC 6455): bytes go both ways untouched, and
/// each side's end of sending is passed on to the other. From the origin to the client the bytes go the way of an
/// answer that ends with its connection.
namespace sidegate::proxy {
namespace {

using base::Reason;
using std::chrono::steady_clock;

constexpr auto kToken = boost::asio::as_tuple(boost::asio::deferred);

}  // namespace

/// Finished once the head has been gathered, as for any final answer.
Session::Progress Session::begin_tunnel() {
  Exchange& exchange = *exchange_;
  if (!exchange.facts.asks_for_websocket || !exchange.response_facts.switches_to_websocket) {
    return fail(Reason::OriginBroken);
  }
  exchange.tunnel = true;
  exchange.keep_alive = false;
  exchange.response_head_read = true;
  exchange.answered = steady_clock::now();
  exchange.status = exchange.response.status;
  exchange.response_body = http::BodyDecoder({.kind = http::Framing::Kind::UntilClose, .length = 0}, limits());
  append_request_id();
  const bool is_private = append_renewed_session();
  exchange.answer += http::kUpgradeLines;
  const http::ForwardedResponse forwarded{.head = &exchange.response,
                                          .facts = &exchange.response_facts,
                                          .added = exchange.answer,
                                          .replaces_cache_control = is_private};
  if (!http::write_response_head(forwarded, exchange.to_client)) return fail(Reason::OriginBroken);
  exchange.response_started = true;
  if (!exchange.decision.ends_with.empty()) end_with_credential(*exchange.answered);
  restart_tunnel_timeout();
  changed_.notify();
  return Progress::Finished;
}

void Session::restart_tunnel_timeout() {
  const auto idle_timeout = pool().settings().idle_timeout;
  wait_until(Waiting::OnTunnel, steady_clock::now() + idle_timeout);
}

boost::asio::awaitable<void, net::Executor> Session::relay_to_origin() {
  const auto connection = connection_;
  while (in_flight_ && !exchange_->upload_failed) {
    if (!in_.empty()) {
      // What came behind the request was held back until now.
      exchange_->bytes_in += in_.unread().size();
      exchange_->to_origin.append(in_.unread());
      co_await flush_to_origin();
      if (!in_flight_) co_return;
      in_.consume(in_.unread().size());
      continue;
    }
    // Asio waits for an event after the end, and there is none to come.
    if (client_done_) break;
    read_ahead();
    restart_tunnel_timeout();
    const auto [error, bytes] = co_await socket_.async_read_some(in_.space(), kToken);
    in_.commit(bytes);
    client_done_ = static_cast<bool>(error);
    if (error && error != boost::asio::error::eof && in_flight_) co_return break_off(Reason::ClientGone);
  }
  if (!in_flight_) co_return;
  boost::system::error_code ignored;
  connection->socket().shutdown(net::StreamSocket::shutdown_send, ignored);
  exchange_->upload_done = true;
  changed_.notify();
}

boost::asio::awaitable<void, net::Executor> Session::wait_for_end_of_client() {
  boost::system::error_code ignored;
  socket_.shutdown(net::StreamSocket::shutdown_send, ignored);
  while (!exchange_->upload_done && !exchange_->failure) co_await changed_.wait();
}

}  // namespace sidegate::proxy
