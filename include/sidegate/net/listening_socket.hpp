#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/net/stream_socket.hpp>

#include <sys/types.h>

#include <string>

namespace sidegate::net {

/// A socket that listens. All workers share it: each waits on its descriptor and takes what it can get.
class ListeningSocket {
 public:
  /// Opens, binds and listens. `[::]` takes both families. A unix socket gets `mode`; a socket file that nobody answers
  /// on any more is replaced. The error names the address and what the system said.
  static base::OrMessage<ListeningSocket> open(const config::Address& address, unsigned mode);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  /// Where it listens, with the port that the system chose where 0 was asked for.
  const config::Address& address() const noexcept { return address_; }

  /// Owned by this object: whoever waits on it lets go of it, and does not close it.
  int descriptor() const noexcept { return descriptor_; }

  /// A descriptor of its own for somebody who closes it; -1 where the process has none left.
  int duplicate() const;

  /// Gives a unix socket's file this mode; the message says what the system said.
  base::OrMessage<void> set_mode(unsigned mode);

  /// From now on nobody can connect any more; who has already can still be accepted.
  void refuse_new() noexcept;

  /// Stops listening and removes a unix socket's file.
  void close() noexcept;

 private:
  ListeningSocket(int descriptor, config::Address address, unsigned mode) noexcept;

  /// Whether what stands at a unix socket's path is still its own file.
  bool has_its_file() const noexcept;
  void remove_file() noexcept;

  int descriptor_ = -1;
  config::Address address_;
  unsigned mode_ = 0;  ///< of a unix socket's file, which is known by these two
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// The other end of a connection, as a caller is known by.
struct Peer {
  std::string ip;  ///< empty on a unix socket; an IPv4-mapped IPv6 address as plain IPv4
};

enum class AcceptStatus { Accepted, WouldBlock, Exhausted, Failed };

/// Takes one connection from the listening `descriptor` without waiting. Exhausted: the process or the system is out of
/// descriptors or memory, so trying again at once is of no use.
AcceptStatus accept_now(int descriptor, StreamSocket& socket, Peer& peer);

}  // namespace sidegate::net
