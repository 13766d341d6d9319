#include <sidegate/authority/authority.hpp>
#include <sidegate/token/issuer_keys.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "options.hpp"
#include "scripted_issuer.hpp"

namespace sidegate::authority {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// RFC 7515 A.3 and RFC 8037 A.2.
std::string ec_key(const std::string& id) {
  return R"({"kty":"EC","crv":"P-256","kid":")" + id +
         R"(","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
}
std::string ed_key(const std::string& id) {
  return R"({"kty":"OKP","crv":"Ed25519","kid":")" + id + R"(","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
}

ScriptedIssuer::Script publishing(const std::string& keys, const std::string& fields = {}) {
  return always(answer_with(R"({"keys":[)" + keys + "]}", fields));
}

/// An authority, and one issuer that it follows.
class AuthorityTest : public testing::Test {
 protected:
  void follow(milliseconds refresh, milliseconds cooldown, config::Issuer::Kind kind = config::Issuer::Kind::JwksUrl) {
    config::Issuer settings;
    settings.kind = kind;
    settings.url = kind == config::Issuer::Kind::JwksUrl ? issuer_.url() : issuer_.url("");
    settings.refresh = refresh;
    settings.cooldown = cooldown;
    box_ = std::make_shared<token::IssuerKeys>(settings);
    authority_ = std::make_unique<Authority>(Authority::Options{.patience = patience_});
    authority_->follow({box_});
  }

  std::vector<std::string> key_ids() const {
    std::vector<std::string> ids;
    if (const auto keys = box_->keys()) {
      for (const auto& key : *keys) ids.push_back(key.id);
    }
    return ids;
  }
  bool publishes(const std::vector<std::string>& ids) const {
    return eventually([&] { return box_->version() != 0 && key_ids() == ids; });
  }
  bool has_failed(std::size_t times = 1) const {
    return eventually([&] { return box_->status().fetches_failed >= times; });
  }

  /// Asks, and waits until that is over.
  bool ask() {
    const auto done = std::make_shared<std::atomic<bool>>(false);
    authority_->ask(box_, [done] { *done = true; });
    return eventually([&] { return done->load(); });
  }

  milliseconds patience_{5'000};
  ScriptedIssuer issuer_{publishing(ec_key("a"))};
  std::shared_ptr<token::IssuerKeys> box_;
  std::unique_ptr<Authority> authority_;
};

TEST_F(AuthorityTest, WhoeverIsFollowedIsAskedAtOnce) {
  follow(hours(1), hours(1));
  EXPECT_TRUE(publishes({"a"}));
  EXPECT_EQ(issuer_.asked(), 1U);
  EXPECT_FALSE(box_->owes_answer());
}

TEST_F(AuthorityTest, KeysAreRefreshedAndThoseThatAreRemovedAreGone) {
  issuer_.script(publishing(ec_key("a") + "," + ed_key("b")));
  follow(milliseconds(30), milliseconds(10));
  ASSERT_TRUE(publishes({"a", "b"}));
  issuer_.script(publishing(ed_key("b")));
  EXPECT_TRUE(publishes({"b"}));
}

TEST_F(AuthorityTest, AnAnswerMayAskForAnEarlierRefreshButForNoneBeforeTheCooldown) {
  issuer_.script(publishing(ec_key("a"), "Cache-Control: max-age=0\r\n"));
  follow(hours(1), milliseconds(20));
  EXPECT_TRUE(issuer_.was_asked(3));
  issuer_.script(publishing(ec_key("a"), "Cache-Control: max-age=3600\r\n"));
  const auto before = issuer_.asked();
  ASSERT_TRUE(issuer_.was_asked(before + 1));
  ASSERT_TRUE(eventually([&] { return !box_->owes_answer(); }));
  EXPECT_LE(issuer_.asked(), before + 2) << "one may have been under way";
}

TEST_F(AuthorityTest, WhatIsKnownStaysWhileTheIssuerFails) {
  follow(milliseconds(20), milliseconds(10));
  ASSERT_TRUE(publishes({"a"}));
  const auto version = box_->version();
  const std::vector<ScriptedIssuer::Script> failures{
      always("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
      always("HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n{\"keys\": [ ]}"),
      always(answer_with("<html>please log in</html>")),
      always(answer_with(R"({"keys":[)" + ec_key("b") + R"(],"keys":[]})")),
      always(answer_with(R"({"keys":{}})")),
      always(answer_with(std::string(40, '[') + std::string(40, ']'))),
      always("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"keys\":[]}"),
      [](Conversation& conversation) { conversation.reset(); },
  };
  for (const auto& failure : failures) {
    issuer_.script(failure);
    ASSERT_TRUE(has_failed(box_->status().fetches_failed + 2)) << &failure - failures.data();
    EXPECT_THAT(key_ids(), ElementsAre("a"));
    EXPECT_TRUE(box_->owes_answer());
    EXPECT_THAT(box_->status().last_error, HasSubstr(issuer_.url()));
  }
  EXPECT_EQ(box_->version(), version);
  issuer_.script(publishing(ec_key("b")));
  EXPECT_TRUE(publishes({"b"}));
  EXPECT_EQ(box_->status().last_error, "");
}

TEST_F(AuthorityTest, AnIssuerThatHangsIsLeftAfterAWhile) {
  patience_ = milliseconds(60);
  issuer_.script(hang);
  follow(milliseconds(20), milliseconds(10));
  ASSERT_TRUE(has_failed());
  EXPECT_THAT(box_->status().last_error, HasSubstr("timed out after 60 ms"));
  EXPECT_EQ(box_->version(), 0U);
  issuer_.script(publishing(ec_key("a")));
  EXPECT_TRUE(publishes({"a"}));
}

TEST_F(AuthorityTest, AnEmptySetIsWhatTheIssuerSays) {
  follow(milliseconds(20), milliseconds(10));
  ASSERT_TRUE(publishes({"a"}));
  issuer_.script(publishing(""));
  EXPECT_TRUE(publishes({}));
}

TEST_F(AuthorityTest, ASecretThatIsPublishedIsNone) {
  issuer_.script(
      publishing(R"({"kty":"oct","kid":"s","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"},)" + ec_key("a")));
  follow(hours(1), hours(1));
  EXPECT_TRUE(publishes({"a"}));
}

TEST_F(AuthorityTest, TheKeysAreFoundByDiscovery) {
  issuer_.script([this](Conversation& conversation) {
    const auto document = R"({"issuer":")" + issuer_.url("") + R"(","jwks_uri":")" + issuer_.url("/keys") + "\"}";
    const bool is_discovery = conversation.target() == "/.well-known/openid-configuration";
    conversation.send(answer_with(is_discovery ? document : R"({"keys":[)" + ec_key(conversation.target()) + "]}"));
  });
  follow(hours(1), hours(1), config::Issuer::Kind::OidcIssuer);
  EXPECT_TRUE(publishes({"/keys"}));
  EXPECT_EQ(issuer_.asked(), 2U);
}

TEST_F(AuthorityTest, OneQuestionServesAllWhoAsk) {
  issuer_.script(hang);
  follow(hours(1), milliseconds(1));
  ASSERT_TRUE(issuer_.was_asked(1));
  std::atomic<int> told = 0;
  constexpr int kAskers = 1'000;
  for (int i = 0; i < kAskers; ++i) authority_->ask(box_, [&told] { ++told; });
  EXPECT_TRUE(box_->owes_answer());
  EXPECT_EQ(issuer_.asked(), 1U);
  authority_->follow({});
  EXPECT_TRUE(eventually([&] { return told == kAskers; })) << "those who wait for one that is given up are told";
}

TEST_F(AuthorityTest, AFloodOfQuestionsCostsOneInACooldown) {
  follow(hours(1), hours(1));
  ASSERT_TRUE(publishes({"a"}));
  std::atomic<int> told = 0;
  constexpr int kAskers = 100'000;
  for (int i = 0; i < kAskers; ++i) authority_->ask(box_, [&told] { ++told; });
  EXPECT_TRUE(eventually([&] { return told == kAskers; }));
  EXPECT_EQ(issuer_.asked(), 1U);
  EXPECT_FALSE(box_->may_ask(std::chrono::steady_clock::now()));
}

TEST_F(AuthorityTest, AfterTheCooldownItIsAskedOnceMore) {
  follow(hours(1), milliseconds(20));
  ASSERT_TRUE(publishes({"a"}));
  issuer_.script(publishing(ec_key("new")));
  ASSERT_TRUE(eventually([&] { return box_->may_ask(std::chrono::steady_clock::now()); }));
  ASSERT_TRUE(ask());
  EXPECT_THAT(key_ids(), ElementsAre("new")) << "by the time the asker is told";
}

TEST_F(AuthorityTest, WhoIsFollowedAlreadyIsNotAskedAnew) {
  follow(hours(1), hours(1));
  ASSERT_TRUE(publishes({"a"}));
  ScriptedIssuer other(publishing(ec_key("b")));
  config::Issuer settings;
  settings.url = other.url();
  const auto beside = std::make_shared<token::IssuerKeys>(settings);
  authority_->follow({beside, box_});
  ASSERT_TRUE(eventually([&] { return beside->version() != 0; }));
  EXPECT_EQ(issuer_.asked(), 1U);
}

TEST_F(AuthorityTest, OneThatIsNotFollowedIsNotAsked) {
  follow(hours(1), milliseconds(1));
  ASSERT_TRUE(publishes({"a"}));
  authority_->follow({});
  EXPECT_TRUE(ask());
  EXPECT_EQ(issuer_.asked(), 1U);
}

TEST_F(AuthorityTest, TheEndDoesNotWaitForAnIssuerThatHangs) {
  issuer_.script(hang);
  follow(hours(1), milliseconds(1));
  ASSERT_TRUE(issuer_.was_asked(1));
  authority_->ask(box_, [] {});
  const auto begin = std::chrono::steady_clock::now();
  authority_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, patience_);
}

}  // namespace
}  // namespace sidegate::authority
