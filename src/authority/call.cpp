#include "call.hpp"

#include <sidegate/config/address.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <utility>

namespace sidegate::authority {
namespace {

namespace asio = boost::asio;
using base::Message;
using base::OrMessage;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kAsTuple = asio::as_tuple(asio::deferred);

std::string words_of(milliseconds time) {
  return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s" : std::to_string(time.count()) + " ms";
}

}  // namespace

std::shared_ptr<Call> Call::start(asio::io_context& io, KnownHosts& hosts, milliseconds patience) {
  return start(io, hosts, steady_clock::now() + patience, patience);
}

std::shared_ptr<Call> Call::start(asio::io_context& io, KnownHosts& hosts, base::SteadyTime deadline,
                                  milliseconds patience) {
  std::shared_ptr<Call> call(new Call(io, hosts));
  call->end_at(deadline, patience);
  return call;
}

Call::Call(asio::io_context& io, KnownHosts& hosts)
    : io_(io), hosts_(hosts), deadline_(io.get_executor()), attempt_(io.get_executor()), found_(io.get_executor()) {}

void Call::end_at(base::SteadyTime deadline, milliseconds patience) {
  deadline_.expires_at(deadline);
  deadline_.async_wait([weak = weak_from_this(), patience](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->cut("timed out after " + words_of(patience));
  });
}

void Call::cut(std::string why) {
  if (cut_) return;
  cut_ = std::move(why);
  deadline_.cancel();
  attempt_.cancel();
  found_.cancel();
  if (connection_) connection_->close();
}

Task<OrMessage<Addresses>> Call::find_addresses(const std::string& host) {
  addresses_.reset();
  found_.expires_at(steady_clock::time_point::max());
  hosts_.find(host, [weak = weak_from_this()](const OrMessage<Addresses>& found) {
    const auto self = weak.lock();
    if (!self) return;
    self->addresses_ = found;
    self->found_.cancel();
  });
  if (!addresses_) co_await found_.async_wait(kAsTuple);
  if (!addresses_) co_return Message{*cut_};
  co_return *std::exchange(addresses_, std::nullopt);
}

Task<OrMessage<std::shared_ptr<Connection>>> Call::connect(const Peer& peer) {
  reached_ = Reached::Nobody;
  if (cut_) co_return Message{*cut_};
  const auto addresses = co_await find_addresses(peer.url.address.host);
  if (!addresses) co_return addresses.error();
  OrMessage<void> outcome = Message{"the host has no address"};
  for (std::size_t i = 0; i < addresses->size() && !cut_; ++i) {
    // Each has its share of the time that is left: behind an address that is silent there may be one that answers.
    const auto now = steady_clock::now();
    const auto share = (deadline_.expiry() - now) / static_cast<int>(addresses->size() - i);
    outcome = co_await connect_to((*addresses)[i], peer, now + share);
    if (outcome) break;
  }
  if (outcome && !cut_ && peer.url.encrypted) {
    outcome =
        co_await connection_->encrypt(*peer.tls, peer.server_name.empty() ? peer.url.address.host : peer.server_name);
  }
  auto connection = std::exchange(connection_, nullptr);
  if (cut_) co_return Message{*cut_};
  if (!outcome) co_return outcome.error();
  co_return connection;
}

Task<OrMessage<void>> Call::connect_to(const base::IpAddress& address, const Peer& peer, base::SteadyTime deadline) {
  if (auto fine = check_address(address); !fine) co_return fine;
  // A name of this machine may be somebody else's where the resolver says so.
  if (!peer.url.encrypted && !peer.allow_http && !config::is_local({{}, address.text(), 0, {}})) {
    co_return Message{"by plain http " + address.text() + " is not asked: it is another machine"};
  }
  connection_ = Connection::create(io_);
  close_at(deadline);
  const auto connected = co_await connection_->connect(address, peer.url.address.port);
  const bool in_time = steady_clock::now() < deadline;
  attempt_.expires_at(steady_clock::time_point::max());
  if (connected) co_return connected;
  const std::string why = in_time ? connected.error().text : std::string("it is silent");
  co_return Message{"nobody answers at " + address.text() + ": " + why};
}

void Call::close_at(base::SteadyTime deadline) {
  attempt_.expires_at(deadline);
  attempt_.async_wait([weak = weak_from_this(), deadline](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && self->connection_ && self->attempt_.expiry() == deadline) self->connection_->close();
  });
}

Task<bool> Call::wake(std::shared_ptr<Connection> connection) {
  const bool awake = co_await connection->wake();
  co_return awake && !cut_;
}

Task<OrMessage<HttpAnswer>> Call::converse(std::shared_ptr<Connection> connection, std::string_view request,
                                           std::size_t body_bytes_max) {
  if (cut_) co_return Message{*cut_};
  connection_ = connection;
  reached_ = Reached::Somebody;
  auto answer = co_await connection->converse(request, body_bytes_max);
  if (connection->has_answered()) reached_ = Reached::Answer;
  connection_.reset();
  if (cut_) co_return Message{*cut_};
  co_return answer;
}

}  // namespace sidegate::authority
