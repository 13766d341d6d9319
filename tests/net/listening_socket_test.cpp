#include <sidegate/net/listening_socket.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "loopback_client.hpp"

namespace sidegate::net {
namespace {

using support::LoopbackClient;
using ::testing::HasSubstr;
using ::testing::StartsWith;

config::Address tcp(const std::string& host, std::uint16_t port = 0) {
  return {config::Address::Kind::Tcp, host, port, {}};
}
config::Address unix_socket(const std::string& path) {
  return {config::Address::Kind::Unix, {}, 0, path};
}

ListeningSocket open(const config::Address& address, unsigned mode = 0660) {
  return std::move(ListeningSocket::open(address, mode)).value();
}

std::string refusal_of(const config::Address& address) {
  const auto opened = ListeningSocket::open(address, 0660);
  return opened ? "opened" : opened.error().text;
}

bool has_ipv6() {
  const auto opened = ListeningSocket::open(tcp("::1"), 0);
  return opened.has_value();
}

/// Waits for a connection and takes it.
class Accepted {
 public:
  explicit Accepted(const ListeningSocket& listening) : descriptor_(listening.duplicate()) {
    pollfd poll{descriptor_, POLLIN, 0};
    ::poll(&poll, 1, 5000);
    status = accept_now(descriptor_, socket, peer);
  }
  Accepted(const Accepted&) = delete;
  Accepted& operator=(const Accepted&) = delete;
  ~Accepted() { ::close(descriptor_); }

  boost::asio::io_context io;
  StreamSocket socket{io.get_executor()};
  Peer peer;
  AcceptStatus status = AcceptStatus::Failed;

 private:
  int descriptor_;
};

/// Connects over IPv6.
int connect6(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return descriptor;
}

TEST(ListeningSocket, TakesConnectionsOverIpv4) {
  const auto listening = open(tcp("127.0.0.1"));
  EXPECT_NE(listening.address().port, 0);
  EXPECT_EQ(listening.address().host, "127.0.0.1");
  LoopbackClient client(listening.address().port);
  Accepted accepted(listening);
  ASSERT_EQ(accepted.status, AcceptStatus::Accepted);
  EXPECT_EQ(accepted.peer.ip, "127.0.0.1");
  // Not blocking, and without a delay of small writes.
  EXPECT_NE(::fcntl(accepted.socket.native_handle(), F_GETFL) & O_NONBLOCK, 0);
  int no_delay = 0;
  socklen_t length = sizeof no_delay;
  ::getsockopt(accepted.socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &length);
  EXPECT_NE(no_delay, 0);
}

TEST(ListeningSocket, TakesConnectionsOverIpv6) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const auto listening = open(tcp("::1"));
  EXPECT_THAT(listening.address().text(), StartsWith("[::1]:"));
  const int client = connect6(listening.address().port);
  const Accepted accepted(listening);
  EXPECT_EQ(accepted.status, AcceptStatus::Accepted);
  EXPECT_EQ(accepted.peer.ip, "::1");
  ::close(client);
}

TEST(ListeningSocket, TheAnyAddressOfIpv6TakesBothFamilies) {
  const auto listening = open(tcp("::"));
  {
    LoopbackClient client(listening.address().port);
    const Accepted accepted(listening);
    EXPECT_EQ(accepted.status, AcceptStatus::Accepted);
    EXPECT_EQ(accepted.peer.ip, "127.0.0.1") << "and not ::ffff:127.0.0.1";
  }
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const int client = connect6(listening.address().port);
  const Accepted accepted(listening);
  EXPECT_EQ(accepted.peer.ip, "::1");
  ::close(client);
}

TEST(ListeningSocket, TakesAName) {
  const auto listening = open(tcp("localhost"));
  EXPECT_NE(listening.address().port, 0);
}

TEST(ListeningSocket, SaysWhyItCannotListen) {
  const auto listening = open(tcp("127.0.0.1"));
  const auto taken = listening.address();
  EXPECT_EQ(refusal_of(taken), "cannot listen on " + taken.text() + ": Address already in use");
  EXPECT_EQ(refusal_of(tcp("203.0.113.1", 4711)), "cannot listen on 203.0.113.1:4711: Cannot assign requested address");
  EXPECT_THAT(refusal_of(tcp(std::string(70, 'x') + ".example", 80)), StartsWith("cannot listen on xxx"));
}

TEST(ListeningSocket, NobodyWaitingIsNoFailure) {
  const auto listening = open(tcp("127.0.0.1"));
  boost::asio::io_context io;
  StreamSocket socket(io.get_executor());
  Peer peer;
  const int descriptor = listening.duplicate();
  EXPECT_EQ(accept_now(descriptor, socket, peer), AcceptStatus::WouldBlock);
  ::close(descriptor);
  EXPECT_EQ(accept_now(descriptor, socket, peer), AcceptStatus::Failed);
}

TEST(ListeningSocket, SaysWhenTheProcessIsOutOfDescriptors) {
  const auto listening = open(tcp("127.0.0.1"));
  const int descriptor = listening.duplicate();
  LoopbackClient client(listening.address().port);
  pollfd poll{descriptor, POLLIN, 0};
  ASSERT_EQ(::poll(&poll, 1, 5000), 1);
  boost::asio::io_context io;
  StreamSocket socket(io.get_executor());
  Peer peer;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto status = accept_now(descriptor, socket, peer);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(status, AcceptStatus::Exhausted);
  EXPECT_EQ(accept_now(descriptor, socket, peer), AcceptStatus::Accepted);
  ::close(descriptor);
}

TEST(ListeningSocket, DuplicatesShareTheQueueAndEndWithTheOriginal) {
  auto listening = std::make_optional<ListeningSocket>(open(tcp("127.0.0.1")));
  const auto port = listening->address().port;
  const int one = listening->duplicate();
  const int two = listening->duplicate();
  ::close(one);
  {
    LoopbackClient client(port);
    pollfd poll{two, POLLIN, 0};
    EXPECT_EQ(::poll(&poll, 1, 5000), 1);
  }
  listening->close();
  listening->close();
  EXPECT_THROW(LoopbackClient{port}, std::runtime_error) << "though a duplicate is open";
  listening.reset();
  ::close(two);
}

TEST(ListeningSocket, AMovedOneLeavesNothingToClose) {
  auto first = open(tcp("127.0.0.1"));
  const auto port = first.address().port;
  {
    ListeningSocket second(std::move(first));
    EXPECT_NO_THROW(LoopbackClient{port});
  }
  EXPECT_THROW(LoopbackClient{port}, std::runtime_error);
}

/// The one byte that comes next on a connection; '\0' where none does.
char next_byte(StreamSocket& socket) {
  pollfd poll{socket.native_handle(), POLLIN, 0};
  ::poll(&poll, 1, 5000);
  char byte = '\0';
  return ::recv(socket.native_handle(), &byte, 1, MSG_DONTWAIT) == 1 ? byte : '\0';
}

/// Begins to connect, without waiting.
class Attempt {
 public:
  explicit Attempt(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() { ::close(descriptor_); }

  /// Whether it is known within that time how it ended.
  bool ends_within(int milliseconds) {
    pollfd poll{descriptor_, POLLOUT, 0};
    return ::poll(&poll, 1, milliseconds) == 1;
  }
  /// 0 where it has connected.
  int error() const {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
  }

 private:
  int descriptor_;
};

TEST(ListeningSocket, TakesNobodyNewAndStillThoseWhoHadConnected) {
  auto listening = open(tcp("127.0.0.1"));
  LoopbackClient first(listening.address().port);
  LoopbackClient second(listening.address().port);
  listening.refuse_new();
  listening.refuse_new();
  Attempt late(listening.address().port);
  EXPECT_FALSE(late.ends_within(100)) << "it is neither let in nor, while others wait, turned away";
  first.send("1");
  second.send("2");
  for (const char byte : {'1', '2'}) {
    Accepted accepted(listening);
    ASSERT_EQ(accepted.status, AcceptStatus::Accepted);
    EXPECT_EQ(next_byte(accepted.socket), byte);
  }
  const int descriptor = listening.duplicate();
  pollfd poll{descriptor, POLLIN, 0};
  EXPECT_EQ(::poll(&poll, 1, 0), 0) << "nobody else has come in";
  ::close(descriptor);
  listening.close();
  ASSERT_TRUE(late.ends_within(5000)) << "its next try, a second later, finds nobody";
  EXPECT_EQ(late.error(), ECONNREFUSED);
}

TEST(ListeningSocket, HasNoModeOverTcp) {
  auto listening = open(tcp("127.0.0.1"));
  EXPECT_TRUE(listening.set_mode(0600));
}

class UnixSocket : public testing::Test {
 protected:
  UnixSocket() {
    folder_ = (std::filesystem::temp_directory_path() / "net-test-XXXXXX").string();
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/a.sock";
  }
  ~UnixSocket() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::string path_;
};

TEST_F(UnixSocket, HasItsModeAndTakesConnections) {
  for (const unsigned mode : {0600U, 0660U, 0666U}) {
    const auto listening = open(unix_socket(path_), mode);
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, mode);
    LoopbackClient client(path_);
    const Accepted accepted(listening);
    EXPECT_EQ(accepted.status, AcceptStatus::Accepted);
    EXPECT_EQ(accepted.peer.ip, "");
  }
}

TEST_F(UnixSocket, ItsModeCanBeChanged) {
  auto listening = open(unix_socket(path_), 0660);
  EXPECT_TRUE(listening.set_mode(0606));
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0606));
  EXPECT_NO_THROW(LoopbackClient{path_});
  std::filesystem::remove(path_);
  const auto set = listening.set_mode(0600);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().text, "cannot listen on unix:" + path_ + ": its mode cannot be set: another file stands there");
}

TEST_F(UnixSocket, TakesNobodyNewAndStillThoseWhoHadConnected) {
  auto listening = open(unix_socket(path_));
  LoopbackClient client(path_);
  listening.refuse_new();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_THROW(LoopbackClient{path_}, std::runtime_error);
  client.send("1");
  Accepted accepted(listening);
  ASSERT_EQ(accepted.status, AcceptStatus::Accepted);
  EXPECT_EQ(next_byte(accepted.socket), '1');
}

TEST_F(UnixSocket, OneThatTakesNobodyNewLeavesTheNextOneItsFile) {
  {
    auto before = open(unix_socket(path_));
    before.refuse_new();
    auto moved = std::move(before);
    const auto after = open(unix_socket(path_));
    moved.refuse_new();
    moved.close();
    EXPECT_NO_THROW(LoopbackClient{path_});
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSocket, ItsFileGoesWithIt) {
  {
    const auto listening = open(unix_socket(path_));
    EXPECT_TRUE(std::filesystem::exists(path_));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSocket, AFileThatNobodyAnswersOnIsReplaced) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path_.copy(name.sun_path, sizeof name.sun_path - 1);
  const int left_behind = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(left_behind, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ::close(left_behind);
  ASSERT_TRUE(std::filesystem::exists(path_));
  const auto listening = open(unix_socket(path_));
  EXPECT_NO_THROW(LoopbackClient{path_});
}

TEST_F(UnixSocket, ALivingOneIsNotTakenAway) {
  const auto listening = open(unix_socket(path_));
  EXPECT_EQ(refusal_of(unix_socket(path_)), "cannot listen on unix:" + path_ + ": Address already in use");
  EXPECT_NO_THROW(LoopbackClient{path_});
}

TEST_F(UnixSocket, WhatIsNoSocketIsNotTakenAway) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(refusal_of(unix_socket(path_)), "cannot listen on unix:" + path_ + ": Address already in use");
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(UnixSocket, SaysWhatIsWrongWithItsPath) {
  EXPECT_THAT(refusal_of(unix_socket("")), HasSubstr("empty path"));
  EXPECT_THAT(refusal_of(unix_socket(folder_ + "/" + std::string(120, 'x'))),
              HasSubstr("the path is longer than 107 bytes"));
  EXPECT_THAT(refusal_of(unix_socket(folder_ + "/none/a.sock")), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace sidegate::net
