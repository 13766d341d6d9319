// Sends one request after the other at a fixed rate to a port of 127.0.0.1, and prints for each how many nanoseconds
// after the moment it was due its answer was whole. A request that finds no connection free waits for one, and its
// clock runs: so a server that stalls is charged for all that came meanwhile.
//
//   open_loop PORT REQUESTS_PER_SECOND SECONDS CONNECTIONS <REQUEST
//
// h2load --rps would not do: it wakes each connection every 10 ms at most and all of them together, so that requests
// come in bursts that wait for each other, and it counts from the sending.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

[[noreturn]] void give_up(std::string_view what) {
  std::cerr << what << '\n';
  std::exit(1);
}

// The bytes of the whole answer, once its head is there; zero before.
std::size_t length_of(std::string_view answer) {
  const std::size_t end_of_head = answer.find("\r\n\r\n");
  if (end_of_head == std::string_view::npos) return 0;
  if (!answer.starts_with("HTTP/1.1 200 "))
    give_up("not answered with 200: " + std::string(answer.substr(0, end_of_head)));
  constexpr std::string_view kName = "\r\ncontent-length:";
  for (std::size_t at = 0; at < end_of_head; at = answer.find("\r\n", at + 2)) {
    if (strncasecmp(answer.data() + at, kName.data(), kName.size()) != 0) continue;
    const char* first = answer.data() + answer.find_first_not_of(' ', at + kName.size());
    std::size_t body = 0;
    std::from_chars(first, answer.data() + end_of_head, body);
    return end_of_head + 4 + body;
  }
  give_up("an answer without a length");
}

struct Connection {
  int socket = -1;
  Clock::time_point due{};  // of the request under way
  std::string answer;

  void send_request(std::string_view request, Clock::time_point moment) {
    due = moment;
    answer.clear();
    if (send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
      give_up("a request was not taken at once");
    }
  }

  // Whether the answer is whole now.
  bool receive() {
    std::array<char, 16 * 1024> buffer;
    const ssize_t received = recv(socket, buffer.data(), buffer.size(), 0);
    if (received <= 0) give_up("a connection ended");
    answer.append(buffer.data(), static_cast<std::size_t>(received));
    const std::size_t whole = length_of(answer);
    return whole != 0 && answer.size() >= whole;
  }
};

int connect_to(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("cannot connect");
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

timespec as_timespec(nanoseconds wait) {
  return {.tv_sec = wait.count() / 1'000'000'000, .tv_nsec = wait.count() % 1'000'000'000};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) give_up("usage: open_loop PORT REQUESTS_PER_SECOND SECONDS CONNECTIONS <REQUEST");
  const int port = std::atoi(argv[1]);
  const nanoseconds interval{1'000'000'000 / std::atoi(argv[2])};
  const std::chrono::seconds duration{std::atoi(argv[3])};
  const auto total = static_cast<std::size_t>(duration / interval);
  const std::string request{std::istreambuf_iterator<char>(std::cin), {}};

  prctl(PR_SET_TIMERSLACK, 1);  // the usual 50 µs would be in every latency
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(static_cast<std::size_t>(std::atoi(argv[4])));
  std::deque<Connection*> idle;
  for (Connection& each : connections) {
    each.socket = connect_to(port);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &each}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, each.socket, &event) != 0) give_up("epoll_ctl");
    idle.push_back(&each);
  }

  std::vector<nanoseconds> latencies;
  latencies.reserve(total);
  const auto start = Clock::now();
  const auto end = start + interval * static_cast<std::int64_t>(total);
  const auto latest_end = end + std::chrono::seconds{5};
  auto due = start;
  while (latencies.size() < total) {
    auto now = Clock::now();
    if (now > latest_end) give_up("the rate is more than the server can do");
    for (; due < end && due <= now && !idle.empty(); due += interval, now = Clock::now()) {
      idle.front()->send_request(request, due);
      idle.pop_front();
    }
    const auto wake_up = due < end && !idle.empty() ? due : latest_end;
    const timespec wait = as_timespec(std::max(wake_up - now, nanoseconds{0}));
    std::array<epoll_event, 64> events;
    const int count = epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()), &wait, nullptr);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[i].data.ptr);
      if (!connection->receive()) continue;
      latencies.push_back(Clock::now() - connection->due);
      idle.push_back(connection);
    }
  }
  for (const nanoseconds each : latencies) std::cout << each.count() << '\n';
}
