#pragma once

#include <sidegate/net/deadline_wheel.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/net/stream_socket.hpp>

#include <cstdint>
#include <memory>

namespace sidegate::origin {

class Pool;
struct ServerState;

/// One connection to a server. It belongs to the pool while idle, and to one exchange while in use; whoever reads it
/// holds a `shared_ptr` for as long. Lives on one worker's thread.
class Connection final : public net::Deadline {
 public:
  Connection(Pool& pool, ServerState& server, net::StreamSocket socket, net::ReadBuffer buffer);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  net::StreamSocket& socket() noexcept { return socket_; }
  net::ReadBuffer& buffer() noexcept { return buffer_; }
  const ServerState& server() const noexcept { return *server_; }

  /// Whoever has an exchange on it; null while it is idle. The pool never looks inside.
  void* user = nullptr;

  /// Whether it has carried an exchange before this one. A failure before the first byte of an answer then says only
  /// that the server had closed it (RFC 9112 section 9.3.1).
  bool reused() const noexcept { return exchanges_ > 1; }

  bool is_open() const noexcept { return socket_.is_open(); }

  /// It is idle from now on, its buffer empty: a server that has nothing to answer has nothing to say.
  void expect_silence() noexcept;

  /// Whether nothing has come since, not even the end of the connection, neither into the buffer nor into the socket.
  bool is_silent() noexcept;

  /// Closes the socket; whoever waits on it is woken with an error. From then on it counts as open no more.
  void close() noexcept;

 private:
  friend class Pool;
  static constexpr char kSilence = '\xFF';

  void on_deadline() override;

  std::shared_ptr<Pool> pool_;  ///< a pool that is drained lets go of its idle connections, and so of itself
  ServerState* server_;
  net::StreamSocket socket_;
  net::ReadBuffer buffer_;
  std::uint64_t exchanges_ = 0;
  bool counted_ = true;  ///< among the server's open ones
};

using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace sidegate::origin
