#include "known_hosts.hpp"

#include <gtest/gtest.h>
#include <boost/asio/executor_work_guard.hpp>

#include <atomic>
#include <future>
#include <memory>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;
using std::chrono::milliseconds;

/// A resolver whose answers are counted and can change.
class Hosts : public testing::Test {
 protected:
  /// What is found, as text; the message where nothing is.
  std::string find(KnownHosts& hosts, const std::string& name = "auth.test") {
    std::string found;
    hosts.find(name, [&](const OrMessage<Addresses>& addresses) {
      found = addresses ? addresses->front().text() : addresses.error().text;
    });
    while (found.empty()) io_.run_one();
    return found;
  }

  LookUp look_up() {
    return [state = state_](const std::string& name) -> OrMessage<Addresses> {
      ++state->asked;
      if (state->fails) return Message{"no " + name};
      if (state->empty) return Addresses{};
      return Addresses{*base::IpAddress::parse("127.0.0.1")};
    };
  }

  struct State {
    std::atomic<int> asked{0};
    std::atomic<bool> fails{false};
    std::atomic<bool> empty{false};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
};

TEST_F(Hosts, ALiteralIsItself) {
  KnownHosts hosts(io_, look_up());
  EXPECT_EQ(find(hosts, "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(find(hosts, "::1"), "::1");
  EXPECT_EQ(state_->asked, 0);
}

TEST_F(Hosts, WhatWasFoundIsUsedForAWhile) {
  KnownHosts hosts(io_, look_up(), std::chrono::hours(1));
  EXPECT_EQ(find(hosts), "127.0.0.1");
  EXPECT_EQ(find(hosts), "127.0.0.1");
  EXPECT_EQ(state_->asked, 1);
  find(hosts, "other.test");
  EXPECT_EQ(state_->asked, 2);
}

TEST_F(Hosts, ThenItIsLookedUpAgain) {
  KnownHosts hosts(io_, look_up(), milliseconds(0));
  find(hosts);
  find(hosts);
  EXPECT_EQ(state_->asked, 2);
}

TEST_F(Hosts, WhatWasFoundServesWhereThatFails) {
  KnownHosts hosts(io_, look_up(), milliseconds(0));
  EXPECT_EQ(find(hosts), "127.0.0.1");
  state_->fails = true;
  EXPECT_EQ(find(hosts), "127.0.0.1");
  EXPECT_EQ(find(hosts, "other.test"), "no other.test");
  state_->fails = false;
  state_->empty = true;
  EXPECT_EQ(find(hosts), "127.0.0.1");
  EXPECT_EQ(state_->asked, 4);
}

TEST_F(Hosts, OneLookUpServesAllWhoAsk) {
  std::promise<void> gate;
  const auto counting = look_up();
  KnownHosts hosts(io_, [opened = gate.get_future().share(), counting](const std::string& name) {
    opened.wait();
    return counting(name);
  });
  int told = 0;
  for (int i = 0; i < 100; ++i) hosts.find("auth.test", [&](const OrMessage<Addresses>&) { ++told; });
  gate.set_value();
  while (told < 100) io_.run_one();
  EXPECT_EQ(state_->asked, 1);
}

TEST_F(Hosts, RemembersOnlySoMany) {
  KnownHosts hosts(io_, look_up(), std::chrono::hours(1));
  for (int i = 0; i < 256; ++i) find(hosts, std::to_string(i) + ".test");
  find(hosts, "255.test");
  EXPECT_EQ(state_->asked, 257) << "room was made";
}

}  // namespace
}  // namespace sidegate::authority
