#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace sidegate::net {

/// The executor of one worker's loop, concrete so that nothing is type-erased on the hot path.
using Executor = boost::asio::io_context::executor_type;

/// A connected socket, TCP or unix alike.
using StreamSocket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;

enum class SendStatus { Sent, WouldBlock, Failed };

struct SendResult {
  SendStatus status;
  std::size_t bytes;  ///< how many went out, fewer than offered where the socket is full
};

/// Sends what the socket takes now, in one system call, and never waits: most messages fit, and need no trip through
/// the event loop.
SendResult send_now(StreamSocket& socket, std::span<const iovec> slices) noexcept;

/// Whether nothing has come that was not read yet, not even the end of the connection: one system call, no waiting.
bool is_quiet(StreamSocket& socket) noexcept;

/// What every connection wants: not blocking, and no delay of small writes (RFC 9293 section 3.7.4, Nagle) on TCP.
void prepare(StreamSocket& socket) noexcept;

}  // namespace sidegate::net
