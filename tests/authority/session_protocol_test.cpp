#include "session_protocol.hpp"

#include "http_answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::SessionRefresh settings() {
  config::SessionRefresh settings;
  settings.endpoint.url = "https://auth.test/refresh/";
  return settings;
}

SessionProtocol protocol() {
  return *SessionProtocol::create(settings());
}

HttpAnswer setting(const std::vector<const char*>& cookies, std::string_view body = {}, unsigned status = 200) {
  auto answer = json_answer(body, status);
  for (const char* const cookie : cookies) answer.set_cookies.emplace_back(cookie);
  return answer;
}

/// What a session was renewed with.
struct Renewed {
  std::string access;
  bool sets_access = false;
  std::string refresh;
  std::vector<std::string> cookies;
};

Renewed read(const HttpAnswer& answer) {
  const auto reading = protocol().read(answer, "old");
  EXPECT_EQ(words_of(reading), "yes ");
  if (!reading || !(*reading)->session) return {};
  const auto& session = *(*reading)->session;
  Renewed renewed{std::string(session.access.reveal()), session.sets_access, std::string(session.refresh.reveal()), {}};
  for (const auto& cookie : session.cookies) renewed.cookies.emplace_back(cookie.reveal());
  EXPECT_EQ((*reading)->claims, nullptr);
  return renewed;
}

std::string refusal(const HttpAnswer& answer) {
  return words_of(protocol().read(answer, "old"));
}

TEST(SessionRequest, SendsTheRefreshTokenTwice) {
  const auto request = protocol().request("abc\\def");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.target, "/refresh/");
  EXPECT_EQ(request.content_type, "application/json");
  EXPECT_EQ(request.fields.reveal(), "Cookie: refresh_token=abc\\def\r\n");
  EXPECT_EQ(request.body.reveal(), R"({"refresh":"abc\\def"})");
  EXPECT_TRUE(protocol().can_send("abc"));
  for (const char* const token : {"a;b", "a b", "a\"b", "a,b", "a\n"}) EXPECT_FALSE(protocol().can_send(token));
}

TEST(SessionRequest, WhatCanNeverBeAskedIsFoundAtOnce) {
  auto with = settings();
  with.endpoint.url = "http://auth.test/";
  EXPECT_FALSE(SessionProtocol::create(with));
  with = settings();
  with.endpoint.credential.kind = config::OwnCredential::Kind::ApiKey;
  with.endpoint.credential.name = "Cookie";
  with.endpoint.credential.secret.secret = base::Secret("x");
  EXPECT_FALSE(SessionProtocol::create(with));
}

TEST(SessionAnswer, ACookieIsTheNewToken) {
  const auto renewed = read(setting({"access_token=new; HttpOnly; Path=/", "theme=dark"}, R"({"access":"other"})"));
  EXPECT_EQ(renewed.access, "new");
  EXPECT_TRUE(renewed.sets_access);
  EXPECT_EQ(renewed.refresh, "");
  EXPECT_THAT(renewed.cookies, ElementsAre("access_token=new; HttpOnly; Path=/", "theme=dark"));
  EXPECT_EQ(read(setting({"access_token=new"}, "no JSON at all")).access, "new");
  EXPECT_EQ(read(setting({"access_token = new "}, "", 201)).access, "new");
  EXPECT_EQ(read(setting({"access_token=first", "access_token=second; Path=/"})).access, "second");
}

TEST(SessionAnswer, ElseAMemberIs) {
  auto renewed = read(setting({}, R"({"access":"new"})"));
  EXPECT_EQ(renewed.access, "new");
  EXPECT_FALSE(renewed.sets_access);
  EXPECT_THAT(renewed.cookies, IsEmpty());
  EXPECT_EQ(read(setting({}, R"({"data":{"access":"new","refresh":"r2"}})")).refresh, "r2");
  renewed = read(setting({"theme=dark", "access_token=; Max-Age=0", "Access_Token=x", "access_token"},
                         R"({"access":"new","refresh":"r2"})"));
  EXPECT_EQ(renewed.access, "new");
  EXPECT_FALSE(renewed.sets_access);
  EXPECT_EQ(renewed.refresh, "r2");
}

TEST(SessionAnswer, ARefreshTokenMayBeNewToo) {
  EXPECT_EQ(read(setting({"access_token=new", "refresh_token=r2; HttpOnly"}, R"({"refresh":"r3"})")).refresh, "");
  EXPECT_EQ(read(setting({"access_token=new"}, R"({"refresh":"r3"})")).refresh, "r3");
  EXPECT_EQ(read(setting({"access_token=new"}, R"({"refresh":"old"})")).refresh, "");
  EXPECT_EQ(read(setting({"access_token=new"}, R"({"refresh":7})")).refresh, "");
}

TEST(SessionAnswer, OrItIsNone) {
  for (const unsigned status : {400U, 401U, 403U}) {
    EXPECT_EQ(refusal(setting({"access_token=x"}, R"({"access":"x"})", status)), "no rejected");
  }
  for (const unsigned status : {202U, 204U, 302U, 404U, 429U, 500U, 503U}) {
    EXPECT_EQ(refusal(setting({"access_token=x"}, R"({"access":"x"})", status)), "answered " + std::to_string(status));
  }
  for (const char* const body :
       {"", "{}", "<html>", R"({"access":""})", R"({"access":7})", R"({"access":"x","access":"y"})"}) {
    EXPECT_EQ(refusal(setting({}, body)), "the answer holds no new token") << body;
  }
}

TEST(SessionAnswer, SetsOnlySoMuch) {
  const std::string large = "big=" + std::string(8 * 1024 - 4, 'x');
  std::vector<const char*> cookies(15, "theme=dark");
  cookies.push_back("access_token=new");
  EXPECT_EQ(read(setting(cookies)).cookies.size(), 16U);
  EXPECT_EQ(read(setting({"access_token=new", large.c_str()})).cookies.size(), 2U);
  const char* const too_much = "the answer sets more cookies, or larger ones, than are handed on";
  cookies.push_back("one=more");
  EXPECT_EQ(refusal(setting(cookies)), too_much);
  EXPECT_EQ(refusal(setting({"access_token=new", (large + 'x').c_str()})), too_much);
}

TEST(SessionAnswer, SaysHowMuchItHolds) {
  const std::string token(5'000, 'x');
  const auto reading = protocol().read(setting({("access_token=" + token).c_str()}), "old");
  EXPECT_GT((*reading)->bytes, 10'000U);
}

}  // namespace
}  // namespace sidegate::authority
