#include <sidegate/net/stream_socket.hpp>
#include <sidegate/net/wake_call.hpp>

#include <gtest/gtest.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>

namespace sidegate::net {
namespace {

boost::asio::awaitable<void, Executor> count(WakeCall& call, int& calls, int times) {
  for (int i = 0; i < times; ++i) {
    co_await call.wait();
    ++calls;
  }
}

TEST(WakeCall, WhoWaitsGoesOnWithinTheCallAndMayWaitAgain) {
  boost::asio::io_context io;
  WakeCall call;
  int calls = 0;
  call.ring();  // for nobody
  boost::asio::co_spawn(io, count(call, calls, 2), boost::asio::detached);
  io.poll();
  EXPECT_EQ(calls, 0);
  call.ring();
  EXPECT_EQ(calls, 1);
  call.ring();
  EXPECT_EQ(calls, 2);
  call.ring();
  EXPECT_EQ(calls, 2);
}

boost::asio::awaitable<void, Executor> hold(WakeCall& call, std::shared_ptr<int> held) {
  co_await call.wait();
  ++*held;
}

TEST(WakeCall, WhoStillWaitsIsDestroyedWithIt) {
  boost::asio::io_context io;
  const auto held = std::make_shared<int>(0);
  {
    WakeCall call;
    boost::asio::co_spawn(io, hold(call, held), boost::asio::detached);
    io.poll();
    EXPECT_GT(held.use_count(), 1);
  }
  io.restart();
  io.poll();  // where the coroutine is unwound
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0);
}

}  // namespace
}  // namespace sidegate::net
