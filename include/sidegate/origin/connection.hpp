#pragma once

#include <sidegate/net/deadline_wheel.hpp>
#include <sidegate/net/read_buffer.hpp>
#include <sidegate/net/stream_socket.hpp>
#include <sidegate/net/wake_call.hpp>

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

  /// Whether the pool has it, and nobody is to read it until `woken`: to wait in the kernel for what ought not to come
  /// costs a system call, which a busy connection saves.
  bool is_asleep() const noexcept { return state_ == State::Asleep; }
  auto woken() noexcept { return wake_call_.wait(); }

  /// Closes the socket; whoever waits on it is woken with an error. From then on it counts as open no more.
  void close() noexcept;

 private:
  friend class Pool;
  enum class State : unsigned char {
    InUse,
    Asleep,   ///< idle, and not read
    Watched,  ///< idle for a while, and read, so that the server's closing is noticed
  };
  /// The first byte of the buffer while the connection is idle: no answer begins with it.
  static constexpr char kSilence = '\xFF';

  void on_deadline() override;
  void fall_asleep() noexcept;
  /// Has it read from now on. False where something has come already, if only its end, which whoever `may_retry` need
  /// not know.
  bool wake(bool may_retry) noexcept;

  std::shared_ptr<Pool> pool_;  ///< a pool that is drained lets go of its idle connections, and so of itself
  ServerState* server_;
  net::StreamSocket socket_;
  net::ReadBuffer buffer_;
  std::uint64_t exchanges_ = 0;
  bool counted_ = true;  ///< among the server's open ones
  State state_ = State::InUse;
  net::WakeCall wake_call_;
};

using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace sidegate::origin
