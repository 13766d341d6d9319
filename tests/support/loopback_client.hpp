#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// What tests of servers need: a blocking client over plain sockets, and a thread for the server.
namespace sidegate::support {

/// An answer as it came over the wire.
struct Answer {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  std::vector<std::string> all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [field, value] : fields) {
      if (::strcasecmp(field.c_str(), std::string(name).c_str()) == 0) values.push_back(value);
    }
    return values;
  }
  /// The only field of that name; empty where there is none or several.
  std::string field(std::string_view name) const {
    const auto values = all(name);
    return values.size() == 1 ? values.front() : std::string();
  }
};

/// One blocking connection. Every wait ends after five seconds.
class LoopbackClient {
 public:
  explicit LoopbackClient(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  explicit LoopbackClient(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;
  ~LoopbackClient() { ::close(descriptor_); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the server does not take the bytes");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// The next answer; nothing where the connection ended first. `head_only` for the answer to HEAD.
  std::optional<Answer> receive(bool head_only = false) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive_more()) return std::nullopt;
    }
    Answer answer;
    parse_head(std::string_view(buffer_).substr(0, end), answer);
    buffer_.erase(0, end + 4);
    const auto length = answer.field("Content-Length");
    const std::size_t wanted = head_only || length.empty() ? 0 : std::stoul(length);
    while (buffer_.size() < wanted) {
      if (!receive_more()) return std::nullopt;
    }
    answer.body = buffer_.substr(0, wanted);
    buffer_.erase(0, wanted);
    return answer;
  }

  /// Sends a whole request and receives its answer.
  Answer ask(std::string_view request) {
    send(request);
    const auto answer = receive(request.starts_with("HEAD "));
    if (!answer) throw std::runtime_error("the connection ended without an answer");
    return *answer;
  }

  /// Whether the server closes the connection, with nothing more to say.
  bool at_end() { return buffer_.empty() && !receive_more(); }

  /// Whether something arrives within `milliseconds`.
  bool hears_within(int milliseconds) {
    set_timeout(milliseconds);
    const bool heard = !buffer_.empty() || receive_more();
    set_timeout(kTimeoutMilliseconds);
    return heard;
  }

 private:
  static constexpr int kTimeoutMilliseconds = 5000;

  void connect(const sockaddr* address, socklen_t length) {
    set_timeout(kTimeoutMilliseconds);
    if (::connect(descriptor_, address, length) != 0) throw std::runtime_error("nobody listens there");
  }

  void set_timeout(int milliseconds) {
    const timeval timeout{milliseconds / 1000, (milliseconds % 1000) * 1000};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  }

  bool receive_more() {
    char bytes[4096];
    const auto count = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  static void parse_head(std::string_view head, Answer& answer) {
    answer.status = static_cast<unsigned>(std::stoul(std::string(head.substr(head.find(' ') + 1, 3))));
    auto line_end = head.find("\r\n");
    while (line_end != std::string_view::npos) {
      head.remove_prefix(line_end + 2);
      line_end = head.find("\r\n");
      const auto line = head.substr(0, line_end);
      const auto colon = line.find(": ");
      answer.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
  }

  int descriptor_;
  std::string buffer_;
};

/// Runs an io_context on a thread of its own, until destroyed. Servers are made and destroyed through `call`.
class ServerThread {
 public:
  ServerThread() : work_(io_.get_executor()), thread_([this] { io_.run(); }) {}
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;
  ~ServerThread() {
    work_.reset();
    io_.stop();
    thread_.join();
  }

  boost::asio::io_context& io() noexcept { return io_; }

  /// Runs `task` on the thread, waits for it and gives back what it gave.
  template <class Task>
  auto call(Task task) {
    std::packaged_task<decltype(task())()> packaged(std::move(task));
    auto result = packaged.get_future();
    boost::asio::post(io_, [&] { packaged(); });
    return result.get();
  }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace sidegate::support
