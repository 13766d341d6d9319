#include "worker_loop.hpp"

#include <sidegate/http/answer.hpp>
#include <sidegate/telemetry/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>

namespace sidegate::proxy {
namespace {

constexpr auto kToken = boost::asio::as_tuple(boost::asio::deferred);

/// Room for a body behind the largest head.
constexpr std::size_t kBodyRoomBytes = std::size_t{16} * 1024;

/// How many connections one wake-up takes, so that the other workers get their share.
constexpr int kAcceptsAtOnce = 4;

/// How long to wait for a descriptor to become free.
constexpr std::chrono::milliseconds kExhaustedPause{100};

/// What of a target that was refused may be logged: its path, whatever stands in it. A query may hold secrets, and an
/// absolute form credentials.
std::string_view path_as_received(std::string_view target) noexcept {
  return target.starts_with('/') ? target.substr(0, target.find_first_of("?#")) : std::string_view{};
}

telemetry::MethodLabel label_of(http::Method method) noexcept {
  using telemetry::MethodLabel;
  switch (method) {
    case http::Method::Get:
      return MethodLabel::Get;
    case http::Method::Head:
      return MethodLabel::Head;
    case http::Method::Post:
      return MethodLabel::Post;
    case http::Method::Put:
      return MethodLabel::Put;
    case http::Method::Delete:
      return MethodLabel::Delete;
    case http::Method::Connect:
      return MethodLabel::Connect;
    case http::Method::Options:
      return MethodLabel::Options;
    case http::Method::Trace:
      return MethodLabel::Trace;
    case http::Method::Patch:
      return MethodLabel::Patch;
    case http::Method::Other:
      return MethodLabel::Other;
  }
  return MethodLabel::Other;
}

}  // namespace

WorkerLoop::WorkerLoop(WorkerSetup setup)
    : setup_(std::move(setup)),
      client_buffers_(setup_.config.limits.head_bytes_max + kBodyRoomBytes, setup_.shared.buffers),
      origin_buffers_(setup_.config.limits.head_bytes_max + kBodyRoomBytes, setup_.shared.buffers),
      counters_(setup_.labels),
      civil_base_(std::chrono::system_clock::now()),
      steady_base_(std::chrono::steady_clock::now()) {
  std::size_t server_index = 0;
  for (const auto& upstream : setup_.config.upstreams) {
    pools_.emplace_back(upstream, server_index, executor(), deadlines_, origin_buffers_, resolver_);
    server_index += upstream.servers.size();
  }
}

WorkerLoop::~WorkerLoop() {
  // Whatever still waits is woken and ends, while everything that it uses is still there.
  stop_accepting();
  abort();
  deadlines_.stop();
  io_.restart();
  while (io_.poll() > 0) io_.restart();
}

std::chrono::sys_time<std::chrono::microseconds> WorkerLoop::civil_time(base::SteadyTime moment) noexcept {
  // The civil clock may be set while we run; it is looked at again every second.
  if (moment - steady_base_ > std::chrono::seconds(1)) {
    civil_base_ = std::chrono::system_clock::now();
    steady_base_ = moment;
  }
  return std::chrono::floor<std::chrono::microseconds>(civil_base_ + (moment - steady_base_));
}

std::unique_ptr<Exchange> WorkerLoop::take_exchange() {
  if (exchanges_.empty()) return std::make_unique<Exchange>(limits());
  auto exchange = std::move(exchanges_.back());
  exchanges_.pop_back();
  return exchange;
}

void WorkerLoop::give_back(std::unique_ptr<Exchange> exchange) noexcept {
  if (exchanges_.size() == kExchangesKept) return;
  if (exchanges_.capacity() == 0) exchanges_.reserve(kExchangesKept);
  exchange->reset();
  exchanges_.push_back(std::move(exchange));
}

void WorkerLoop::add(Session& session, std::size_t listener) noexcept {
  sessions_.push_back(session);
  ++counters_.connections_open[listener];
  ++counters_.connections_total[listener];
}

void WorkerLoop::remove(Session& session, std::size_t listener) noexcept {
  sessions_.erase(sessions_.iterator_to(session));
  --counters_.connections_open[listener];
  setup_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
  drain_pools_when_idle();
}

void WorkerLoop::warn_of_peer(std::string_view what, std::size_t listener, std::string_view peer_ip) {
  const auto now = std::chrono::steady_clock::now();
  if (now - warned_at_ < std::chrono::seconds(1)) return;
  warned_at_ = now;
  telemetry::log(telemetry::Level::Warning, what, {{"listener", this->listener(listener).name}, {"peer", peer_ip}});
}

void WorkerLoop::record(const Exchange& exchange, std::string_view client_ip, base::SteadyTime now) {
  const auto& decision = exchange.decision;
  const bool matched = decision.route != nullptr;
  const auto duration = now - exchange.started;
  const auto method = label_of(exchange.head_read ? exchange.head.known_method : http::Method::Other);
  // How long a tunnel lasted says nothing of how fast anybody answered.
  const auto counted = exchange.tunnel ? *exchange.answered - exchange.started : duration;
  counters_.count_request(matched ? decision.route->index : setup_.config.routes.size(), method, exchange.status,
                          counted);
  if (decision.outcome && decision.authenticator != policy::Decision::kNone) {
    counters_.count_decision(decision.authenticator, *decision.outcome);
  }
  if (matched && exchange.answered) {
    counters_.count_origin(decision.route->upstream, exchange.server_index, exchange.response.status,
                           *exchange.answered - exchange.started);
  }
  if (setup_.access_log == nullptr) return;
  telemetry::AccessRecord record;
  record.time = civil_time(exchange.started);
  record.request_id = exchange.request_id;
  record.trace_id = exchange.trace_id;
  if (exchange.head_parsed) record.method = exchange.head.method;
  if (exchange.head_read) {
    record.path = exchange.target.path;
    record.query = exchange.target.query.empty() ? exchange.target.query : exchange.target.query.substr(1);
  } else if (exchange.head_parsed) {
    record.path = path_as_received(exchange.head.target);
  }
  record.status = exchange.status;
  record.duration = std::chrono::duration_cast<std::chrono::microseconds>(duration);
  if (matched) record.route = decision.route->name;
  if (!exchange.server_url.empty()) {
    record.upstream = setup_.config.upstreams[decision.route->upstream].name;
    record.server = exchange.server_url;
  }
  if (matched && exchange.answered) {
    record.upstream_duration =
        std::chrono::duration_cast<std::chrono::microseconds>(*exchange.answered - exchange.started);
  }
  record.bytes_in = exchange.bytes_in;
  record.bytes_out = exchange.bytes_out;
  record.client_ip = client_ip;
  record.subject = decision.subject;
  record.authenticator = decision.authenticator_name;
  record.auth_outcome = decision.outcome;
  record.reason = exchange.failure;
  setup_.access_log->push(record);
}

void WorkerLoop::start() {
  for (std::size_t i = 0; i < setup_.listeners.size(); ++i) {
    accepting_.emplace_back(executor(), setup_.listeners[i].duplicate());
  }
  for (std::size_t i = 0; i < accepting_.size(); ++i) {
    boost::asio::co_spawn(executor(), accept_from(i), boost::asio::detached);
  }
}

boost::asio::awaitable<void, net::Executor> WorkerLoop::accept_from(std::size_t listener) {
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                  boost::asio::wait_traits<std::chrono::steady_clock>, net::Executor>;
  Timer pause(executor());
  while (!stopped_accepting_) {
    const auto [error] = co_await accepting_[listener].async_wait(Descriptor::wait_read, kToken);
    if (error) break;
    for (int i = 0; i < kAcceptsAtOnce && !stopped_accepting_; ++i) {
      net::StreamSocket socket(executor());
      net::Peer peer;
      const auto status = net::accept_now(accepting_[listener].native_handle(), socket, peer);
      if (status == net::AcceptStatus::Accepted) {
        welcome(std::move(socket), peer, listener);
        continue;
      }
      if (status == net::AcceptStatus::WouldBlock) break;
      if (!stopped_accepting_) {
        telemetry::log(telemetry::Level::Error, "no connection can be accepted: out of descriptors or memory",
                       {{"listener", this->listener(listener).name}});
        pause.expires_after(kExhaustedPause);
        co_await pause.async_wait(kToken);
      }
      break;
    }
  }
}

void WorkerLoop::welcome(net::StreamSocket socket, const net::Peer& peer, std::size_t listener) {
  const auto others = setup_.shared.connections.fetch_add(1, std::memory_order_relaxed);
  const bool too_many = others >= limits().connections_max;
  // A client that finds no room for a connection to the origin as well could only be refused.
  if (too_many || !client_buffers_.has_room(2)) {
    setup_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
    turn_away(socket, too_many ? base::Reason::TooManyConnections : base::Reason::OutOfMemory);
    return;
  }
  const auto session = std::make_shared<Session>(*this, std::move(socket), peer, listener);
  boost::asio::co_spawn(executor(), session->run(), boost::asio::detached);
}

void WorkerLoop::turn_away(net::StreamSocket& socket, base::Reason reason) {
  RequestIds::Id id{};
  request_ids_.next(id);
  http::Answer answer;
  answer.status = base::status_of(reason);
  answer.error = http::error_text(reason);
  answer.request_id = {id.data(), id.size()};
  std::string text;
  http::write_answer(answer, text);
  const iovec slice{text.data(), text.size()};
  net::send_now(socket, {&slice, 1});
  boost::system::error_code ignored;
  socket.shutdown(net::StreamSocket::shutdown_send, ignored);
  counters_.count_request(setup_.config.routes.size(), telemetry::MethodLabel::Other, answer.status, {});
}

void WorkerLoop::stop_accepting() {
  draining_ = stopped_accepting_ = true;
  for (Descriptor& descriptor : accepting_) {
    boost::system::error_code ignored;
    descriptor.close(ignored);
  }
  for (Session& session : sessions_) session.close_if_idle();
  drain_pools_when_idle();
}

void WorkerLoop::drain_pools_when_idle() {
  // Connections kept for a next request would keep the loop running.
  if (!stopped_accepting_ || !sessions_.empty()) return;
  for (origin::Pool& pool : pools_) pool.drain();
  deadlines_.stop();
}

void WorkerLoop::abort() {
  for (Session& session : sessions_) session.abort();
  for (origin::Pool& pool : pools_) pool.abort_connects();
}

telemetry::WorkerCounters WorkerLoop::copy_counters() const {
  telemetry::WorkerCounters copy = counters_;
  for (const origin::Pool& pool : pools_) {
    for (const origin::ServerState& server : pool.servers()) {
      copy.origin_connections[server.index] = {server.open - server.idle.size(), server.idle.size()};
    }
  }
  return copy;
}

}  // namespace sidegate::proxy
