#pragma once

#include "connection.hpp"
#include "known_hosts.hpp"
#include "url.hpp"

#include <sidegate/base/clock.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::authority {

/// Who is asked, and by what that one is known.
struct Peer {
  Url url;
  bool allow_http = false;    ///< plain http to another machine
  SSL_CTX* tls = nullptr;     ///< of https; outlives the call
  std::string server_name{};  ///< what its certificate must be for; empty: the URL's host
};

/// The deadline and the end of one question to somebody, whatever that takes: the look-up of the host, a connection to
/// one of its addresses, a request, perhaps several of all that.
///
/// Belongs to the thread of its loop. Whoever awaits something of it holds on to it.
class Call : public std::enable_shared_from_this<Call> {
 public:
  /// The deadline is so far from now. `hosts` outlives it.
  static std::shared_ptr<Call> start(boost::asio::io_context& io, KnownHosts& hosts,
                                     std::chrono::milliseconds patience);
  /// The same for a question that came in earlier; messages speak of `patience`.
  static std::shared_ptr<Call> start(boost::asio::io_context& io, KnownHosts& hosts, base::SteadyTime deadline,
                                     std::chrono::milliseconds patience);

  Task<base::OrMessage<std::shared_ptr<Connection>>> connect(const Peer& peer);

  /// Whether a connection that rested can be used.
  Task<bool> wake(std::shared_ptr<Connection> connection);

  Task<base::OrMessage<HttpAnswer>> converse(std::shared_ptr<Connection> connection, std::string_view request,
                                             std::size_t body_bytes_max);
  /// How far it came since it last began to connect, or to send: to nobody, to somebody, or so far that something came
  /// back, be it no answer that can be read.
  enum class Reached { Nobody, Somebody, Answer };
  Reached reached() const noexcept { return reached_; }

  /// Ends what is under way and all that is asked later, with these words.
  void cut(std::string why);
  /// Why it was; nothing where it was not.
  const std::optional<std::string>& cut_because() const noexcept { return cut_; }

 private:
  Call(boost::asio::io_context& io, KnownHosts& hosts);

  void end_at(base::SteadyTime deadline, std::chrono::milliseconds patience);
  Task<base::OrMessage<Addresses>> find_addresses(const std::string& host);
  Task<base::OrMessage<void>> connect_to(const base::IpAddress& address, const Peer& peer, base::SteadyTime deadline);
  void close_at(base::SteadyTime deadline);

  boost::asio::io_context& io_;
  KnownHosts& hosts_;
  std::shared_ptr<Connection> connection_;  ///< that something is awaited of
  Timer deadline_;
  Timer attempt_;                                        ///< for one address of several
  Timer found_;                                          ///< ends when the look-up does
  std::optional<base::OrMessage<Addresses>> addresses_;  ///< what it found
  std::optional<std::string> cut_;                       ///< why
  Reached reached_ = Reached::Nobody;
};

}  // namespace sidegate::authority
