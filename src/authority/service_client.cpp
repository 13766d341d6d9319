#include "service_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace sidegate::authority {

using base::Message;
using base::OrMessage;

namespace {

constexpr std::size_t kIdleMax = 8;

}  // namespace

OrMessage<TlsContext> endpoint_tls(const config::ClientTls& settings) {
  auto context = make_tls_context(settings.ca ? std::optional(settings.ca->secret) : std::nullopt);
  if (!context) return Message{settings.ca ? "`ca`: " + context.error().text : context.error().text};
  if (settings.certificate && settings.private_key) {
    const auto shown = show_certificate(**context, settings.certificate->secret, settings.private_key->secret);
    if (!shown) return shown.error();
  }
  return context;
}

ServiceClient::ServiceClient(boost::asio::io_context& io, KnownHosts& hosts, Settings settings)
    : io_(io), hosts_(hosts), settings_(std::move(settings)) {}

std::shared_ptr<Call> ServiceClient::begin(Request request, base::SteadyTime deadline, std::size_t body_bytes_max,
                                           Done done) {
  auto call = Call::start(io_, hosts_, deadline, settings_.endpoint.timeout);
  auto bytes = bytes_of(request, settings_.may_repeat ? Afterwards::Keep : Afterwards::Close);
  auto job = std::make_shared<Job>(Job{std::move(request), std::move(bytes), body_bytes_max, std::move(done)});
  // What is thrown is none of the failures that are expected here.
  boost::asio::co_spawn(io_.get_executor(), run(shared_from_this(), call, job), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  job->is_begun = true;
  return call;
}

void ServiceClient::close() {
  closed_ = true;
  for (const auto& each : idle_) each.connection->close();
}

Task<void> ServiceClient::run(std::shared_ptr<ServiceClient> self, std::shared_ptr<Call> call,
                              std::shared_ptr<Job> job) {
  const auto answer = co_await self->converse(*call, *job);
  if (!job->is_begun) co_await boost::asio::post(self->io_, boost::asio::deferred);
  job->done(answer);
}

Task<OrMessage<HttpAnswer>> ServiceClient::converse(Call& call, const Job& job) {
  while (const auto connection = take_idle(job.request.url)) {
    if (!co_await call.wake(connection)) {
      connection->close();
      continue;
    }
    auto answer = co_await call.converse(connection, job.bytes.reveal(), job.body_bytes_max);
    // Those that are kept may end at any time before the request arrives (RFC 9112 section 9.3.1), some with 408 (RFC
    // 9110 section 15.5.9).
    const bool had_ended = answer ? answer->status == 408 && !connection->may_be_reused()
                                  : call.reached() != Call::Reached::Answer && !call.cut_because();
    if (had_ended) {
      connection->close();
      break;
    }
    if (answer) keep(job.request.url, connection);
    co_return answer;
  }
  co_return co_await converse_anew(call, job);
}

Task<OrMessage<HttpAnswer>> ServiceClient::converse_anew(Call& call, const Job& job) {
  const auto peer = peer_at(job.request.url);
  if (!peer) co_return peer.error();
  const auto connection = co_await call.connect(*peer);
  if (!connection) co_return connection.error();
  auto answer = co_await call.converse(*connection, job.bytes.reveal(), job.body_bytes_max);
  if (answer) keep(job.request.url, *connection);
  if (!answer) (*connection)->close();
  co_return answer;
}

OrMessage<Peer> ServiceClient::peer_at(const Url& url) {
  const auto& endpoint = settings_.endpoint;
  if (url.encrypted && !tls_) {
    auto tls = endpoint_tls(endpoint.tls);
    if (!tls) return tls.error();
    tls_ = std::move(*tls);
  }
  return Peer{
      .url = url, .allow_http = endpoint.allow_http, .tls = tls_.get(), .server_name = endpoint.tls.server_name};
}

ServiceClient::ConnectionPtr ServiceClient::take_idle(const Url& url) {
  const auto leads_there = [&url](const Idle& each) { return each.url.at_same_place(url); };
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(), leads_there);
  if (found == idle_.rend()) return nullptr;
  auto connection = found->connection;
  idle_.erase(std::next(found).base());
  return connection;
}

void ServiceClient::keep(const Url& url, const ConnectionPtr& connection) {
  if (closed_ || !settings_.may_repeat || !connection->may_be_reused() || idle_.size() == kIdleMax) {
    return connection->close();
  }
  idle_.push_back({url, connection});
  connection->rest(settings_.idle, [weak = weak_from_this(), gone = connection.get()] {
    if (const auto self = weak.lock()) self->forget(gone);
  });
}

void ServiceClient::forget(const Connection* connection) {
  const auto is_it = [connection](const Idle& each) { return each.connection.get() == connection; };
  idle_.erase(std::remove_if(idle_.begin(), idle_.end(), is_it), idle_.end());
}

}  // namespace sidegate::authority
