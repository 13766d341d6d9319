#include "worker_loop.hpp"

#include <sidegate/http/answer.hpp>
#include <sidegate/revocation/revocations.hpp>
#include <sidegate/telemetry/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

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

bool is_origins_fault(const std::optional<base::Reason>& failure) noexcept {
  return failure == base::Reason::OriginUnreachable || failure == base::Reason::OriginBroken ||
         failure == base::Reason::OriginTimeout;
}

}  // namespace

std::size_t WorkerLoop::block_bytes(const config::Config& config) noexcept {
  return config.limits.head_bytes_max + kBodyRoomBytes;
}

WorkerLoop::WorkerLoop(WorkerConfiguration configuration, SharedState& shared)
    : shared_(shared),
      client_buffers_(block_bytes(*configuration.config), shared_.buffers),
      origin_buffers_(block_bytes(*configuration.config), shared_.buffers),
      current_(std::make_shared<Snapshot>(std::move(configuration), pool_parts(), nullptr)) {}

template <class Visit>
void WorkerLoop::for_each_pool(const Visit& visit) {
  for (const auto& pool : current_->pools()) visit(*pool);
  for (const auto& snapshot : earlier_) {
    for (const auto& pool : snapshot->pools()) visit(*pool);
  }
}

WorkerLoop::~WorkerLoop() {
  // Whatever still waits is woken and ends, while everything that it uses is still there.
  stop_accepting();
  abort();
  for_each_pool([](origin::Pool& pool) { pool.drain(); });
  deadlines_.stop();
  io_.restart();
  while (io_.poll() > 0) io_.restart();
}

void WorkerLoop::add(Session& session) noexcept {
  sessions_.push_back(session);
}

void WorkerLoop::remove(Session& session) noexcept {
  sessions_.erase(sessions_.iterator_to(session));
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  release_unused();
  drain_pools_when_idle();
}

void WorkerLoop::release_unused() {
  std::erase_if(earlier_, [this](const std::shared_ptr<Snapshot>& snapshot) {
    if (snapshot.use_count() > 1) return false;
    current_->counters().merge(snapshot->counters());
    return true;
  });
}

void WorkerLoop::warn_of_peer(std::string_view what, std::string_view listener, std::string_view peer_ip) {
  const auto now = std::chrono::steady_clock::now();
  if (now - warned_at_ < std::chrono::seconds(1)) return;
  warned_at_ = now;
  telemetry::log(telemetry::Level::Warning, what, {{"listener", listener}, {"peer", peer_ip}});
}

void WorkerLoop::warn_of_server(const origin::ServerState& server) {
  const auto now = std::chrono::steady_clock::now();
  if (now - warned_of_server_at_ < std::chrono::seconds(1)) return;
  warned_of_server_at_ = now;
  telemetry::log(telemetry::Level::Warning, "a server cannot be reached",
                 {{"server", server.settings->url}, {"error", server.trouble.message()}});
}

void WorkerLoop::record(Snapshot& snapshot, const Exchange& exchange, std::string_view client_ip,
                        base::SteadyTime now) {
  auto& counters = snapshot.counters().counters;
  const auto& decision = exchange.decision;
  const bool matched = decision.route != nullptr;
  const auto duration = now - exchange.started;
  const auto method = label_of(exchange.head_parsed ? exchange.head.known_method : http::Method::Other);
  // How long a tunnel lasted says nothing of how fast anybody answered.
  const auto counted = exchange.tunnel ? *exchange.answered - exchange.started : duration;
  counters.count_request(matched ? decision.route->index : snapshot.config().routes.size(), method, exchange.status,
                         counted);
  if (decision.outcome && decision.authenticator != policy::Decision::kNone) {
    counters.count_decision(decision.authenticator, *decision.outcome);
    const auto cache = snapshot.cache_place(decision.authenticator);
    if (cache && decision.cache) counters.count_cache(*cache, *decision.cache);
    const auto& inquiries = exchange.scratch.inquiries;
    if (inquiries.user_cache) {
      counters.count_cache(snapshot.user_cache_place(inquiries.user_info), *inquiries.user_cache);
    }
  }
  if (matched && exchange.asked_server != nullptr) {
    const auto place = snapshot.server_place(decision.route->upstream, *exchange.asked_server);
    if (exchange.answered) {
      counters.count_origin(decision.route->upstream, place, exchange.response.status,
                            *exchange.answered - exchange.started);
      const bool served = exchange.response.status < 502 || exchange.response.status > 504;
      counters.note_origin_call(decision.route->upstream, *exchange.answered, *exchange.answered - exchange.started,
                                served);
    } else {
      counters.count_unanswered(place);
      if (is_origins_fault(exchange.failure)) {
        counters.note_origin_call(decision.route->upstream, now, duration, false);
      }
    }
  }
  if (matched && exchange.retried) ++counters.origin_retries[decision.route->upstream];
  if (snapshot.access_log() == nullptr) return;
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
  if (exchange.asked_server != nullptr) {
    record.upstream = snapshot.config().upstreams[decision.route->upstream].name;
    record.server = exchange.asked_server->settings->url;
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
  record.cache = decision.cache;
  record.reason = exchange.failure;
  snapshot.access_log()->push(record);
}

void WorkerLoop::empty_caches() noexcept {
  current_->policy().empty_caches();
  for (const auto& snapshot : earlier_) snapshot->policy().empty_caches();
}

void WorkerLoop::ask(inquiry::Question question, SharedState::Answered done) {
  if (!shared_.ask_service) return done(std::make_shared<inquiry::Answer>(), base::CacheResult::Miss);
  shared_.ask_service(std::move(question),
                      [this, done = std::move(done)](inquiry::AnswerPtr answer, base::CacheResult from) {
                        boost::asio::post(io_, [done, answer = std::move(answer), from] { done(answer, from); });
                      });
}

void WorkerLoop::ask(const std::shared_ptr<token::IssuerKeys>& issuer, std::function<void()> done) {
  if (!shared_.ask_issuer) return done();
  shared_.ask_issuer(issuer, [this, done = std::move(done)] { boost::asio::post(io_, done); });
}

std::shared_ptr<const revocation::RevocationList> WorkerLoop::revocations() const {
  if (!shared_.revocations) return std::make_shared<const revocation::RevocationList>();
  return shared_.revocations->list();
}

void WorkerLoop::end_revoked() {
  const auto list = revocations();
  const auto now = civil_seconds(std::chrono::steady_clock::now());
  for (Session& session : sessions_) session.end_if_revoked(*list, now);
}

void WorkerLoop::start() {
  for (const auto& socket : current_->sockets()) begin_accepting(socket);
}

void WorkerLoop::apply(WorkerConfiguration next) {
  const auto snapshot = std::make_shared<Snapshot>(std::move(next), pool_parts(), current_.get());
  std::erase_if(accepting_, [&](const std::shared_ptr<Accepting>& accepting) {
    if (snapshot->listener_of(*accepting->socket)) return false;
    end(*accepting);  // while its listener's configuration is the current one
    return true;
  });
  auto before = std::exchange(current_, snapshot);
  earlier_.push_back(before);
  before->policy().empty_caches();  // a tunnel may keep it for days, and asks for nothing any more
  client_buffers_.set_block_bytes(block_bytes(snapshot->config()));
  origin_buffers_.set_block_bytes(block_bytes(snapshot->config()));
  for (const auto& pool : before->pools()) {
    if (!snapshot->has(*pool)) pool->drain();
  }
  for (const auto& socket : snapshot->sockets()) {
    if (!stopped_accepting_ && !before->listener_of(*socket)) begin_accepting(socket);
  }
  before.reset();
  for (Session& session : sessions_) session.on_reload();
  release_unused();
}

WorkerLoop::Accepting::~Accepting() {
  if (descriptor.is_open()) descriptor.release();
}

void WorkerLoop::begin_accepting(const std::shared_ptr<const net::ListeningSocket>& socket) {
  accepting_.push_back(std::make_shared<Accepting>(socket, executor()));
  boost::asio::co_spawn(executor(), accept_from(accepting_.back()), boost::asio::detached);
}

boost::asio::awaitable<void, net::Executor> WorkerLoop::accept_from(std::shared_ptr<Accepting> accepting) {
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                  boost::asio::wait_traits<std::chrono::steady_clock>, net::Executor>;
  Timer pause(executor());
  while (accepting->descriptor.is_open()) {
    const auto [error] = co_await accepting->descriptor.async_wait(Descriptor::wait_read, kToken);
    if (error) break;
    auto status = net::AcceptStatus::Accepted;
    for (int i = 0; i < kAcceptsAtOnce && status == net::AcceptStatus::Accepted; ++i) status = accept_one(*accepting);
    const bool waits = status == net::AcceptStatus::Accepted || status == net::AcceptStatus::WouldBlock;
    if (waits || !accepting->descriptor.is_open()) continue;
    telemetry::log(telemetry::Level::Error, "no connection can be accepted: out of descriptors or memory",
                   {{"address", accepting->socket->address().text()}});
    pause.expires_after(kExhaustedPause);
    co_await pause.async_wait(kToken);
  }
}

net::AcceptStatus WorkerLoop::accept_one(Accepting& accepting) {
  net::StreamSocket socket(executor());
  net::Peer peer;
  const auto status = net::accept_now(accepting.descriptor.native_handle(), socket, peer);
  if (status == net::AcceptStatus::Accepted) welcome(std::move(socket), peer, accepting.socket);
  return status;
}

void WorkerLoop::end(Accepting& accepting) {
  if (!accepting.descriptor.is_open()) return;
  while (accept_one(accepting) == net::AcceptStatus::Accepted) continue;
  accepting.descriptor.release();
}

void WorkerLoop::welcome(net::StreamSocket socket, const net::Peer& peer,
                         const std::shared_ptr<const net::ListeningSocket>& at) {
  const auto others = shared_.connections.fetch_add(1, std::memory_order_relaxed);
  const bool too_many = others >= current_->limits().connections_max;
  // A client that finds no room for a connection to the origin as well could only be refused.
  if (too_many || !client_buffers_.has_room(2)) {
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
    turn_away(socket, peer, too_many ? base::Reason::TooManyConnections : base::Reason::OutOfMemory);
    return;
  }
  const auto session = std::make_shared<Session>(*this, std::move(socket), peer, at);
  boost::asio::co_spawn(executor(), session->run(), boost::asio::detached);
}

void WorkerLoop::turn_away(net::StreamSocket& socket, const net::Peer& peer, base::Reason reason) {
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
  current_->counters().counters.count_request(current_->config().routes.size(), telemetry::MethodLabel::Other,
                                              answer.status, {});
  if (current_->access_log() == nullptr) return;
  telemetry::AccessRecord record;
  record.time = civil_time(std::chrono::steady_clock::now());
  record.request_id = answer.request_id;
  record.status = answer.status;
  record.bytes_out = text.size();
  record.client_ip = peer.ip;
  record.reason = reason;
  current_->access_log()->push(record);
}

void WorkerLoop::stop_accepting() {
  draining_ = stopped_accepting_ = true;
  for (const auto& accepting : accepting_) end(*accepting);
  for (Session& session : sessions_) session.close_if_idle();
  drain_pools_when_idle();
}

void WorkerLoop::drain_pools_when_idle() {
  // Connections kept for a next request would keep the loop running.
  if (!stopped_accepting_ || !sessions_.empty()) return;
  for_each_pool([](origin::Pool& pool) { pool.drain(); });
  deadlines_.stop();
}

void WorkerLoop::abort() {
  for (Session& session : sessions_) session.abort();
  for_each_pool([](origin::Pool& pool) { pool.abort_connects(); });
}

telemetry::NamedCounters WorkerLoop::copy_counters() const {
  std::vector<const origin::Pool*> seen;  // several configurations may share a pool
  const auto copy_of = [&seen](Snapshot& snapshot) {
    telemetry::NamedCounters copy = snapshot.counters();
    for (std::size_t upstream = 0; upstream < snapshot.pools().size(); ++upstream) {
      const origin::Pool& pool = snapshot.pool(upstream);
      if (std::find(seen.begin(), seen.end(), &pool) != seen.end()) continue;
      seen.push_back(&pool);
      for (const origin::ServerState& server : pool.servers()) {
        copy.counters.origin_connections[snapshot.server_place(upstream, server)] = {
            .active = server.open - server.idle.size(), .idle = server.idle.size()};
      }
    }
    for (std::size_t i = 0; i < snapshot.config().authenticators.size(); ++i) {
      if (const auto place = snapshot.cache_place(i)) {
        copy.counters.caches[*place].entries = snapshot.policy().cache_entries(i);
      }
    }
    return copy;
  };
  telemetry::NamedCounters sum = copy_of(*current_);
  for (const auto& snapshot : earlier_) sum.merge(copy_of(*snapshot));
  return sum;
}

}  // namespace sidegate::proxy
