// The floor of the comparison: what a user-space proxy costs before it does anything for HTTP. Every client connection
// has a connection to the origin of its own, and bytes go from one to the other; nothing is parsed, kept or logged.
// Sockets are registered once, edge-triggered, so that a request is two receives, two sends and a share of an
// epoll_wait.
//
//   floor_relay PORT ORIGIN_PORT       both of 127.0.0.1

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

struct Pair;

// One of the two sockets, and what was received from it that the other has not taken yet.
struct End {
  Pair* pair = nullptr;
  End* other = nullptr;
  int socket = -1;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::array<char, 64 * 1024> buffer;
};

// It ends as a whole when either side does.
struct Pair {
  Pair(int client_socket, int origin_socket) {
    client.socket = client_socket;
    origin.socket = origin_socket;
    client.pair = origin.pair = this;
    client.other = &origin;
    origin.other = &client;
  }

  End client;
  End origin;
  bool over = false;
};

// Moves what there is, until the source has no more or the other side takes no more; false when the pair is over. A
// receive that does not fill the buffer has emptied the socket, unless the socket has ended: then zero comes after it.
bool move_bytes(End& source, bool has_ended) {
  for (;;) {
    while (source.begin < source.end) {
      const ssize_t sent = send(source.other->socket, source.buffer.data() + source.begin, source.end - source.begin,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) return errno == EAGAIN;
      source.begin += static_cast<std::size_t>(sent);
    }
    const bool was_short = source.end > 0 && source.end < source.buffer.size();
    source.begin = source.end = 0;
    if (was_short && !has_ended) return true;
    const ssize_t received = recv(source.socket, source.buffer.data(), source.buffer.size(), MSG_DONTWAIT);
    if (received < 0) return errno == EAGAIN;
    if (received == 0) return false;
    source.end = static_cast<std::size_t>(received);
  }
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_on(const sockaddr_in& address) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("bind");
  if (listen(socket, 4096) != 0) give_up("listen");
  return socket;
}

void watch(int epoll, End& end) {
  const int on = 1;
  setsockopt(end.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &end}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, end.socket, &event) != 0) give_up("epoll_ctl");
}

// Connecting may block: the origin is on the same machine, and answers at once.
void accept_all(int listener, const sockaddr_in& origin_address, int epoll) {
  for (int client; (client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    const int origin = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(origin, reinterpret_cast<const sockaddr*>(&origin_address), sizeof origin_address) != 0) {
      close(origin);
      close(client);
      continue;
    }
    auto* pair = new Pair(client, origin);
    watch(epoll, pair->client);
    watch(epoll, pair->origin);
  }
}

// Room for more goes to what the other side was owed; then comes what this side has sent.
bool serve(End& end, std::uint32_t events) {
  const bool has_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if ((events & EPOLLOUT) != 0 && end.other->begin < end.other->end && !move_bytes(*end.other, false)) return false;
  return (events & EPOLLIN) == 0 || move_bytes(end, has_ended);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: floor_relay PORT ORIGIN_PORT\n", stderr);
    return 2;
  }
  const sockaddr_in origin_address = loopback(argv[2]);
  const int listener = listen_on(loopback(argv[1]));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event accepting{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &accepting) != 0) give_up("epoll_ctl");

  std::array<epoll_event, 256> events;
  std::vector<std::unique_ptr<Pair>> over;  // freed after the events of one wait, some of which may still name them
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* end = static_cast<End*>(events[i].data.ptr);
      if (end == nullptr) {
        accept_all(listener, origin_address, epoll);
      } else if (!end->pair->over && !serve(*end, events[i].events)) {
        end->pair->over = true;
        close(end->socket);
        close(end->other->socket);
        over.emplace_back(end->pair);
      }
    }
    over.clear();
  }
}
