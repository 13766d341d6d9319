#include "session.hpp"

#include <sidegate/net/proxy_protocol.hpp>
#include <sidegate/proxy/client_address.hpp>

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "worker_loop.hpp"

namespace sidegate::proxy {
namespace {

using base::Reason;
using std::chrono::steady_clock;

constexpr auto kToken = boost::asio::as_tuple(boost::asio::deferred);

/// How long a client may go on sending after it was told that the connection ends (RFC 9112 section 9.6), and how much.
constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kLingerBytesMax = std::size_t{1024} * 1024;

/// How long an idle connection keeps its buffer. The next request of a busy one comes sooner: it costs no system call
/// to wait for it with a read, and one more to wait without.
constexpr std::chrono::seconds kRestAfter{1};

/// How long an idle connection still waits for a request that may be on its way, when the proxy ends.
constexpr std::chrono::milliseconds kLastChance{200};

}  // namespace

Session::Session(WorkerLoop& loop, net::StreamSocket socket, const net::Peer& peer,
                 std::shared_ptr<const net::ListeningSocket> at)
    : loop_(loop),
      socket_(std::move(socket)),
      at_(std::move(at)),
      snapshot_(loop.current()),
      listener_(*snapshot_->listener_of(*at_)),
      in_(loop.buffers().take()),
      changed_(loop.executor()) {
  meet(peer.ip);
  auto& counters = snapshot_->counters().counters;
  ++counters.connections_open[listener_];
  ++counters.connections_total[listener_];
  loop_.add(*this);
}

Session::~Session() {
  loop_.buffers().give_back(std::move(in_));
  --snapshot_->counters().counters.connections_open[listener_];
  snapshot_.reset();
  loop_.remove(*this);
}

void Session::on_reload() {
  const auto& current = *loop_.current();
  const auto place = current.listener_of(*at_);
  // How a connection begins cannot be made up for.
  const bool stays = place && current.listener(*place).proxy_protocol == listener().proxy_protocol;
  if (!stays) ++reloads_since_listener_;
  if (must_close_ || (exchange_ != nullptr && !may_begin_anew())) return;
  if (exchange_ != nullptr) snapshot_->give_back(std::move(exchange_));
  if (stays) return follow(*place);
  if (reloads_since_listener_ > 1) return;
  // Closed at once, it might cross with a request that is on its way already.
  const auto now = steady_clock::now();
  wait_for_request(now, now + current.config().shutdown.grace);
}

bool Session::may_begin_anew() const noexcept {
  // Of half a head nothing was looked at yet: it is read once more, by the limits and the keys that hold now.
  return !exchange_->head_parsed && !exchange_->failure && !in_flight_;
}

void Session::follow(std::size_t listener) {
  --snapshot_->counters().counters.connections_open[listener_];
  snapshot_ = loop_.current();
  listener_ = listener;
  ++snapshot_->counters().counters.connections_open[listener_];
  meet(std::move(client_ip_));
  loop_.release_unused();
}

void Session::renew_buffer() {
  auto& buffers = loop_.buffers();
  const auto unread = in_.unread();
  const bool fits = buffers.block_bytes() == WorkerLoop::block_bytes(snapshot_->config());
  if (in_.capacity() == buffers.block_bytes() || !fits || unread.size() > buffers.block_bytes()) return;
  if (!buffers.has_room(1)) return;
  net::ReadBuffer renewed = buffers.take();
  boost::asio::buffer_copy(renewed.space(), boost::asio::buffer(unread));
  renewed.commit(unread.size());
  buffers.give_back(std::exchange(in_, std::move(renewed)));
}

bool Session::is_leaving() const noexcept {
  return reloads_since_listener_ > 0 || loop_.draining();
}

void Session::meet(std::string peer_ip) {
  client_ip_ = std::move(peer_ip);
  peer_is_trusted_ = is_trusted(client_ip_, listener().trusted_proxies);
  forwarding_.emplace(client_ip_, at_->address(), peer_is_trusted_);
}

boost::asio::awaitable<bool, net::Executor> Session::read_proxy_header() {
  while (true) {
    if (!peer_is_trusted_) {
      loop_.warn_of_peer("a connection was closed: its sender is none of trusted_proxies", listener().name, client_ip_);
      co_return false;
    }
    const auto header = net::parse_proxy_header(in_.unread());
    if (header.status == net::ProxyHeader::Status::Broken) {
      loop_.warn_of_peer("a connection was closed: it does not begin with a PROXY header", listener().name, client_ip_);
      co_return false;
    }
    if (header.status == net::ProxyHeader::Status::Whole) {
      in_.consume(header.bytes);
      proxied_ = header.source.has_value();
      if (proxied_) meet(header.source->text());
      co_return true;
    }
    const auto [error, bytes] = co_await socket_.async_read_some(in_.space(), kToken);
    if (error && !std::exchange(rest_is_due_, false)) co_return false;
    in_.commit(bytes);
  }
}

boost::asio::awaitable<void, net::Executor> Session::run() {
  const auto self = shared_from_this();
  const auto connected = steady_clock::now();
  const auto patience = loop_.stopped_accepting() ? kLastChance : limits().head_timeout;
  wait_for_request(connected, connected + patience);
  if (listener().proxy_protocol && !co_await read_proxy_header()) {
    loop_.deadlines().clear(*this);
    co_return close();
  }
  while (true) {
    HeadStep step = parse_head();
    while (step == HeadStep::NeedMore) {
      // Never after the end: Asio waits for an event then, and there is none to come.
      if (client_done_) break;
      if (std::exchange(rest_is_due_, false) && in_.empty() && !co_await rest()) break;
      if (exchange_ != nullptr && waiting_ != Waiting::ForHead) {
        wait_until(Waiting::ForHead, steady_clock::now() + limits().head_timeout);
      }
      const auto [error, bytes] = co_await socket_.async_read_some(in_.space(), kToken);
      in_.commit(bytes);
      if (error && must_rest()) continue;
      client_done_ = static_cast<bool>(error) && !head_overdue_;
      // The deadline may have passed with bytes already on their way.
      if (error || head_overdue_) break;
      step = parse_head();
    }
    if (step == HeadStep::NeedMore) {
      if (!head_overdue_ || exchange_ == nullptr) break;
      exchange_->failure = Reason::ClientTimeout;
      step = HeadStep::Refused;
    }
    const auto now = steady_clock::now();
    exchange_->started = now;
    loop_.request_ids().next(exchange_->own_id);
    if (exchange_->request_id.empty()) {
      exchange_->request_id = {exchange_->own_id.data(), exchange_->own_id.size()};
    }
    if (step == HeadStep::Refused) {
      co_await answer_refusal(*exchange_->failure, false);
      break;
    }
    if (reloads_since_listener_ > 1) {
      // Keys and routes have changed since this listener had any.
      co_await answer_refusal(Reason::Draining, false);
      break;
    }
    decide(now);
    if (lacks_knowledge()) co_await ask_others();
    if (exchange_->failure == Reason::ClientGone) {
      close();
      finish();
      break;
    }
    if (exchange_->failure) {
      co_await answer_refusal(*exchange_->failure, false);
      break;
    }
    if (exchange_->decision.kind == policy::Decision::Kind::Refuse) {
      const auto reason = exchange_->decision.reason;
      const bool may_go_on = exchange_->facts.keep_alive && !base::ends_connection(reason);
      co_await answer_refusal(reason, may_go_on && skip_request_body());
      if (must_close_) break;
      continue;
    }
    if (!gather_request()) {
      co_await answer_refusal(exchange_->failure.value_or(Reason::HeadTooLarge), false);
      break;
    }
    auto connection = pool().take_idle(may_be_sent_again());
    if (connection == nullptr) {
      if (!co_await connect()) {
        const auto reason = *exchange_->failure;
        co_await answer_refusal(reason, exchange_->facts.keep_alive && exchange_->request_done);
        if (must_close_) break;
        continue;
      }
    } else {
      attach(connection);
    }
    const auto sent = net::send_now(connection_->socket(), exchange_->to_origin.slices());
    exchange_->to_origin.consume(sent.bytes);
    if (!exchange_->to_origin.empty()) co_await flush_to_origin();
    if (in_flight_ && !exchange_->request_done) co_await relay_request_body();
    if (in_flight_ && exchange_->answer_sent) changed_.notify();
    if (in_flight_) wait_for_answer();
    while (in_flight_) {
      if (exchange_->tunnel && !exchange_->upload_done) {
        co_await relay_to_origin();
        continue;
      }
      if (!in_.empty() || client_done_ || !exchange_->request_done || !read_ahead()) {
        co_await changed_.wait();
        continue;
      }
      // The next request, the client's leaving, or nothing until the answer is whole.
      const auto [error, bytes] = co_await socket_.async_read_some(in_.space(), kToken);
      in_.commit(bytes);
      if (!error) continue;
      if (!in_flight_ && must_rest()) break;
      client_done_ = true;
      // A client that has closed its sending side only still wants its answer (RFC 9112 section 9.6).
      if (in_flight_ && error != boost::asio::error::eof) break_off(Reason::ClientGone);
    }
    if (must_close_) break;
  }
  if (must_close_) co_await linger();
  if (exchange_ != nullptr) snapshot_->give_back(std::move(exchange_));
  loop_.deadlines().clear(*this);
  close();
}

void Session::wait_for_request(base::SteadyTime now, base::SteadyTime deadline) {
  idle_until_ = deadline;
  wait_until(Waiting::ForRequest, std::min(deadline, now + kRestAfter));
}

boost::asio::awaitable<bool, net::Executor> Session::rest() {
  loop_.buffers().give_back(std::move(in_));
  do {
    rest_is_due_ = false;
    co_await socket_.async_wait(net::StreamSocket::wait_read, kToken);
  } while (must_rest());
  // Others may have taken the memory meanwhile. Who sends a request on an idle connection has to expect that it closes.
  if (!socket_.is_open() || !loop_.buffers().has_room(1)) co_return false;
  in_ = loop_.buffers().take();
  co_return true;
}

boost::asio::awaitable<void, net::Executor> Session::linger() {
  // Closing at once could make the client's system throw away the answer with a reset (RFC 9112 section 9.6).
  std::size_t discarded = 0;
  while (!client_done_ && discarded < kLingerBytesMax) {
    in_.restart();
    const auto [error, bytes] = co_await socket_.async_read_some(in_.space(), kToken);
    if (error) break;
    discarded += bytes;
  }
}

void Session::attach(const origin::ConnectionPtr& connection) noexcept {
  connection->user = this;
  connection_ = connection;
  in_flight_ = true;
  exchange_->asked_server = &connection->server();
}

void Session::break_off(Reason reason) noexcept {
  if (exchange_ == nullptr) return close();
  if (exchange_->answer_sent) {
    // The client has its answer; that its body came no further fails nobody.
    exchange_->upload_failed = true;
  } else if (!exchange_->failure) {
    exchange_->failure = reason;
  }
  if (reason == Reason::ClientGone) close();
  if (connection_ != nullptr) connection_->close();
  changed_.notify();
}

void Session::cut(Reason reason) noexcept {
  break_off(reason);
  // Whoever waits for the client to take more is woken too.
  close();
}

void Session::wait_until(Waiting waiting, base::SteadyTime deadline) {
  waiting_ = waiting;
  loop_.deadlines().set(*this, exchange_ != nullptr ? std::min(deadline, exchange_->ends) : deadline);
}

void Session::end_with_credential(base::SteadyTime now) {
  exchange_->ends_with = snapshot_->policy().hold(exchange_->decision, exchange_->scratch);
  if (is_revoked(now)) {
    // While the origin took its time.
    exchange_->ends = now;
    return;
  }
  // Further away than any connection lives, and than the clock can count in its small units.
  constexpr auto kNever = std::chrono::years(1);
  const auto civil = loop_.civil_time(now);
  const auto ends = exchange_->decision.ends;
  if (ends - std::chrono::floor<std::chrono::seconds>(civil) > kNever) return;
  exchange_->ends = now + std::chrono::ceil<std::chrono::milliseconds>(ends - civil);
}

bool Session::is_revoked(base::SteadyTime now) const {
  const auto& credential = exchange_->ends_with;
  return credential && loop_.revocations()->revokes(credential->view(), loop_.civil_seconds(now));
}

void Session::end_if_revoked(const revocation::RevocationList& revocations, base::UnixTime now) {
  if (exchange_ == nullptr || !exchange_->ends_with) return;
  if (revocations.revokes(exchange_->ends_with->view(), now)) cut(Reason::Revoked);
}

void Session::wait_for_answer() {
  if (exchange_->response_head_read) {
    // It has begun already; from now on only the origin can keep us waiting.
    return wait_until(Waiting::ForOrigin, steady_clock::now() + pool().settings().idle_timeout);
  }
  const auto& route = *exchange_->decision.route;
  const auto timeout = route.timeout.value_or(pool().settings().response_timeout);
  // A request without a body on a ready connection was sent when its head was read: the clock need not be asked again.
  const bool sent_at_once =
      exchange_->bytes_in == exchange_->head.bytes.size() && connection_ != nullptr && connection_->reused();
  const auto sent = sent_at_once ? exchange_->started : steady_clock::now();
  // Once the request is sent, interim answers do not put it off.
  auto due = sent + timeout;
  if (exchange_->answer_due != base::SteadyTime{}) {
    due = exchange_->answer_due;
  } else if (exchange_->request_sent()) {
    exchange_->answer_due = due;
  }
  wait_until(Waiting::ForAnswer, due);
}

void Session::on_deadline() {
  if (exchange_ != nullptr && steady_clock::now() >= exchange_->ends) {
    return cut(is_revoked(exchange_->ends) ? Reason::Revoked : Reason::Expired);
  }
  switch (waiting_) {
    case Waiting::ForRequest: {
      if (steady_clock::now() >= idle_until_) return close();
      wait_until(Waiting::ForRequest, idle_until_);
      rest_is_due_ = true;
      boost::system::error_code ignored;
      socket_.cancel(ignored);
      return;
    }
    case Waiting::Lingering:
      return close();
    case Waiting::ForHead: {
      head_overdue_ = true;
      boost::system::error_code ignored;
      socket_.cancel(ignored);
      return;
    }
    case Waiting::ForBody:
      return break_off(Reason::ClientTimeout);
    case Waiting::ForNews:
      question_->awaited = 0;
      question_->news = true;
      return wake_for_news();
    case Waiting::ForAnswer:
    case Waiting::ForOrigin:
      return break_off(Reason::OriginTimeout);
    case Waiting::OnTunnel:
      return cut(Reason::TunnelIdle);
    case Waiting::ForClient:
      break_off(Reason::ClientTimeout);
      return reset_connection();
  }
}

void Session::close_if_idle() {
  if (exchange_ != nullptr || must_close_) return;
  const auto now = steady_clock::now();
  wait_for_request(now, now + kLastChance);
}

void Session::abort() noexcept {
  if (exchange_ != nullptr) break_off(Reason::Draining);
  reset_connection();
}

void Session::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Session::reset_connection() noexcept {
  // An answer that breaks off must not look whole: the client gets a reset instead of an orderly end.
  if (!socket_.is_open()) return;
  const struct linger hard { 1, 0 };
  static_cast<void>(::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
  close();
}

void Session::finish() {
  Exchange& exchange = *exchange_;
  const auto now = steady_clock::now();
  loop_.record(*snapshot_, exchange, exchange.client_ip.empty() ? client_ip_ : exchange.client_ip, now);
  must_close_ = !exchange.keep_alive || is_leaving() || !socket_.is_open();
  in_flight_ = false;
  connection_ = nullptr;
  snapshot_->give_back(std::move(exchange_));
  if (must_close_) {
    boost::system::error_code ignored;
    socket_.shutdown(net::StreamSocket::shutdown_send, ignored);
    wait_until(Waiting::Lingering, now + kLinger);
  } else {
    if (snapshot_ != loop_.current()) follow(*loop_.current()->listener_of(*at_));
    wait_for_request(now, now + limits().keep_alive_timeout);
  }
  changed_.notify();
}

}  // namespace sidegate::proxy
