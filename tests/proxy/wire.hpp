#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <functional>
#include <mutex>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// What tests of the proxy need on either side of it: plain blocking sockets, on which every wait ends.
namespace sidegate::proxy {

inline constexpr int kPatienceMilliseconds = 20'000;

/// How a connection ended, or that it has not.
enum class End { Open, Closed, Reset };

inline std::ostream& operator<<(std::ostream& out, End end) {
  return out << (end == End::Open ? "open" : end == End::Closed ? "closed" : "reset");
}

/// A message as it came over a wire, its chunks undone.
struct Message {
  std::string start;  ///< the request or status line
  std::vector<std::pair<std::string, std::string>> fields;
  std::string head;  ///< as it came
  std::string body;
  std::string trailers;  ///< as they came, without the empty line
  bool whole = false;    ///< false: the connection ended first
  End end = End::Open;

  unsigned status() const { return start.size() < 12 ? 0 : static_cast<unsigned>(std::stoul(start.substr(9, 3))); }

  /// The only field of that name; empty where there is none or several.
  std::string field(const std::string& name) const {
    std::string found;
    int count = 0;
    for (const auto& [key, value] : fields) {
      if (::strcasecmp(key.c_str(), name.c_str()) != 0) continue;
      found = value;
      ++count;
    }
    return count == 1 ? found : std::string();
  }
};

/// One end of a connection.
class Wire {
 public:
  explicit Wire(int descriptor) : descriptor_(descriptor) {
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{kPatienceMilliseconds / 1000, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  explicit Wire(std::uint16_t port, int receive_bytes = 0) : Wire(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_bytes > 0) ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("nobody listens there");
    }
  }
  Wire(Wire&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), pending_(std::move(other.pending_)), end_(other.end_) {}
  Wire& operator=(Wire&&) = delete;
  ~Wire() { close(); }

  /// False where the other side takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Sends a byte that is no part of the message (RFC 9293 section 3.8.5).
  void send_urgent() { ::send(descriptor_, "!", 1, MSG_NOSIGNAL | MSG_OOB); }

  /// Sends what the other side takes now, perhaps nothing. False once the connection has ended.
  bool send_now(std::string_view bytes) {
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN;
  }

  /// Sends `x` until the other side takes no more for `milliseconds`; gives how many it took.
  std::size_t send_until_stuck(int milliseconds) {
    const std::string block(1 << 16, 'x');
    std::size_t sent = 0;
    while (writable_within(milliseconds)) {
      const auto more = ::send(descriptor_, block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (more <= 0) break;
      sent += static_cast<std::size_t>(more);
    }
    return sent;
  }

  /// Sends `x` that many times.
  bool send_filler(std::size_t size) {
    const std::string block(1 << 16, 'x');
    for (; size > block.size(); size -= block.size()) {
      if (!send(block)) return false;
    }
    return send(std::string_view(block).substr(0, size));
  }

  /// Waits for more bytes; false where none come any more.
  bool read_more(int milliseconds = kPatienceMilliseconds) {
    if (end_ != End::Open || descriptor_ < 0 || !readable_within(milliseconds)) return false;
    char bytes[16 * 1024];
    const auto count = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (count > 0) {
      pending_.append(bytes, static_cast<std::size_t>(count));
      return true;
    }
    end_ = count == 0 ? End::Closed : End::Reset;
    return false;
  }

  bool readable_within(int milliseconds) {
    pollfd poll{descriptor_, POLLIN, 0};
    return ::poll(&poll, 1, milliseconds) == 1;
  }
  bool writable_within(int milliseconds) {
    pollfd poll{descriptor_, POLLOUT, 0};
    return ::poll(&poll, 1, milliseconds) == 1;
  }

  /// Exactly `size` bytes, or fewer where the connection ended.
  std::string read(std::size_t size) {
    while (pending_.size() < size && read_more()) {
    }
    const auto taken = pending_.substr(0, size);
    pending_.erase(0, taken.size());
    return taken;
  }

  /// Everything up to the end of the connection; `end()` says how it ended.
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(pending_, {});
  }

  /// A request; without a length it has no body.
  Message read_request() { return read_message(false, false); }

  /// An answer; `bodiless` for those that have no body whatever they say (to HEAD, 204, 304, 1xx).
  Message read_answer(bool bodiless = false) { return read_message(true, bodiless); }

  /// Waits until the other side has ended the connection, and reads nothing: a client that is stuck stays so. Whether
  /// it has.
  bool wait_for_end() {
    if (end_ != End::Open) return true;
    pollfd poll{descriptor_, POLLRDHUP, 0};
    return ::poll(&poll, 1, kPatienceMilliseconds) == 1;
  }

  End end() const noexcept { return end_; }
  const std::string& pending() const noexcept { return pending_; }

  void close() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  void reset() noexcept {
    const struct linger hard { 1, 0 };
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void finish_sending() noexcept { ::shutdown(descriptor_, SHUT_WR); }

 private:
  /// The bytes up to the next `mark` and with it; false where the connection ended first.
  bool read_past(std::string_view mark, std::string& out) {
    std::size_t at = 0;
    while ((at = pending_.find(mark)) == std::string::npos) {
      if (!read_more()) return false;
    }
    out = pending_.substr(0, at + mark.size());
    pending_.erase(0, out.size());
    return true;
  }

  Message read_message(bool is_answer, bool bodiless) {
    Message message;
    message.whole = read_head(message) && (bodiless || read_body(is_answer, message));
    message.end = end_;
    return message;
  }

  bool read_head(Message& message) {
    if (!read_past("\r\n\r\n", message.head)) return false;
    std::string_view rest = message.head;
    message.start = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(message.start.size() + 2);
    while (!rest.starts_with("\r\n")) {
      const auto line = rest.substr(0, rest.find("\r\n"));
      const auto colon = line.find(": ");
      message.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      rest.remove_prefix(line.size() + 2);
    }
    return true;
  }

  bool read_body(bool is_answer, Message& message) {
    if (message.field("Transfer-Encoding") == "chunked") return read_chunks(message);
    if (const auto length = message.field("Content-Length"); !length.empty()) {
      message.body = read(std::stoul(length));
      return message.body.size() == std::stoul(length);
    }
    if (!is_answer) return true;
    message.body = read_to_end();
    return end_ == End::Closed;
  }

  bool read_chunks(Message& message) {
    std::string line;
    while (read_past("\r\n", line)) {
      std::size_t size = 0;
      std::from_chars(line.data(), line.data() + line.size(), size, 16);
      if (size == 0) {
        while (read_past("\r\n", line)) {
          if (line == "\r\n") return true;
          message.trailers += line;
        }
        return false;
      }
      const auto data = read(size + 2);
      if (data.size() != size + 2) {
        message.body += data.substr(0, size);
        return false;
      }
      message.body += data.substr(0, size);
    }
    return false;
  }

  int descriptor_;
  std::string pending_;
  End end_ = End::Open;
};

/// A server that does with each of its connections what a script says, each on a thread of its own. End the proxy
/// first: whatever a script waits for then ends too.
class ScriptedOrigin {
 public:
  using Script = std::function<void(Wire&)>;

  /// Whether the system takes much that nobody has read yet, or hardly anything.
  enum class Takes { Much, Little };

  explicit ScriptedOrigin(Script script, Takes takes = Takes::Much)
      : script_(std::move(script)), listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (takes == Takes::Little) {
      const int segment_bytes = 88;
      const int buffer_bytes = 2304;
      ::setsockopt(listening_, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof segment_bytes);
      ::setsockopt(listening_, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listening_, 128) != 0 ||
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      throw std::runtime_error("no port for an origin");
    }
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept(); });
  }
  ScriptedOrigin(const ScriptedOrigin&) = delete;
  ScriptedOrigin& operator=(const ScriptedOrigin&) = delete;
  ~ScriptedOrigin() {
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    ::close(listening_);
    for (auto& thread : threads_) thread.join();
  }

  std::uint16_t port() const noexcept { return port_; }

  /// How many connections there have been.
  std::size_t connections() {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }

 private:
  void accept() {
    while (true) {
      const int descriptor = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (descriptor < 0) return;
      const std::lock_guard lock(mutex_);
      threads_.emplace_back([this, descriptor] {
        Wire wire(descriptor);
        script_(wire);
      });
    }
  }

  Script script_;
  int listening_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace sidegate::proxy
