#pragma once

#include <sidegate/net/stream_socket.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/wait_traits.hpp>

#include <chrono>

namespace sidegate::proxy {

/// Lets coroutines wait for one another on the same thread. A notification that nobody waits for is lost, so whoever
/// waits looks at the state first.
class Signal {
 public:
  explicit Signal(const net::Executor& executor) : timer_(executor, std::chrono::steady_clock::time_point::max()) {}

  boost::asio::awaitable<void, net::Executor> wait() {
    co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::deferred));
  }

  void notify() { timer_.cancel(); }

 private:
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    net::Executor>
      timer_;
};

}  // namespace sidegate::proxy
