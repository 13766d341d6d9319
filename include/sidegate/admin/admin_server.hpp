#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace sidegate::admin {

/// What the admin API can do, handed in by the application; the server knows no other part of the program.
///
/// `metrics` may take its time: it gets a callback, to be called once, on the server's thread.
struct Actions {
  std::function<bool()> ready;
  std::function<void(std::function<void(std::string)>)> metrics;
  std::function<std::string()> config;  ///< the effective configuration as YAML, secrets redacted
};

/// Which endpoints an address offers.
enum class Surface {
  Admin,   ///< everything; a foreign `Host` (DNS rebinding) and any `Origin` are refused with 403
  Health,  ///< only /healthz, /readyz and /metrics, for probes and scrapers that come by any name
};

/// A small HTTP server for operators, on the thread of `io`. Never on a public listener.
///
/// GET and HEAD only for now; heads over 8 KiB, bodies and slow peers (10 s) are turned away, at most 64 connections.
class AdminServer {
 public:
  /// Listens at once. An address in use or off loopback (for Surface::Admin) is an error in words.
  static base::OrMessage<std::unique_ptr<AdminServer>> open(boost::asio::io_context& io, const config::Address& address,
                                                            Surface surface, Actions actions);
  virtual ~AdminServer() = default;

  /// Where it listens, with the port that the system chose where the configuration said 0.
  virtual config::Address local_address() const = 0;

  /// Closes the listening socket and every connection.
  virtual void close() = 0;
};

}  // namespace sidegate::admin
