#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/config/config.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sidegate::admin {

/// What came of something that an operator asked for: JSON for the answer, and its status.
struct Outcome {
  unsigned status = 200;
  std::string json;
};

/// What the admin API can do, handed in by the application; the server knows no other part of the program. Called on
/// the server's thread.
///
/// Those that take a callback may take their time: it is to be called once, on the server's thread.
struct Actions {
  template <class Answer>
  using Later = std::function<void(std::function<void(Answer)>)>;

  std::function<bool()> ready;
  Later<std::string> metrics;
  std::function<std::string()> config;                 ///< the effective configuration as YAML, secrets redacted
  std::function<std::optional<base::Secret>()> token;  ///< that whoever asks must show; nothing: none is asked for
  Later<std::string> routes;                           ///< live state as JSON
  Later<std::string> upstreams;                        ///< live state as JSON
  Later<std::string> authenticators;                   ///< live state as JSON
  Later<Outcome> integrations;                         ///< how those are whom the gateway calls
  Later<Outcome> reload;

  /// What is done with the JSON that was sent.
  using Command = std::function<void(const std::string&, std::function<void(Outcome)>)>;
  Command explain;  ///< tells what would happen to the request that it describes
  Command revoke;   ///< takes back the credential that it describes
  Command purge;    ///< forgets the answers of others that it describes
};

/// Which endpoints an address offers.
enum class Surface {
  Admin,   ///< everything; a foreign `Host` (DNS rebinding) and any `Origin` are refused with 403
  Health,  ///< only /healthz, /readyz and /metrics, for probes and scrapers that come by any name
};

/// A small HTTP server for operators, on the thread of `io`. Never on a public listener.
///
/// With a token every request to Surface::Admin must carry it, and with none all but those to a loopback address or a
/// unix socket are refused (401); a POST must be JSON (415). Heads over 8 KiB,
/// bodies over 64 KiB and slow peers (10 s) are turned away, at most 64 connections.
class AdminServer {
 public:
  /// Listens at once. An address in use is an error in words.
  static base::OrMessage<std::unique_ptr<AdminServer>> open(boost::asio::io_context& io, const config::Address& address,
                                                            Surface surface, Actions actions);
  virtual ~AdminServer() = default;

  /// Where it listens, with the port that the system chose where the configuration said 0.
  virtual config::Address local_address() const = 0;

  /// Closes the listening socket and every connection.
  virtual void close() = 0;
};

}  // namespace sidegate::admin
