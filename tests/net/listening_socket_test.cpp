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
