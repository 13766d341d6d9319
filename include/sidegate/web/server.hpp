#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/web/message.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sidegate::web {

/// What one server takes from its clients.
struct ServerLimits {
  std::uint32_t head_bytes_max = 8 * 1024;    ///< 431
  std::size_t body_bytes_max = 0;             ///< 413
  std::size_t connections_max = 64;           ///< more wait in the listening socket's queue until one ends
  std::chrono::milliseconds timeout{10'000};  ///< for a head from the end of the last answer, a body, an answer: closed
};

/// A listening socket and the connections that came from it, on the thread of `io`.
///
/// Create, close and destroy it on that thread, or while nothing runs `io`. Once it is closed the handler is not called
/// again, and what an earlier call still answers is dropped.
class Server {
 public:
  /// The mode of a unix socket: its group may connect.
  static constexpr unsigned kSocketMode = 0660;

  /// Listens at once; what prevents it is said in words. A `[::]` takes both families. A unix socket's file that nobody
  /// answers on is replaced.
  static base::OrMessage<std::unique_ptr<Server>> open(boost::asio::io_context& io, const config::Address& address,
                                                       const ServerLimits& limits, Handler handler);
  virtual ~Server() = default;

  /// Where it listens, with the port that the system chose where `address` said 0.
  virtual const config::Address& local_address() const noexcept = 0;

  /// Closes the listening socket and every connection, and removes a unix socket's file. May be called twice.
  virtual void close() = 0;
};

}  // namespace sidegate::web
