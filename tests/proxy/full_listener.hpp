#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

namespace sidegate::proxy {

/// A listener that can be made to let nobody in: its queue is full then, and the system drops what else comes.
class FullListener {
 public:
  FullListener() : listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address_;
    ::bind(listening_, reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
    ::listen(listening_, 0);
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address_), &length);
  }
  FullListener(const FullListener&) = delete;
  FullListener& operator=(const FullListener&) = delete;
  ~FullListener() {
    drop_fillers();
    ::close(listening_);
  }

  std::uint16_t port() const { return ntohs(address_.sin_port); }

  void fill() {
    bool full = false;
    while (!full && fillers_.size() < 16) {
      fillers_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      ::connect(fillers_.back(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
      pollfd poll{fillers_.back(), POLLOUT, 0};
      full = ::poll(&poll, 1, 100) == 0;
    }
  }

  /// Makes room, and gives the first connection that is not one of our own.
  int accept() {
    const std::size_t count = fillers_.empty() ? 0 : fillers_.size() - 1;  // the last one was not let in
    drop_fillers();
    for (std::size_t i = 0; i < count; ++i) ::close(::accept(listening_, nullptr, nullptr));
    return ::accept(listening_, nullptr, nullptr);
  }

 private:
  void drop_fillers() {
    for (const int filler : fillers_) ::close(filler);
    fillers_.clear();
  }

  int listening_;
  sockaddr_in address_{};
  std::vector<int> fillers_;
};

}  // namespace sidegate::proxy
