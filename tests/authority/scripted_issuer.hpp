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
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sidegate::authority {

/// Waits until `holds()`, for five seconds at most; whether it does.
template <class Condition>
bool eventually(Condition holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// One connection to a scripted issuer, on a thread of its own. Every wait ends after ten seconds.
class Conversation {
 public:
  Conversation(int descriptor, SSL_CTX* tls) : descriptor_(descriptor), tls_(tls ? SSL_new(tls) : nullptr, &SSL_free) {
    const timeval timeout{10, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// Reads the request, or the beginning of what is no HTTP; false where nothing comes.
  bool receive() {
    if (tls_) {
      SSL_set_fd(tls_.get(), descriptor_);
      if (SSL_accept(tls_.get()) != 1) {
        ERR_clear_error();
        return false;
      }
    }
    char bytes[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const int count = read(bytes, sizeof bytes);
      if (count <= 0) return false;
      request.append(bytes, static_cast<std::size_t>(count));
      if (!request.starts_with("GET ")) break;
    }
    return true;
  }

  /// Whether the other side took it.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int size = static_cast<int>(bytes.size());
      const auto sent = tls_ ? SSL_write(tls_.get(), bytes.data(), size)
                             : static_cast<int>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Ends the connection as TLS wants it.
  void say_goodbye() {
    if (tls_) SSL_shutdown(tls_.get());
  }

  /// Returns when the other side goes away, or the issuer stops.
  void hang() {
    char byte = 0;
    while (read(&byte, 1) > 0) {
    }
  }

  /// The connection is to break, not to end.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

  /// The path and query that are asked for.
  std::string target() const {
    const auto start = request.find(' ') + 1;
    return request.substr(start, request.find(' ', start) - start);
  }

  std::string request;

 private:
  int read(char* bytes, std::size_t size) {
    return tls_ ? SSL_read(tls_.get(), bytes, static_cast<int>(size))
                : static_cast<int>(::recv(descriptor_, bytes, size, 0));
  }

  int descriptor_;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
};

/// An issuer on 127.0.0.1 that answers as a test wants it.
class ScriptedIssuer {
 public:
  using Script = std::function<void(Conversation&)>;

  explicit ScriptedIssuer(Script script = {}, const Certificate* certificate = nullptr)
      : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    std::signal(SIGPIPE, SIG_IGN);
    if (certificate != nullptr) {
      tls_.reset(SSL_CTX_new(TLS_server_method()));
      SSL_CTX_use_certificate(tls_.get(), certificate->certificate.get());
      SSL_CTX_use_PrivateKey(tls_.get(), certificate->key.get());
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ScriptedIssuer(const ScriptedIssuer&) = delete;
  ScriptedIssuer& operator=(const ScriptedIssuer&) = delete;
  ~ScriptedIssuer() {
    stopping_ = true;
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int descriptor : open_) ::shutdown(descriptor, SHUT_RDWR);
    }
    for (auto& thread : conversations_) thread.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  /// `https://HOST:PORT/jwks`, or another path.
  std::string url(const std::string& path = "/jwks", const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ':' + std::to_string(port_) + path;
  }

  /// What is done with every request from now on.
  void script(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }

  /// How many requests came. Each has its script by then, and may still be waiting for what that does.
  std::size_t asked() {
    const std::lock_guard lock(mutex_);
    return came_.size();
  }
  bool was_asked(std::size_t times) {
    return eventually([&] { return asked() >= times; });
  }
  /// When the `nth` of them, counted from 0, came.
  std::chrono::steady_clock::time_point asked_at(std::size_t nth) {
    const std::lock_guard lock(mutex_);
    return came_.at(nth);
  }

 private:
  void accept() {
    while (!stopping_) {
      pollfd ready{listener_, POLLIN, 0};
      if (::poll(&ready, 1, 20) <= 0) continue;
      const int descriptor = ::accept(listener_, nullptr, nullptr);
      if (descriptor < 0) continue;
      const std::lock_guard lock(mutex_);
      open_.push_back(descriptor);
      conversations_.emplace_back([this, descriptor] { converse(descriptor); });
    }
  }

  void converse(int descriptor) {
    {
      Conversation conversation(descriptor, tls_.get());
      if (conversation.receive()) {
        script_for_next()(conversation);
      }
    }
    const std::lock_guard lock(mutex_);
    open_.remove(descriptor);
    ::close(descriptor);
  }

  Script script_for_next() {
    const std::lock_guard lock(mutex_);
    came_.push_back(std::chrono::steady_clock::now());
    return script_;
  }

  std::mutex mutex_;
  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls_{nullptr, &SSL_CTX_free};
  std::atomic<bool> stopping_{false};
  std::vector<std::chrono::steady_clock::time_point> came_;
  std::list<int> open_;
  std::vector<std::thread> conversations_;
  std::thread acceptor_;
};

/// A whole answer 200 with more field lines, each ended by CRLF.
inline std::string answer_with(const std::string& body, const std::string& fields = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline ScriptedIssuer::Script always(const std::string& bytes) {
  return [bytes](Conversation& conversation) { conversation.send(bytes); };
}

inline void hang(Conversation& conversation) {
  conversation.hang();
}

}  // namespace sidegate::authority
