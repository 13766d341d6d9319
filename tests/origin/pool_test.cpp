#include <sidegate/origin/pool.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::origin {
namespace {

using base::Reason;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// A server that the system lets callers connect to, though nobody takes the connections.
class Listener {
 public:
  explicit Listener(int backlog = 128) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address_;
    EXPECT_EQ(::bind(descriptor_, name(), sizeof address_), 0);
    EXPECT_EQ(::listen(descriptor_, backlog), 0);
    EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address_), &length), 0);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    for (const int filler : fillers_) ::close(filler);
    ::close(descriptor_);
  }

  std::uint16_t port() const { return ntohs(address_.sin_port); }
  int accept() const { return ::accept(descriptor_, nullptr, nullptr); }

  /// Fills its queue: the system then drops whoever comes.
  void fill() {
    bool full = false;
    while (!full && fillers_.size() < 16) {
      fillers_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      ::connect(fillers_.back(), name(), sizeof address_);
      pollfd poll{fillers_.back(), POLLOUT, 0};
      full = ::poll(&poll, 1, 100) == 0;
    }
    EXPECT_TRUE(full);
  }

 private:
  const sockaddr* name() const { return reinterpret_cast<const sockaddr*>(&address_); }

  int descriptor_;
  sockaddr_in address_{};
  std::vector<int> fillers_;
};

/// A port that nobody listens on.
std::uint16_t dead_port() {
  return Listener().port();
}

config::Address tcp(const std::string& host, std::uint16_t port) {
  return {config::Address::Kind::Tcp, host, port, {}};
}
config::Address local(std::uint16_t port) {
  return tcp("127.0.0.1", port);
}

using Attempt = std::optional<Result<ConnectionPtr>>;

boost::asio::awaitable<void, net::Executor> keep(Pool& pool, Attempt& out) {
  const ServerState* tried = nullptr;
  out.emplace(co_await pool.connect(tried));
}

class PoolTest : public testing::Test {
 protected:
  /// Makes the pool; `settings_` may have been changed before.
  Pool& open(const std::vector<config::Address>& servers) {
    for (const auto& address : servers) settings_.servers.push_back({"http://" + address.text(), address, {}});
    pool_ = std::make_shared<Pool>(settings_, io_.get_executor(), wheel_, buffers_, resolver_);
    return *pool_;
  }

  /// As whoever drops a pool does.
  void TearDown() override {
    if (pool_) pool_->drain();
  }

  void run_until(const std::function<bool()>& done) {
    const auto end = steady_clock::now() + seconds(10);
    while (!done() && steady_clock::now() < end) {
      io_.restart();
      io_.run_one_for(milliseconds(50));
    }
    EXPECT_TRUE(done());
  }

  std::vector<Attempt> connect_at_once(std::size_t count) {
    std::vector<Attempt> attempts(count);
    for (auto& attempt : attempts) {
      boost::asio::co_spawn(io_.get_executor(), keep(*pool_, attempt), boost::asio::detached);
    }
    run_until([&] {
      return std::all_of(attempts.begin(), attempts.end(), [](const Attempt& attempt) { return attempt.has_value(); });
    });
    return attempts;
  }
  Result<ConnectionPtr> connect() { return *connect_at_once(1).front(); }

  /// A connection that must come about.
  ConnectionPtr connected() {
    auto connection = connect();
    EXPECT_TRUE(connection.has_value()) << base::name_of(connection.error());
    return connection ? *connection : nullptr;
  }

  const ServerState& server(std::size_t index = 0) const { return pool_->servers()[index]; }

  config::Upstream settings_;
  boost::asio::io_context io_;
  net::DeadlineWheel wheel_{io_.get_executor()};
  net::BufferBudget budget_;
  net::BufferPool buffers_{4096, budget_};
  net::Resolver resolver_{io_.get_executor()};
  std::shared_ptr<Pool> pool_;
};

TEST_F(PoolTest, ConnectsToItsServer) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  EXPECT_EQ(pool.take_idle(false), nullptr);
  const auto connection = connected();
  EXPECT_TRUE(connection->is_open());
  EXPECT_FALSE(connection->reused());
  EXPECT_EQ(connection->user, nullptr);
  EXPECT_EQ(connection->buffer().capacity(), 4096U);
  EXPECT_EQ(connection->server().index, 0U);
  EXPECT_EQ(connection->server().settings->url, "http://127.0.0.1:" + std::to_string(listener.port()));
  EXPECT_EQ(server().open, 1U);
  EXPECT_TRUE(server().idle.empty());
}

TEST_F(PoolTest, ConnectsToAUnixSocket) {
  std::string folder = (std::filesystem::temp_directory_path() / "pool-test-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/a.sock";
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(listening, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(::listen(listening, 8), 0);
  open({{config::Address::Kind::Unix, {}, 0, path}});
  EXPECT_TRUE(connected()->is_open());
  ::close(listening);
  const auto refused = connect();
  EXPECT_EQ(refused.error(), Reason::OriginUnreachable);
  std::filesystem::remove_all(folder);
}

TEST_F(PoolTest, TheLastUsedConnectionIsUsedNext) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  const auto first = connected();
  const auto second = connected();
  first->user = this;
  pool.give_back(first);
  EXPECT_EQ(first->user, nullptr);
  pool.give_back(second);
  EXPECT_EQ(server().idle.size(), 2U);
  EXPECT_EQ(pool.take_idle(false), second);
  EXPECT_TRUE(second->reused());
  EXPECT_EQ(pool.take_idle(false), first);
  EXPECT_EQ(pool.take_idle(false), nullptr);
  EXPECT_EQ(server().open, 2U);
}

TEST_F(PoolTest, AClosedIdleConnectionIsPassedOver) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  const auto first = connected();
  const auto second = connected();
  pool.give_back(first);
  pool.give_back(second);
  second->close();
  EXPECT_EQ(pool.take_idle(false), first);
  EXPECT_EQ(pool.take_idle(false), nullptr);
}

TEST_F(PoolTest, AnIdleConnectionOnWhichSomethingCameIsPassedOver) {
  struct Case {
    const char* name;
    std::function<void(int&)> happens;  ///< on the server's side
  };
  const Case cases[]{
      {"bytes that would be read as the next answer",
       [](int& server) { EXPECT_EQ(::send(server, "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL), 19); }},
      {"a single byte", [](int& server) { EXPECT_EQ(::send(server, "\r", 1, MSG_NOSIGNAL), 1); }},
      {"the end", [](int& server) { EXPECT_EQ(::shutdown(server, SHUT_WR), 0); }},
      {"a reset",
       [](int& server) {
         const struct linger hard { 1, 0 };
         EXPECT_EQ(::setsockopt(server, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
         ::close(std::exchange(server, -1));
       }},
  };
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    auto quiet = connected();
    const int quiet_server = listener.accept();
    auto noisy = connected();
    int noisy_server = listener.accept();
    pool.give_back(quiet);
    pool.give_back(noisy);
    each.happens(noisy_server);
    pollfd arrival{noisy->socket().native_handle(), POLLIN, 0};
    ASSERT_EQ(::poll(&arrival, 1, 10'000), 1);
    EXPECT_EQ(pool.take_idle(false), quiet);
    EXPECT_FALSE(noisy->is_open());
    EXPECT_EQ(server().open, 1U) << "there is room for another one";
    EXPECT_TRUE(server().idle.empty());
    pool.discard(*quiet);
    ::close(quiet_server);
    if (noisy_server >= 0) ::close(noisy_server);
  }
}

// Its reader, which is woken later, has taken it out of the socket already.
TEST_F(PoolTest, AConnectionOverWhichSomethingWasReadMeanwhileIsNotTaken) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  const auto connection = connected();
  const int server = listener.accept();
  pool.give_back(connection);
  ASSERT_EQ(::send(server, "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL), 19);
  boost::system::error_code error;
  connection->socket().non_blocking(false);
  EXPECT_EQ(connection->socket().read_some(connection->buffer().space(), error), 19U);
  EXPECT_EQ(pool.take_idle(false), nullptr);
  EXPECT_FALSE(connection->is_open());
  ::close(server);
}

TEST_F(PoolTest, WhereEveryIdleConnectionHasEndedThereIsNone) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  const std::vector<ConnectionPtr> ended{connected(), connected(), connected()};
  for (const auto& connection : ended) {
    ::close(listener.accept());
    pool.give_back(connection);
    pollfd arrival{connection->socket().native_handle(), POLLIN, 0};
    ASSERT_EQ(::poll(&arrival, 1, 10'000), 1);
  }
  EXPECT_EQ(pool.take_idle(false), nullptr);
  EXPECT_EQ(server().open, 0U);
  EXPECT_TRUE(server().idle.empty());
}

TEST_F(PoolTest, NoMoreMemoryIsTakenThanAllowed) {
  const Listener listener;
  budget_.bytes_max = 2 * 4096;
  Pool& pool = open({local(listener.port())});
  auto first = connected();
  const auto second = connected();
  EXPECT_EQ(connect().error(), Reason::OutOfMemory);
  EXPECT_EQ(server().open, 2U);
  pool.give_back(second);
  EXPECT_EQ(connect().error(), Reason::OutOfMemory) << "an idle connection has its buffer";
  EXPECT_EQ(pool.take_idle(false), second);
  pool.discard(*first);
  first.reset();
  EXPECT_TRUE(connected()->is_open());
}

TEST_F(PoolTest, AnAttemptThatFailsGivesItsMemoryBack) {
  budget_.bytes_max = 4096;
  open({local(dead_port())});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(connect().error(), Reason::OriginUnreachable);
  EXPECT_EQ(budget_.bytes, 0U);
}

TEST_F(PoolTest, NoMoreConnectionsAreMadeThanAllowed) {
  const Listener listener;
  settings_.max_connections = 2;
  Pool& pool = open({local(listener.port())});
  auto first = connected();
  const auto second = connected();
  EXPECT_EQ(connect().error(), Reason::OriginExhausted);
  pool.discard(*first);
  first.reset();
  EXPECT_EQ(server().open, 1U);
  EXPECT_TRUE(connected()->is_open());
}

TEST_F(PoolTest, ManyAtOnceAreHeldToTheLimitToo) {
  const Listener listener;
  settings_.max_connections = 2;
  for (const auto* host : {"127.0.0.1", "localhost"}) {
    settings_.servers.clear();
    open({tcp(host, listener.port())});
    const auto attempts = connect_at_once(5);
    std::size_t made = 0;
    for (const auto& attempt : attempts) {
      if (*attempt) {
        ++made;
      } else {
        EXPECT_EQ(attempt->error(), Reason::OriginExhausted);
      }
    }
    EXPECT_EQ(made, 2U) << host;
  }
}

TEST_F(PoolTest, NobodyListeningIsUnreachable) {
  open({local(dead_port())});
  EXPECT_EQ(connect().error(), Reason::OriginUnreachable);
  EXPECT_EQ(server().open, 0U);
}

TEST_F(PoolTest, TheNextServerIsTried) {
  const Listener listener;
  open({local(dead_port()), local(listener.port()), local(dead_port())});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(connected()->server().index, 1U);
}

TEST_F(PoolTest, ServersTakeTurns) {
  const Listener one;
  const Listener two;
  Pool& pool = open({local(one.port()), local(two.port())});
  std::vector<ConnectionPtr> made;
  for (const std::size_t index : {0U, 1U, 0U, 1U}) {
    made.push_back(connected());
    EXPECT_EQ(made.back()->server().index, index);
  }
  for (const auto& connection : made) pool.give_back(connection);
  for (const std::size_t index : {0U, 1U, 0U, 1U}) EXPECT_EQ(pool.take_idle(false)->server().index, index);
}

TEST_F(PoolTest, WhereOneServerIsFullTheIdleConnectionsOfAnotherAreUsed) {
  const Listener one;
  const Listener two;
  settings_.max_connections = 1;
  Pool& pool = open({local(one.port()), local(two.port())});
  const auto busy = connected();
  const auto idle = connected();
  pool.give_back(idle);
  // It is the turn of the first, which takes no more.
  EXPECT_EQ(pool.take_idle(false), idle);
  EXPECT_EQ(pool.take_idle(false), nullptr);
  EXPECT_EQ(connect().error(), Reason::OriginExhausted);
}

TEST_F(PoolTest, AServerThatDoesNotTakeTheConnectionIsGivenUp) {
  Listener full(0);
  full.fill();
  settings_.connect_timeout = milliseconds(150);
  open({local(full.port())});
  const auto begin = steady_clock::now();
  EXPECT_EQ(connect().error(), Reason::OriginTimeout);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(150));
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
  EXPECT_EQ(server().open, 0U);
}

TEST_F(PoolTest, AfterATimeoutTheNextServerIsTried) {
  Listener full(0);
  full.fill();
  const Listener listener;
  settings_.connect_timeout = milliseconds(150);
  open({local(full.port()), local(listener.port())});
  EXPECT_EQ(connected()->server().index, 1U);
}

TEST_F(PoolTest, ConnectsUnderWayCanBeEnded) {
  Listener full(0);
  full.fill();
  settings_.connect_timeout = seconds(60);
  Pool& pool = open({local(full.port())});
  Attempt attempt;
  boost::asio::co_spawn(io_.get_executor(), keep(pool, attempt), boost::asio::detached);
  run_until([&] { return server().open == 1; });
  pool.abort_connects();
  run_until([&] { return attempt.has_value(); });
  EXPECT_TRUE(attempt->has_error());
}

TEST_F(PoolTest, ADiscardedConnectionIsClosedAndForgotten) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  auto connection = connected();
  auto& discarded = *connection;
  pool.give_back(connection);
  connection.reset();  // the pool's is the last reference
  pool.discard(discarded);
  EXPECT_TRUE(server().idle.empty());
  EXPECT_EQ(server().open, 0U);
  EXPECT_EQ(pool.take_idle(false), nullptr);
}

TEST_F(PoolTest, DrainingClosesWhatIsIdleAndWhatIsGivenBack) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  const auto idle = connected();
  const auto busy = connected();
  pool.give_back(idle);
  pool.drain();
  EXPECT_FALSE(idle->is_open());
  EXPECT_TRUE(busy->is_open());
  pool.give_back(busy);
  EXPECT_FALSE(busy->is_open());
  EXPECT_TRUE(server().idle.empty());
}

boost::asio::awaitable<void, net::Executor> sleep_once(ConnectionPtr connection, bool& woken) {
  co_await connection->woken();
  woken = true;
}

TEST_F(PoolTest, WhoeverIsToReadAnIdleConnectionIsWokenWithinTheCall) {
  struct Case {
    const char* name;
    std::function<void(Pool&, const ConnectionPtr&)> happens;
  };
  const Case cases[]{
      {"it is taken", [](Pool& pool, const ConnectionPtr& idle) { EXPECT_EQ(pool.take_idle(true), idle); }},
      {"it was idle for a while",
       [this](Pool&, const ConnectionPtr& idle) {
         wheel_.advance(steady_clock::now() + seconds(2));
         EXPECT_TRUE(idle->is_open());
       }},
      {"it is closed", [](Pool&, const ConnectionPtr& idle) { idle->close(); }},
      {"the pool is drained", [](Pool& pool, const ConnectionPtr&) { pool.drain(); }},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const Listener listener;
    settings_.servers.clear();
    Pool& pool = open({local(listener.port())});
    const auto idle = connected();
    EXPECT_FALSE(idle->is_asleep());
    pool.give_back(idle);
    ASSERT_TRUE(idle->is_asleep());
    bool woken = false;
    boost::asio::co_spawn(io_, sleep_once(idle, woken), boost::asio::detached);
    io_.restart();
    io_.poll();
    EXPECT_FALSE(woken);
    each.happens(pool, idle);
    EXPECT_TRUE(woken);
    pool.drain();
  }
}

TEST_F(PoolTest, AnEndIsNotLookedForWhereTheRequestMayBeSentAgain) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  const auto ended = connected();
  ::close(listener.accept());
  pool.give_back(ended);
  pollfd arrival{ended->socket().native_handle(), POLLIN, 0};
  ASSERT_EQ(::poll(&arrival, 1, 10'000), 1);
  EXPECT_EQ(pool.take_idle(true), ended);
  pool.give_back(ended);
  wheel_.advance(steady_clock::now() + seconds(2));
  EXPECT_EQ(pool.take_idle(true), nullptr) << "it was idle for a while";
}

TEST_F(PoolTest, WhatIsIdleForLongIsClosed) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  const auto used = connected();
  const auto idle = connected();
  pool.give_back(used);
  pool.give_back(idle);
  EXPECT_EQ(pool.take_idle(false), idle);
  pool.give_back(idle);
  EXPECT_EQ(pool.take_idle(false), idle);
  wheel_.advance(steady_clock::now() + seconds(50));
  EXPECT_TRUE(used->is_open());
  wheel_.advance(steady_clock::now() + seconds(62));
  EXPECT_FALSE(used->is_open());
  EXPECT_TRUE(idle->is_open()) << "it is in use";
  EXPECT_EQ(server().open, 1U);
  EXPECT_TRUE(server().idle.empty()) << "what is idle is among what is open";
}

TEST_F(PoolTest, BuffersAreUsedAgain) {
  const Listener listener;
  Pool& pool = open({local(listener.port())});
  auto connection = connected();
  const void* const block = connection->buffer().space().data();
  pool.discard(*connection);
  connection.reset();
  EXPECT_EQ(connected()->buffer().space().data(), block);
}

TEST_F(PoolTest, AProcessWithoutDescriptorsIsExhausted) {
  const Listener listener;
  open({local(listener.port())});
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto attempt = connect();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(attempt.error(), Reason::OriginExhausted);
  EXPECT_EQ(server().open, 0U);
}

TEST_F(PoolTest, EveryAddressOfANameIsTried) {
  const Listener listener;  // on 127.0.0.1 only, whatever else localhost may be
  open({tcp("localhost", listener.port())});
  EXPECT_TRUE(connected()->is_open());
  EXPECT_FALSE(server().endpoints.empty());
}

TEST_F(PoolTest, ManyWaitForOneLookUp) {
  const Listener listener;
  open({tcp("localhost", listener.port())});
  for (const auto& attempt : connect_at_once(5)) {
    EXPECT_TRUE(attempt->has_value()) << base::name_of(attempt->error());
  }
}

TEST_F(PoolTest, ANameThatIsNotKnownIsUnreachableAndLookedUpAgain) {
  open({tcp(std::string(70, 'x') + ".example", 80)});
  EXPECT_EQ(connect().error(), Reason::OriginUnreachable);
  EXPECT_EQ(server().resolved_at, base::SteadyTime::min());
  EXPECT_EQ(connect().error(), Reason::OriginUnreachable);
}

}  // namespace
}  // namespace sidegate::origin
