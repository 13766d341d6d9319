#include "sockets.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "folder.hpp"
#include "loopback_client.hpp"

namespace sidegate::app {
namespace {

using support::LoopbackClient;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const config::Address kAnyPort{config::Address::Kind::Tcp, "127.0.0.1", 0, {}};

config::Address tcp(std::uint16_t port) {
  return {config::Address::Kind::Tcp, "127.0.0.1", port, {}};
}
config::Address unix_socket(const std::string& path) {
  return {config::Address::Kind::Unix, {}, 0, path};
}

/// A configuration with listeners at these addresses, the first on line 1.
config::Config listening_at(const std::vector<config::Address>& addresses) {
  config::Config config;
  for (const auto& address : addresses) {
    const auto line = static_cast<int>(config.listeners.size()) + 1;
    const std::string name = "listener" + std::to_string(line);
    config.listeners.push_back({.name = name, .address = address, .where = {line, 1, "listeners." + name}});
  }
  return config;
}

/// Opened where all can be.
std::vector<OpenSocket> open(const std::vector<config::Address>& addresses,
                             const std::vector<OpenSocket>& before = {}) {
  config::Diagnostics diagnostics("test.yaml");
  auto sockets = open_sockets(listening_at(addresses), before, diagnostics);
  EXPECT_THAT(diagnostics.lines(), IsEmpty());
  EXPECT_EQ(sockets.size(), addresses.size());
  return sockets;
}

std::uint16_t port(const OpenSocket& open) {
  return open.socket->address().port;
}

/// One that nobody listens on any more.
std::uint16_t free_port() {
  const auto sockets = open({kAnyPort});
  return port(sockets.at(0));
}

template <class Where>
bool connects(const Where& where) {
  try {
    const LoopbackClient client(where);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

TEST(OpenSockets, OpensOneForEachListenerInTheirOrder) {
  const Folder folder;
  const auto sockets = open({unix_socket(folder.file("a.sock")), kAnyPort});
  ASSERT_EQ(sockets.size(), 2U);
  EXPECT_EQ(sockets[0].address, unix_socket(folder.file("a.sock")));
  EXPECT_EQ(sockets[1].address, kAnyPort) << "as configured";
  EXPECT_NE(port(sockets[1]), 0);
  EXPECT_TRUE(connects(folder.file("a.sock")));
  EXPECT_TRUE(connects(port(sockets[1])));
  EXPECT_THAT(sockets_of(sockets), ElementsAre(sockets[0].socket, sockets[1].socket));
}

TEST(OpenSockets, GivesAUnixSocketTheModeOfItsListener) {
  const Folder folder;
  auto config = listening_at({unix_socket(folder.file("a.sock"))});
  config.listeners[0].mode = 0606;
  config::Diagnostics diagnostics("test.yaml");
  const auto sockets = open_sockets(config, {}, diagnostics);
  EXPECT_EQ(std::filesystem::status(folder.file("a.sock")).permissions(), std::filesystem::perms(0606));
}

TEST(OpenSockets, TheSameAddressStaysTheSameSocketWhateverItsPlace) {
  const Folder folder;
  const auto by_number = tcp(free_port());
  const auto before = open({kAnyPort, unix_socket(folder.file("a.sock")), by_number});
  ASSERT_EQ(before.size(), 3U);
  const auto after = open({by_number, unix_socket(folder.file("a.sock")), kAnyPort}, before);
  ASSERT_EQ(after.size(), 3U);
  EXPECT_EQ(after[0].socket, before[2].socket);
  EXPECT_EQ(after[1].socket, before[1].socket);
  EXPECT_EQ(after[2].socket, before[0].socket);
}

TEST(OpenSockets, EachListenerWithAnyPortKeepsItsOwn) {
  const auto two = open({kAnyPort, kAnyPort});
  ASSERT_EQ(two.size(), 2U);
  EXPECT_NE(two[0].socket, two[1].socket);
  const auto three = open({kAnyPort, kAnyPort, kAnyPort}, two);
  ASSERT_EQ(three.size(), 3U);
  EXPECT_EQ(three[0].socket, two[0].socket);
  EXPECT_EQ(three[1].socket, two[1].socket);
  EXPECT_NE(three[2].socket, two[0].socket);
  EXPECT_NE(three[2].socket, two[1].socket);
  const auto one = open({kAnyPort}, three);
  EXPECT_EQ(one[0].socket, three[0].socket);
}

TEST(OpenSockets, APortThatWasChosenIsNotTheSameAsOneThatIsAskedFor) {
  const auto before = open({kAnyPort});
  config::Diagnostics diagnostics("test.yaml");
  EXPECT_THAT(open_sockets(listening_at({tcp(port(before[0]))}), before, diagnostics), IsEmpty());
  EXPECT_THAT(diagnostics.lines(), ElementsAre(StartsWith("test.yaml:1:1: at listeners.listener1: cannot listen on ")));
}

TEST(OpenSockets, WhereOneCannotBeOpenedNothingHasChanged) {
  const Folder folder;
  const auto before = open({kAnyPort, unix_socket(folder.file("kept.sock"))});
  const auto taken = open({kAnyPort});
  config::Diagnostics diagnostics("test.yaml");
  const auto config = listening_at({unix_socket(folder.file("new.sock")), unix_socket(folder.file("kept.sock")),
                                    tcp(port(taken[0])), unix_socket(folder.file("never.sock"))});
  EXPECT_THAT(open_sockets(config, before, diagnostics), IsEmpty());
  EXPECT_THAT(diagnostics.lines(), ElementsAre("test.yaml:3:1: at listeners.listener3: cannot listen on " +
                                               tcp(port(taken[0])).text() + ": Address already in use"));
  EXPECT_FALSE(std::filesystem::exists(folder.file("new.sock"))) << "what was opened for nothing is closed again";
  EXPECT_FALSE(std::filesystem::exists(folder.file("never.sock")));
  EXPECT_TRUE(connects(folder.file("kept.sock")));
  EXPECT_TRUE(connects(port(before[0])));
}

TEST(OpenSockets, AnAddressThatReturnsIsANewSocket) {
  const Folder folder;
  const auto first = open({unix_socket(folder.file("a.sock"))});
  const auto none = open({}, first);
  refuse_at_unused(first, none);
  const auto second = open({unix_socket(folder.file("a.sock"))}, none);
  EXPECT_NE(second[0].socket, first[0].socket);
  close_unused(first, none);
  EXPECT_TRUE(connects(folder.file("a.sock"))) << "the file is the new one's";
}

TEST(UnusedSockets, TakeNobodyNewAndAreClosedThen) {
  const Folder folder;
  const std::string path = folder.file("a.sock");
  const auto before = open({kAnyPort, unix_socket(path), kAnyPort});
  const auto after = open({kAnyPort}, before);
  const LoopbackClient client(path);
  const int descriptor = before[1].socket->duplicate();

  refuse_at_unused(before, after);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(connects(port(before[0])));
  pollfd waiting{descriptor, POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 5000), 1) << "who had connected can still be taken";
  ::close(descriptor);

  close_unused(before, after);
  EXPECT_FALSE(connects(port(before[2])));
  EXPECT_TRUE(connects(port(before[0])));
}

TEST(UnusedSockets, AreNoneWhereAllAreUsed) {
  const Folder folder;
  const auto before = open({kAnyPort, unix_socket(folder.file("a.sock"))});
  refuse_at_unused(before, before);
  close_unused(before, before);
  EXPECT_TRUE(connects(port(before[0])));
  EXPECT_TRUE(connects(folder.file("a.sock")));
}

TEST(UnusedSockets, AreAllOfThemAtTheEnd) {
  const Folder folder;
  const auto open_ones = open({kAnyPort, unix_socket(folder.file("a.sock"))});
  close_unused(open_ones, {});
  EXPECT_FALSE(connects(port(open_ones[0])));
  EXPECT_FALSE(std::filesystem::exists(folder.file("a.sock")));
}

}  // namespace
}  // namespace sidegate::app
