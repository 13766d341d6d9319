#include <sidegate/origin/pool.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sidegate::origin {

using base::Reason;
using base::Result;

Connection::Connection(Pool& pool, ServerState& server, net::StreamSocket socket, net::ReadBuffer buffer)
    : pool_(pool.shared_from_this()), server_(&server), socket_(std::move(socket)), buffer_(std::move(buffer)) {
  ++server_->open;
}

Connection::~Connection() {
  close();
  pool_->buffers_->give_back(std::move(buffer_));
}

void Connection::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (std::exchange(counted_, false)) --server_->open;
  state_ = State::InUse;
  wake_call_.ring();
}

void Connection::fall_asleep() noexcept {
  *static_cast<char*>(buffer_.space().data()) = kSilence;
  state_ = State::Asleep;
}

bool Connection::wake(bool may_retry) noexcept {
  // What is read here, or was read while it was watched, would be handed as an answer to whoever uses the connection
  // now. It is seen in the buffer before its reader hears of it.
  const bool was_watched = std::exchange(state_, State::InUse) == State::Watched;
  wake_call_.ring();
  const bool is_silent = *static_cast<const char*>(buffer_.space().data()) == kSilence;
  return is_silent && ((may_retry && !was_watched) || net::is_quiet(socket_));
}

// Out of the idle ones as well, if it is one of them.
void Connection::on_deadline() {
  if (state_ != State::Asleep) return pool_->discard(*this);
  state_ = State::Watched;
  pool_->deadlines_->set(*this, std::chrono::steady_clock::now() + Pool::kWatchedMax);
  wake_call_.ring();
}

Pool::Pool(const config::Upstream& settings, const net::Executor& executor, net::DeadlineWheel& deadlines,
           net::BufferPool& buffers, net::Resolver& resolver)
    : settings_(settings), executor_(executor), deadlines_(&deadlines), buffers_(&buffers), resolver_(&resolver) {
  for (const auto& server : settings_.servers) {
    ServerState state;
    state.settings = &server;
    state.index = servers_.size();
    state.endpoints = net::Resolver::literal(server.address);
    servers_.push_back(std::move(state));
  }
}

ConnectionPtr Pool::take_idle(bool may_retry) {
  for (std::size_t tried = 0; tried < servers_.size(); ++tried) {
    ServerState& server = servers_[(next_ + tried) % servers_.size()];
    while (!server.idle.empty()) {
      ConnectionPtr connection = std::move(server.idle.back());
      server.idle.pop_back();
      if (!connection->is_open()) continue;
      if (!connection->wake(may_retry)) {
        // The server has closed it, or said something that would be read as the next answer. Its reader ends with it.
        connection->close();
        continue;
      }
      next_ = (next_ + tried + 1) % servers_.size();
      deadlines_->clear(*connection);
      ++connection->exchanges_;
      return connection;
    }
    if (server.open < settings_.max_connections) break;
  }
  return nullptr;
}

boost::asio::awaitable<Result<ConnectionPtr>, net::Executor> Pool::connect(const ServerState*& tried) {
  Reason worst = Reason::OriginExhausted;
  // Its own turn, whatever others do meanwhile: no server is tried twice, nor passed over.
  const std::size_t first = std::exchange(next_, (next_ + 1) % servers_.size());
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    ServerState& server = servers_[(first + i) % servers_.size()];
    if (server.open >= settings_.max_connections) continue;
    if (aborted_) break;
    tried = &server;
    auto connection = co_await connect_to(server);
    if (connection) co_return connection;
    worst = connection.error();
  }
  co_return worst;
}

boost::asio::awaitable<Result<ConnectionPtr>, net::Executor> Pool::connect_to(ServerState& server) {
  const auto deadline = std::chrono::steady_clock::now() + settings_.connect_timeout;
  server.trouble.clear();
  co_await resolve(server, deadline);
  // Others may have gone on meanwhile.
  if (aborted_ || server.open >= settings_.max_connections) co_return Reason::OriginExhausted;
  if (!buffers_->has_room(1)) co_return Reason::OutOfMemory;
  auto connection = std::make_shared<Connection>(*this, server, net::StreamSocket(executor_), buffers_->take());
  Reason reason = server.looking_up && server.endpoints.empty() ? Reason::OriginTimeout : Reason::OriginUnreachable;
  if (server.endpoints.empty()) server.trouble = boost::asio::error::host_not_found;
  // A copy: another request may resolve the name anew meanwhile.
  const auto endpoints = server.endpoints;
  connecting_.push_back(connection.get());
  for (const auto& endpoint : endpoints) {
    boost::system::error_code error;
    connection->socket_.open(endpoint.protocol(), error);
    if (error) {
      reason = Reason::OriginExhausted;
      server.trouble = error;
      continue;
    }
    deadlines_->set(*connection, deadline);
    std::tie(error) =
        co_await connection->socket_.async_connect(endpoint, boost::asio::as_tuple(boost::asio::deferred));
    deadlines_->clear(*connection);
    if (!error) {
      net::prepare(connection->socket_);
      connection->exchanges_ = 1;
      std::erase(connecting_, connection.get());
      co_return connection;
    }
    reason = std::chrono::steady_clock::now() >= deadline ? Reason::OriginTimeout : Reason::OriginUnreachable;
    server.trouble = reason == Reason::OriginTimeout ? boost::asio::error::timed_out : error;
    boost::system::error_code ignored;
    connection->socket_.close(ignored);
    if (aborted_ || reason == Reason::OriginTimeout) break;
  }
  std::erase(connecting_, connection.get());
  co_return reason;
}

boost::asio::awaitable<void, net::Executor> Pool::resolve(ServerState& server, base::SteadyTime deadline) {
  if (net::Resolver::is_literal(server.settings->address)) co_return;
  const auto now = std::chrono::steady_clock::now();
  const bool fresh = !server.endpoints.empty() && now - server.resolved_at < settings_.resolve_interval;
  if (!fresh && !server.looking_up) {
    server.looking_up = true;
    boost::asio::co_spawn(executor_, look_up(server), boost::asio::detached);
  }
  // Known addresses serve while they are looked up anew.
  if (!server.looking_up || !server.endpoints.empty()) co_return;
  WaitTimer answer(executor_, deadline);
  server.awaiting.push_back(&answer);
  co_await answer.async_wait(boost::asio::as_tuple(boost::asio::deferred));
  std::erase(server.awaiting, &answer);
}

boost::asio::awaitable<void, net::Executor> Pool::look_up(ServerState& server) {
  const auto self = shared_from_this();
  auto endpoints = co_await resolver_->resolve(server.settings->address);
  // A name server that is out of reach takes nothing away: the last addresses may still be right.
  if (!endpoints.empty()) {
    server.endpoints = std::move(endpoints);
    server.resolved_at = std::chrono::steady_clock::now();
  }
  server.looking_up = false;
  for (WaitTimer* const waiting : server.awaiting) waiting->cancel();
}

void Pool::give_back(const ConnectionPtr& connection) {
  connection->user = nullptr;
  if (draining_) return connection->close();
  connection->fall_asleep();
  deadlines_->set(*connection, std::chrono::steady_clock::now() + kAsleepMax);
  connection->server_->idle.push_back(connection);
}

void Pool::discard(Connection& connection) noexcept {
  auto& idle = connection.server_->idle;
  const auto found =
      std::find_if(idle.begin(), idle.end(), [&](const auto& held) { return held.get() == &connection; });
  deadlines_->clear(connection);
  connection.close();
  // Last, since this may be what holds it.
  if (found != idle.end()) idle.erase(found);
}

void Pool::abort_connects() noexcept {
  aborted_ = true;
  for (Connection* connection : connecting_) connection->close();
  for (ServerState& server : servers_) {
    for (WaitTimer* const waiting : server.awaiting) waiting->cancel();
  }
}

void Pool::drain() noexcept {
  draining_ = true;
  for (ServerState& server : servers_) {
    for (const auto& connection : server.idle) connection->close();
    server.idle.clear();
  }
}

}  // namespace sidegate::origin
