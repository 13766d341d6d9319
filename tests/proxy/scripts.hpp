#pragma once

#include <charconv>
#include <chrono>
#include <future>
#include <string>
#include <string_view>
#include <utility>

#include "wire.hpp"

namespace sidegate::proxy {

inline constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: h.example\r\n\r\n";
inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers every request with the same bytes.
inline ScriptedOrigin::Script answering(std::string answer) {
  return [answer = std::move(answer)](Wire& wire) {
    while (wire.read_request().whole && wire.send(answer)) {
    }
  };
}

/// Answers the first request with these bytes, and closes.
inline ScriptedOrigin::Script answering_once(std::string answer) {
  return [answer = std::move(answer)](Wire& wire) {
    if (wire.read_request().whole) wire.send(answer);
  };
}

/// Answers every request with its own body, and says how it was framed.
inline ScriptedOrigin::Script echoing() {
  return [](Wire& wire) {
    while (true) {
      const Message request = wire.read_request();
      if (!request.whole) return;
      std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
      answer += "X-Framing: " + request.field("Content-Length") + request.field("Transfer-Encoding") + "\r\n";
      if (!wire.send(answer + "\r\n" + request.body)) return;
    }
  };
}

/// Something that happens once, and that another thread waits for.
class Event {
 public:
  void set() { promise_.set_value(); }
  /// False where it did not happen in time.
  bool wait(int milliseconds = kPatienceMilliseconds) {
    return future_.wait_for(std::chrono::milliseconds(milliseconds)) == std::future_status::ready;
  }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

inline std::string chunk(std::string_view data) {
  char size[20];
  const auto end = std::to_chars(size, size + sizeof size, data.size(), 16).ptr;
  return std::string(size, end) + "\r\n" + std::string(data) + "\r\n";
}

inline std::string post(std::string_view body) {
  return "POST /x HTTP/1.1\r\nHost: h.example\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace sidegate::proxy
