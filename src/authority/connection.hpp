#pragma once

#include "answer_reader.hpp"
#include "loop.hpp"

#include <sidegate/base/ip_address.hpp>
#include <sidegate/base/result.hpp>

#include <openssl/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sidegate::authority {

/// A connection to somebody who is asked, with TLS or without. It carries one request at a time, and may rest in
/// between.
///
/// Belongs to the thread of its loop. Whoever awaits something of it holds on to it; `close` ends whatever is awaited.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  static std::shared_ptr<Connection> create(boost::asio::io_context& io);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Task<base::OrMessage<void>> connect(const base::IpAddress& address, std::uint16_t port);

  /// Whoever answers must show a certificate for `host`.
  Task<base::OrMessage<void>> encrypt(SSL_CTX& settings, const std::string& host);

  /// Sends `request` and reads its answer. The request outlives that.
  Task<base::OrMessage<HttpAnswer>> converse(std::string_view request, std::size_t body_bytes_max);

  /// Of the last request: whether any of its answer came.
  bool has_answered() const noexcept;
  /// Whether another request may follow.
  bool may_be_reused() const noexcept;

  /// Waits for `wake`, at most that long. Where it ends, or something comes that nobody asked for, it closes, and
  /// `gone` is called.
  void rest(std::chrono::milliseconds patience, std::function<void()> gone);
  /// Ends the rest; whether it can still be used.
  Task<bool> wake();

  bool is_open() const noexcept;
  void close() noexcept;

 private:
  struct State;
  explicit Connection(boost::asio::io_context& io);

  void end_rest(bool undisturbed);

  std::unique_ptr<State> state_;
};

}  // namespace sidegate::authority
