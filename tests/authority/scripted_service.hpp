#pragma once

#include "certificates.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sidegate::authority {

/// What a scripted service has received.
struct Received {
  std::string head;
  std::string body;
  std::size_t connection;  ///< counted from 0
  std::size_t nth;         ///< request on it, counted from 0

  std::string method() const { return head.substr(0, head.find(' ')); }
  std::string target() const {
    const auto start = head.find(' ') + 1;
    return head.substr(start, head.find(' ', start) - start);
  }
  /// The value of the field; empty where there is none.
  std::string field(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
  }
};

/// What it does about it: sends these bytes, and then that.
struct Reaction {
  enum class Then { Stay, Close, Reset, Hang };

  std::string bytes{};
  Then then = Then::Stay;
  std::function<std::string()> later{};  ///< what it sends besides, whenever that is known
};

/// A whole answer that leaves the connection open.
inline Reaction respond(unsigned status, const std::string& body = {}, const std::string& fields = {}) {
  return {"HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
          "\r\n\r\n" + body};
}
inline Reaction respond_json(const std::string& body, const std::string& fields = {}) {
  return respond(200, body, "Content-Type: application/json\r\n" + fields);
}
inline Reaction hang_up() {
  return {{}, Reaction::Then::Close};
}
inline Reaction say_nothing() {
  return {{}, Reaction::Then::Hang};
}

/// A service on 127.0.0.1 that keeps its connections and reacts as a test wants it. A connection has a thread of its
/// own; every wait ends after ten seconds, or when the service stops.
class ScriptedService {
 public:
  using Script = std::function<Reaction(const Received&)>;

  explicit ScriptedService(Script script = {}, const Certificate* certificate = nullptr,
                           const Certificate* client_ca = nullptr)
      : script_(std::move(script)) {
    std::signal(SIGPIPE, SIG_IGN);
    if (certificate != nullptr) {
      tls_.reset(SSL_CTX_new(TLS_server_method()));
      SSL_CTX_use_certificate(tls_.get(), certificate->certificate.get());
      SSL_CTX_use_PrivateKey(tls_.get(), certificate->key.get());
    }
    if (client_ca != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(tls_.get()), client_ca->certificate.get());
      SSL_CTX_set_verify(tls_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    start();
  }
  ScriptedService(const ScriptedService&) = delete;
  ScriptedService& operator=(const ScriptedService&) = delete;
  ~ScriptedService() { stop(); }

  /// Nobody is let in any more.
  void stop_listening() {
    if (stopping_.exchange(true)) return;
    acceptor_.join();
    ::close(listener_);
  }

  /// Goes away: connections end, and nobody listens.
  void stop() {
    stop_listening();
    {
      const std::lock_guard lock(mutex_);
      for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
    }
    for (auto& thread : conversations_) thread.join();
    conversations_.clear();
  }

  /// Comes back at the same place.
  void restart() {
    stop();
    stopping_ = false;
    start();
  }

  /// Ends the connections that there are.
  void drop_connections() {
    const std::lock_guard lock(mutex_);
    for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
  }

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/validate", const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ':' + std::to_string(port_) + path;
  }

  /// What is done with every request from now on.
  void script(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }

  /// How many requests came. Each has its script by then, and may still be waiting for what that does.
  std::size_t asked() const { return asked_; }
  std::size_t connections() const { return connections_; }
  /// How many there were at most at the same time.
  std::size_t connections_max() const { return connections_max_; }
  std::size_t open_connections() {
    const std::lock_guard lock(mutex_);
    return open_.size();
  }

 private:
  void start() {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0) std::abort();
    ::listen(listener_, 128);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }

  void accept() {
    while (!stopping_) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      const int descriptor = ::accept(listener_, nullptr, nullptr);
      if (descriptor < 0) continue;
      const timeval timeout{10, 0};
      ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
      const std::lock_guard lock(mutex_);
      open_.push_back(descriptor);
      if (open_.size() > connections_max_) connections_max_ = open_.size();
      conversations_.emplace_back([this, descriptor, nth = connections_++] { converse(descriptor, nth); });
    }
  }

  void converse(int descriptor, std::size_t connection) {
    {
      std::unique_ptr<SSL, decltype(&SSL_free)> tls(tls_ ? SSL_new(tls_.get()) : nullptr, &SSL_free);
      if (tls) SSL_set_fd(tls.get(), descriptor);
      if (!tls || SSL_accept(tls.get()) == 1) serve(descriptor, tls.get(), connection);
      ERR_clear_error();
    }
    const std::lock_guard lock(mutex_);
    open_.remove(descriptor);
    ::close(descriptor);
  }

  void serve(int descriptor, SSL* tls, std::size_t connection) {
    Received received{{}, {}, connection, 0};
    while (receive(descriptor, tls, received)) {
      const auto reaction = script_for_next()(received);
      if (!send(descriptor, tls, reaction.bytes)) return;
      if (reaction.later && !send(descriptor, tls, reaction.later())) return;
      if (reaction.then == Reaction::Then::Close) return;
      if (reaction.then == Reaction::Then::Reset) {
        const linger now{1, 0};
        ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return;
      }
      if (reaction.then == Reaction::Then::Hang) {
        char byte = 0;
        while (read(descriptor, tls, &byte, 1) > 0) {
        }
        return;
      }
      ++received.nth;
    }
  }

  static int read(int descriptor, SSL* tls, char* bytes, std::size_t size) {
    return tls != nullptr ? SSL_read(tls, bytes, static_cast<int>(size))
                          : static_cast<int>(::recv(descriptor, bytes, size, 0));
  }

  static bool receive(int descriptor, SSL* tls, Received& received) {
    std::string bytes;
    char piece[4096];
    std::size_t end = 0;
    while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
      const int count = read(descriptor, tls, piece, sizeof piece);
      if (count <= 0) return false;
      bytes.append(piece, static_cast<std::size_t>(count));
    }
    received.head = bytes.substr(0, end + 2);
    received.body = bytes.substr(end + 4);
    const auto length = received.field("Content-Length");
    const auto wanted = length.empty() ? 0 : std::stoul(length);
    while (received.body.size() < wanted) {
      const int count = read(descriptor, tls, piece, sizeof piece);
      if (count <= 0) return false;
      received.body.append(piece, static_cast<std::size_t>(count));
    }
    return true;
  }

  static bool send(int descriptor, SSL* tls, std::string_view bytes) {
    while (!bytes.empty()) {
      const int size = static_cast<int>(bytes.size());
      const auto sent = tls != nullptr ? SSL_write(tls, bytes.data(), size)
                                       : static_cast<int>(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  Script script_for_next() {
    const std::lock_guard lock(mutex_);
    ++asked_;
    return script_;
  }

  std::mutex mutex_;
  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{nullptr, &SSL_CTX_free};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> asked_{0};
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> connections_max_{0};
  std::list<int> open_;
  std::vector<std::thread> conversations_;
  std::thread acceptor_;
};

}  // namespace sidegate::authority
