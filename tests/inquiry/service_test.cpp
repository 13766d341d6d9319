#include <sidegate/inquiry/service.hpp>

#include <gtest/gtest.h>

namespace sidegate::inquiry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::UnixTime kNow{seconds(1'000)};

config::Authenticator authenticator(const std::string& name, const std::string& url,
                                    config::Authenticator::Kind kind = config::Authenticator::Kind::Remote) {
  config::Authenticator made;
  made.name = name;
  made.kind = kind;
  made.service.endpoint.url = url;
  return made;
}

TEST(Service, KnowsItsSettings) {
  auto settings = authenticator("a", "https://one.test/").service;
  settings.cache.ttl = seconds(7);
  const Service remote(Service::Kind::Remote, "a", settings);
  EXPECT_EQ(remote.endpoint().url, "https://one.test/");
  EXPECT_EQ(remote.lifetimes().ttl, seconds(7));
  config::UserInfo users;
  users.cache.negative_ttl = seconds(8);
  EXPECT_EQ(Service(Service::Kind::UserInfo, "u", users).lifetimes().negative_ttl, seconds(8));
  const Service session(Service::Kind::SessionRefresh, "session_refresh", config::SessionRefresh{});
  EXPECT_EQ(session.lifetimes().ttl, seconds(30));
  EXPECT_EQ(session.lifetimes().negative_ttl, seconds(30));
  EXPECT_EQ(session.lifetimes().stale_if_error, seconds(0));
}

TEST(Service, CountsWhatCameOfCalls) {
  Service service(Service::Kind::Remote, "a", config::TokenService{});
  EXPECT_FALSE(service.status().last_call);
  service.note_answer(true, milliseconds(5), kNow);
  service.note_answer(false, milliseconds(6), kNow);
  service.note_failure("nobody answers", milliseconds(7), kNow + seconds(1));
  service.note_circuit(Service::Circuit::Open);
  service.note_answers_kept(3);
  auto status = service.status();
  EXPECT_EQ(status.said_yes, 1U);
  EXPECT_EQ(status.said_no, 1U);
  EXPECT_EQ(status.failed, 1U);
  EXPECT_EQ(status.last_call, kNow + seconds(1));
  EXPECT_EQ(status.last_duration, milliseconds(7));
  EXPECT_EQ(status.last_error, "nobody answers");
  EXPECT_EQ(status.circuit, Service::Circuit::Open);
  EXPECT_EQ(status.answers_kept, 3U);
  EXPECT_EQ(status.durations.count, 3U);
  service.note_answer(true, milliseconds(1), kNow);
  EXPECT_EQ(service.status().last_error, "");
}

TEST(ServiceBoard, AServiceInTheSameWordsIsTheSame) {
  ServiceBoard board;
  const auto first = board.at(authenticator("a", "https://one.test/"));
  EXPECT_EQ(board.at(authenticator("a", "https://one.test/")), first);
  EXPECT_NE(board.at(authenticator("b", "https://one.test/")), first);
  EXPECT_NE(board.at(authenticator("a", "https://two.test/")), first);
  EXPECT_NE(board.at(authenticator("a", "https://one.test/", config::Authenticator::Kind::Introspection)), first);
}

TEST(ServiceBoard, KeepsThoseThatAConfigurationNames) {
  ServiceBoard board;
  config::Config config;
  config.authenticators = {authenticator("a", "https://one.test/"),
                           authenticator("local", "", config::Authenticator::Kind::Jwt),
                           authenticator("b", "https://two.test/", config::Authenticator::Kind::Introspection)};
  config.user_info.push_back({.name = "directory", .authenticators = {}, .endpoint = {}});
  config.session_refresh.emplace();
  const auto first = board.keep(config);
  ASSERT_EQ(first.size(), 4U);
  EXPECT_EQ(first[0]->name(), "a");
  EXPECT_EQ(first[1]->kind(), Service::Kind::Introspection);
  EXPECT_EQ(first[2]->kind(), Service::Kind::UserInfo);
  EXPECT_EQ(first[3]->name(), "session_refresh");
  EXPECT_EQ(board.keep(config), first);

  config.authenticators.erase(config.authenticators.begin());
  const auto second = board.keep(config);
  ASSERT_EQ(second.size(), 3U);
  EXPECT_EQ(second[0], first[1]);
  EXPECT_NE(board.at(authenticator("a", "https://one.test/")), first[0]);
}

}  // namespace
}  // namespace sidegate::inquiry
