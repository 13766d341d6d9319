#include <sidegate/net/stream_socket.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace sidegate::net {

SendResult send_now(StreamSocket& socket, std::span<const iovec> slices) noexcept {
  msghdr message{};
  // sendmsg only reads through these; the C interface has no const.
  message.msg_iov = const_cast<iovec*>(slices.data());
  message.msg_iovlen = slices.size();
  while (true) {
    const ssize_t sent = ::sendmsg(socket.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return {SendStatus::Sent, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {SendStatus::WouldBlock, 0};
    return {SendStatus::Failed, 0};
  }
}

bool is_quiet(StreamSocket& socket) noexcept {
  char byte = 0;
  const ssize_t came = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return came < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void prepare(StreamSocket& socket) noexcept {
  boost::system::error_code ignored;
  socket.native_non_blocking(true, ignored);
  const int on = 1;
  // Fails on a unix socket, which has no such delay.
  static_cast<void>(::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

}  // namespace sidegate::net
