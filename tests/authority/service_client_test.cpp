#include "service_client.hpp"

#include "scripted_issuer.hpp"
#include "scripted_service.hpp"

#include <boost/asio/post.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <optional>
#include <string>

namespace sidegate::authority {
namespace {

using base::OrMessage;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string key_pem(const Certificate& of) {
  BIO* const out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, of.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

config::SecretReference reference(const std::string& text) {
  config::SecretReference made;
  made.secret = base::Secret(text);
  return made;
}

const Certificate& ca() {
  static const Certificate made = make_certificate("Some CA", "", nullptr);
  return made;
}
const Certificate& good() {
  static const Certificate made = make_certificate("auth", "DNS:auth.test,IP:127.0.0.1", &ca());
  return made;
}

OrMessage<Addresses> here(const std::string&) {
  return Addresses{*base::IpAddress::parse("127.0.0.1")};
}

/// Answers with the number of the connection and of the request on it.
Reaction count(const Received& received) {
  return respond(200, std::to_string(received.connection) + '/' + std::to_string(received.nth));
}

/// A client on a loop that runs as long as a test waits.
class AClient : public testing::Test {
 protected:
  ~AClient() override {
    client_->close();
    client_.reset();
    io_.restart();
    io_.run_for(milliseconds(100));
  }

  void make_client(const ServiceClient::Settings& settings) {
    client_ = std::make_shared<ServiceClient>(io_, hosts_, settings);
  }

  template <class Condition>
  bool run_until(Condition holds, milliseconds patience = milliseconds(5'000)) {
    const auto end = steady_clock::now() + patience;
    while (!holds() && steady_clock::now() < end) {
      io_.restart();
      io_.run_for(milliseconds(1));
    }
    return holds();
  }

  /// The body of the answer, or what went wrong.
  std::string get(const std::string& url, milliseconds patience = milliseconds(4'000),
                  std::size_t body_bytes_max = 1'000) {
    std::optional<std::string> got;
    client_->begin(
        {.url = *parse_url(url)}, steady_clock::now() + patience, body_bytes_max,
        [&](const OrMessage<HttpAnswer>& answer) { got = answer ? std::string(answer->body) : answer.error().text; });
    run_until([&] { return got.has_value(); });
    return got.value_or("nothing");
  }

  boost::asio::io_context io_{1};
  KnownHosts hosts_{io_, &here};
  std::shared_ptr<ServiceClient> client_ = std::make_shared<ServiceClient>(io_, hosts_, ServiceClient::Settings{});
};

TEST_F(AClient, UsesAConnectionAgain) {
  ScriptedService service(&count);
  for (const char* const expected : {"0/0", "0/1", "0/2"}) EXPECT_EQ(get(service.url()), expected);
  EXPECT_EQ(client_->idle_connections(), 1U);
}

TEST_F(AClient, UsesAnEncryptedConnectionAgain) {
  ScriptedService service(&count, &good());
  ServiceClient::Settings settings;
  settings.endpoint.tls.ca = reference(ca().pem());
  make_client(settings);
  for (const char* const expected : {"0/0", "0/1", "0/2"}) EXPECT_EQ(get(service.url()), expected);
}

TEST_F(AClient, DoesNotHaveAServiceWaitThatSendsHeadAndBodyApart) {
  const auto apart = [](const Received&) {
    return Reaction{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", .later = [] { return std::string("a"); }};
  };
  ScriptedService service(apart);
  // The first ones on a connection are acknowledged at once in any case.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(service.url()), "a");
  auto fastest = steady_clock::duration::max();
  for (int i = 0; i < 20; ++i) {
    const auto begun = steady_clock::now();
    EXPECT_EQ(get(service.url()), "a");
    fastest = std::min(fastest, steady_clock::now() - begun);
  }
  EXPECT_EQ(service.connections(), 1U);
  EXPECT_LT(fastest, milliseconds(30));
}

TEST_F(AClient, UsesNoneThatMayHaveMoreToSay) {
  const std::string two = respond(200, "a").bytes + respond(200, "b").bytes;
  for (const auto& bytes : {std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"),
                            std::string("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"), two}) {
    for (const bool encrypted : {false, true}) {
      ScriptedService service([&](const Received&) { return Reaction{bytes}; }, encrypted ? &good() : nullptr);
      ServiceClient::Settings settings;
      settings.endpoint.tls.ca = reference(ca().pem());
      make_client(settings);
      EXPECT_EQ(get(service.url()), "a");
      EXPECT_EQ(get(service.url()), "a");
      EXPECT_EQ(service.connections(), 2U) << bytes;
    }
  }
}

TEST_F(AClient, ClosesAConnectionOverWhichSomethingUnaskedComes) {
  for (const bool encrypted : {false, true}) {
    std::promise<void> gate;
    ScriptedService service(
        [opened = gate.get_future().share()](const Received& received) {
          auto reaction = respond(200, "asked");
          if (received.connection > 0) return reaction;
          reaction.later = [opened] {
            opened.wait();
            return respond(200, "evil").bytes;
          };
          return reaction;
        },
        encrypted ? &good() : nullptr);
    ServiceClient::Settings settings;
    settings.endpoint.tls.ca = reference(ca().pem());
    make_client(settings);
    EXPECT_EQ(get(service.url()), "asked");
    EXPECT_EQ(client_->idle_connections(), 1U);
    gate.set_value();
    EXPECT_TRUE(run_until([&] { return client_->idle_connections() == 0; }));
    EXPECT_EQ(get(service.url()), "asked");
    EXPECT_EQ(service.connections(), 2U);
  }
}

TEST_F(AClient, NoticesThatAConnectionHasEnded) {
  ScriptedService service(&count);
  get(service.url());
  service.drop_connections();
  EXPECT_TRUE(run_until([&] { return client_->idle_connections() == 0; }));
  EXPECT_EQ(get(service.url()), "1/0");
}

TEST_F(AClient, AsksOnceMoreWhereAConnectionHadEnded) {
  // It ends when the second request arrives.
  ScriptedService service([](const Received& received) { return received.nth == 0 ? count(received) : hang_up(); });
  EXPECT_EQ(get(service.url()), "0/0");
  EXPECT_EQ(get(service.url()), "1/0");
  EXPECT_EQ(service.asked(), 3U);
}

TEST_F(AClient, ThatAConnectionHasWaitedTooLongIsNoAnswer) {
  const auto give_up = [](const Received&) {
    auto reaction = respond(408, "late", "Connection: close\r\n");
    reaction.then = Reaction::Then::Close;
    return reaction;
  };
  ScriptedService service(
      [&](const Received& received) { return received.nth == 0 ? count(received) : give_up(received); });
  EXPECT_EQ(get(service.url()), "0/0");
  EXPECT_EQ(get(service.url()), "1/0");
  service.script([](const Received&) { return respond(408, "no"); });
  EXPECT_EQ(get(service.url()), "no") << "which stays open, so that it is about the request";
  service.script(give_up);
  client_->close();
  make_client({});
  EXPECT_EQ(get(service.url()), "late") << "of one that is new it is, too";
}

TEST_F(AClient, AsksNoMoreOnceAnAnswerHasBegun) {
  ScriptedService service([](const Received& received) {
    if (received.nth == 0) return count(received);
    return Reaction{"HTTP/1.1 2", Reaction::Then::Close};
  });
  get(service.url());
  EXPECT_EQ(get(service.url()), "the connection ended in the middle of the answer");
  EXPECT_EQ(service.asked(), 2U);
}

TEST_F(AClient, AFreshConnectionThatEndsIsAFailure) {
  ScriptedService service([](const Received&) { return hang_up(); });
  EXPECT_EQ(get(service.url()), "the connection ended in the middle of the answer");
  EXPECT_EQ(service.asked(), 1U);
}

TEST_F(AClient, WhatMustNotBeRepeatedHasAConnectionOfItsOwn) {
  std::string head;
  ScriptedService service([&](const Received& received) {
    head = received.head;
    return count(received);
  });
  ServiceClient::Settings settings;
  settings.may_repeat = false;
  make_client(settings);
  EXPECT_EQ(get(service.url()), "0/0");
  EXPECT_EQ(get(service.url()), "1/0");
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n"));
  service.script([](const Received&) { return hang_up(); });
  get(service.url());
  EXPECT_EQ(service.asked(), 3U);
}

TEST_F(AClient, KeepsAnUnusedConnectionForAWhileOnly) {
  ScriptedService service(&count);
  ServiceClient::Settings settings;
  settings.idle = milliseconds(60);
  make_client(settings);
  get(service.url());
  EXPECT_EQ(client_->idle_connections(), 1U);
  EXPECT_TRUE(run_until([&] { return client_->idle_connections() == 0; }));
  EXPECT_TRUE(eventually([&] { return service.open_connections() == 0; }));
}

TEST_F(AClient, KeepsEightAtMost) {
  std::promise<void> gate;
  ScriptedService service([opened = gate.get_future().share()](const Received& received) {
    opened.wait();
    return count(received);
  });
  int ended = 0;
  for (int i = 0; i < 12; ++i) {
    client_->begin({.url = *parse_url(service.url())}, steady_clock::now() + seconds(4), 1'000,
                   [&](const OrMessage<HttpAnswer>&) { ++ended; });
  }
  ASSERT_TRUE(run_until([&] { return service.asked() == 12; }));
  gate.set_value();
  ASSERT_TRUE(run_until([&] { return ended == 12; }));
  EXPECT_EQ(client_->idle_connections(), 8U);
  client_->close();
  EXPECT_TRUE(run_until([&] { return client_->idle_connections() == 0; }));
}

TEST_F(AClient, OneDeadlineIsForAllOfIt) {
  ScriptedService service([](const Received&) { return say_nothing(); });
  ServiceClient::Settings settings;
  settings.endpoint.timeout = milliseconds(150);
  make_client(settings);
  const auto start = steady_clock::now();
  EXPECT_EQ(get(service.url(), milliseconds(100)), "timed out after 150 ms");
  EXPECT_LT(steady_clock::now() - start, seconds(3));
  // Also where a connection was kept.
  service.script([](const Received& received) { return received.nth == 0 ? count(received) : say_nothing(); });
  get(service.url());
  EXPECT_EQ(get(service.url(), milliseconds(100)), "timed out after 150 ms");
}

TEST_F(AClient, AnswersHaveALimit) {
  ScriptedService service([](const Received&) { return respond(200, std::string(10'000, 'x')); });
  EXPECT_EQ(get(service.url(), seconds(4), 10'000).size(), 10'000U);
  EXPECT_EQ(get(service.url(), seconds(4), 9 * 1024), "the answer is larger than 9 KiB");
  service.script([](const Received&) { return respond(200, "", "X: " + std::string(20'000, 'x') + "\r\n"); });
  EXPECT_EQ(get(service.url()), "the head of the answer is larger than 16 KiB");
}

TEST_F(AClient, ConnectionsLeadToOnePlace) {
  ScriptedService one(&count);
  ScriptedService two([](const Received&) { return respond(200, "two"); });
  EXPECT_EQ(get(one.url()), "0/0");
  EXPECT_EQ(get(two.url()), "two");
  EXPECT_EQ(get(one.url("/other")), "0/1");
}

TEST_F(AClient, BelievesTheRightCertificateOnly) {
  const auto wrong = make_certificate("auth", "DNS:other.test", &ca());
  ScriptedService service(&count, &wrong);
  ServiceClient::Settings settings;
  settings.endpoint.tls.ca = reference(ca().pem());
  make_client(settings);
  EXPECT_EQ(get(service.url("/", "auth.test")), "the certificate is not for this host");
  settings.endpoint.tls.server_name = "other.test";
  make_client(settings);
  EXPECT_THAT(get(service.url("/", "auth.test")), HasSubstr("/0")) << "the name that is configured counts";
  EXPECT_THAT(get(service.url()), HasSubstr("/0")) << "in place of an address, too";
  settings.endpoint.tls.ca.reset();
  make_client(settings);
  EXPECT_THAT(get(service.url()), StartsWith("the certificate is not signed by a CA that is trusted"));
  settings.endpoint.tls.ca = reference("nothing");
  make_client(settings);
  EXPECT_THAT(get(service.url()), StartsWith("`ca`: it holds no certificate"));
}

TEST_F(AClient, ShowsItsOwnCertificate) {
  const auto mine = make_certificate("sidegate", "", &ca());
  ScriptedService service(&count, &good(), &ca());
  ServiceClient::Settings settings;
  settings.endpoint.tls.ca = reference(ca().pem());
  make_client(settings);
  EXPECT_NE(get(service.url()), "0/0");
  EXPECT_EQ(service.asked(), 0U);
  settings.endpoint.tls.certificate = reference(mine.pem());
  settings.endpoint.tls.private_key = reference(key_pem(mine));
  make_client(settings);
  EXPECT_THAT(get(service.url()), HasSubstr("/0"));
  EXPECT_EQ(service.asked(), 1U);
}

TEST_F(AClient, PlainHttpStaysOnThisMachine) {
  KnownHosts elsewhere(
      io_, [](const std::string&) -> OrMessage<Addresses> { return Addresses{*base::IpAddress::parse("192.0.2.1")}; });
  client_ = std::make_shared<ServiceClient>(io_, elsewhere, ServiceClient::Settings{});
  EXPECT_EQ(get("http://localhost/"), "by plain http 192.0.2.1 is not asked: it is another machine");
  client_->close();
  EXPECT_THAT(get("http://169.254.169.254/"), HasSubstr("link-local"));
}

TEST_F(AClient, NothingIsDoneBeforeItHasBegun) {
  ServiceClient::Settings settings;
  settings.endpoint.tls.ca = reference("no certificate");
  make_client(settings);
  std::shared_ptr<Call> call;
  bool done = false;
  boost::asio::post(io_, [&] {
    call = client_->begin({.url = *parse_url("https://auth.test/")}, steady_clock::now() + seconds(4), 1'000,
                          [&](const OrMessage<HttpAnswer>& answer) {
                            EXPECT_FALSE(answer) << "there are no settings, so that nothing is awaited";
                            EXPECT_NE(call, nullptr);
                            done = true;
                          });
  });
  EXPECT_TRUE(run_until([&] { return done; }));
}

TEST_F(AClient, CanBeCut) {
  ScriptedService service([](const Received&) { return say_nothing(); });
  std::optional<std::string> got;
  const auto call = client_->begin({.url = *parse_url(service.url())}, steady_clock::now() + seconds(60), 1'000,
                                   [&](const OrMessage<HttpAnswer>& answer) { got = answer.error().text; });
  ASSERT_TRUE(run_until([&] { return service.asked() == 1; }));
  call->cut("enough");
  EXPECT_TRUE(run_until([&] { return got == "enough"; }));
}

}  // namespace
}  // namespace sidegate::authority
