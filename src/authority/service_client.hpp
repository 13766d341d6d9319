#pragma once

#include "call.hpp"
#include "request.hpp"
#include "tls.hpp"

#include <sidegate/config/config.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace sidegate::authority {

/// The settings of TLS towards an endpoint; the message says why there are none, and names the key of the
/// configuration.
base::OrMessage<TlsContext> endpoint_tls(const config::ClientTls& settings);

/// Sends requests to one service, over connections that are kept for the next one.
///
/// Belongs to the thread of its loop. It lives as long as a call is under way.
class ServiceClient : public std::enable_shared_from_this<ServiceClient> {
 public:
  using Done = std::function<void(const base::OrMessage<HttpAnswer>&)>;

  struct Settings {
    config::Endpoint endpoint;
    /// A call that is repeated does no harm. Otherwise none is made on a connection that may have ended by itself.
    bool may_repeat = true;
    std::chrono::milliseconds idle{30'000};  ///< how long an unused connection is kept
  };

  /// `hosts` outlives it.
  ServiceClient(boost::asio::io_context& io, KnownHosts& hosts, Settings settings);

  /// Makes one call, whose answer has at most that large a body; `done` is called later, once. What comes back ends it
  /// early, by its `cut`. The request is a secret as a whole.
  std::shared_ptr<Call> begin(Request request, base::SteadyTime deadline, std::size_t body_bytes_max, Done done);

  /// Closes what is unused.
  void close();

  std::size_t idle_connections() const noexcept { return idle_.size(); }

 private:
  using ConnectionPtr = std::shared_ptr<Connection>;
  struct Idle {
    Url url;  ///< where it leads
    ConnectionPtr connection;
  };
  /// What is sent where, and where the answer goes.
  struct Job {
    Request request;
    base::Secret bytes;
    std::size_t body_bytes_max;
    Done done;
    bool is_begun = false;  ///< `begin` has returned, or is about to
  };

  static Task<void> run(std::shared_ptr<ServiceClient> self, std::shared_ptr<Call> call, std::shared_ptr<Job> job);
  Task<base::OrMessage<HttpAnswer>> converse(Call& call, const Job& job);
  Task<base::OrMessage<HttpAnswer>> converse_anew(Call& call, const Job& job);
  base::OrMessage<Peer> peer_at(const Url& url);
  ConnectionPtr take_idle(const Url& url);
  void keep(const Url& url, const ConnectionPtr& connection);
  void forget(const Connection* connection);

  boost::asio::io_context& io_;
  KnownHosts& hosts_;
  Settings settings_;
  TlsContext tls_{};        ///< once it was needed
  std::vector<Idle> idle_;  ///< the last used is last
  bool closed_ = false;
};

}  // namespace sidegate::authority
