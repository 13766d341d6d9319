#include <sidegate/revocation/revocations.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <regex>
#include <string>
#include <utility>

#include "inquiring.hpp"

/// Sessions of browsers that are kept alive.
namespace sidegate::policy {
namespace {

using base::Reason;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* kConfiguration =
    "version: 1\n"
    "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
    "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
    "authenticators:\n"
    "  staff: {jwt: {token: [{cookie: access_token}, {bearer: Authorization}], "
    "keys: [{secret: 0123456789abcdef0123456789abcdef}], algorithms: [HS256]}}\n"
    "  other: {jwt: {token: [{cookie: other_token}], "
    "keys: [{secret: 0123456789abcdef0123456789abcdef}], algorithms: [HS256]}}\n"
    "session_refresh: {for: [staff], cookie: access_token, refresh_cookie: refresh_token, "
    "url: \"http://127.0.0.1:1/refresh\", threshold: 300s}\n"
    "inject: {X-User-Id: \"{subject}\"}\n"
    "routes:\n"
    "  - {name: other, path: /other/**, authenticate: [other], upstream: app}\n"
    "  - {name: shared, path: /shared/**, authenticate: [staff], csrf: none, upstream: app}\n"
    "  - {name: hidden, path: /hidden/**, authenticate: [staff], forward_credential: false, upstream: app}\n"
    "  - {name: app, path: /**, authenticate: [staff], upstream: app}\n";

/// A token of an hour that ends in so many seconds.
std::string ending_in(int left, std::string_view subject = "ann", int lifetime = 3600) {
  const auto now = kNow.time_since_epoch().count();
  return token_of({{"sub", subject}, {"iat", now + left - lifetime}, {"exp", now + left}});
}

std::string get(const std::string& access, const std::string& refresh = "r1", const std::string& path = "/a") {
  return request_of("GET " + path, {"Cookie: a=1; access_token=" + access + "; refresh_token=" + refresh + "; b=2"});
}

std::shared_ptr<inquiry::Answer> renewed(std::string access, std::string refresh = {},
                                         std::vector<base::Secret> cookies = {}, bool sets_access = false) {
  auto answer = yes("");
  answer->session = std::make_shared<const inquiry::RenewedSession>(
      inquiry::RenewedSession{.access = base::Secret(std::move(access)),
                              .sets_access = sets_access,
                              .refresh = base::Secret(std::move(refresh)),
                              .cookies = std::move(cookies)});
  return answer;
}

Inquiring::Answering always(std::shared_ptr<inquiry::Answer> answer) {
  return [answer = std::move(answer)](const inquiry::Question&) { return answer; };
}

class SessionRenewalTest : public testing::Test {
 protected:
  std::shared_ptr<revocation::Revocations> revocations_ = std::make_shared<revocation::Revocations>();
  Inquiring inquiring_{kConfiguration, {.revocations = revocations_}};
};

TEST_F(SessionRenewalTest, ATokenThatEndsSoonIsReplaced) {
  const auto fresh = ending_in(3600);
  EXPECT_EQ(inquiring_.decide(get(ending_in(299)), always(renewed(fresh))),
            "forward app staff=ann -authorization -cookie");
  EXPECT_THAT(inquiring_.asked, ElementsAre("session_refresh r1"));
  EXPECT_THAT(inquiring_.lines(),
              HasSubstr("X-User-Id: ann\r\nCookie: a=1; refresh_token=r1; b=2; access_token=" + fresh + "\r\n"));
  EXPECT_TRUE(inquiring_.inquiries().renewed);
  EXPECT_EQ(inquiring_.inquiries().answer_lines,
            "Set-Cookie: access_token=" + fresh + "; HttpOnly; SameSite=Lax; Path=/\r\n");
  EXPECT_EQ(inquiring_.decision().ends, kNow + seconds(3600)) << "a tunnel lives as long as the new one";
  EXPECT_EQ(inquiring_.decision().ends_with, fresh);
}

TEST_F(SessionRenewalTest, SoIsOneThatHasEnded) {
  EXPECT_EQ(inquiring_.decide(get(ending_in(-5)), always(renewed(ending_in(3600)))),
            "forward app staff=ann -authorization -cookie");
  EXPECT_TRUE(inquiring_.inquiries().renewed);
}

TEST_F(SessionRenewalTest, OneThatLastsIsLeftAlone) {
  EXPECT_EQ(inquiring_.decide(get(ending_in(301)), always(renewed(ending_in(3600)))),
            "forward app staff=ann -authorization");
  EXPECT_THAT(inquiring_.asked, ElementsAre());
  EXPECT_FALSE(inquiring_.inquiries().renewed);
}

TEST_F(SessionRenewalTest, TheThresholdIsAtMostAFifthOfTheLifetime) {
  const auto answering = always(renewed(ending_in(3600)));
  EXPECT_EQ(inquiring_.decide(get(ending_in(61, "ann", 300)), answering), "forward app staff=ann -authorization");
  EXPECT_EQ(inquiring_.decide(get(ending_in(60, "ann", 300)), answering),
            "forward app staff=ann -authorization -cookie");
}

TEST_F(SessionRenewalTest, OnlyACookieIsRenewedAndOnlyWithARefreshToken) {
  const auto answering = always(renewed(ending_in(3600)));
  const auto soon = ending_in(10);
  inquiring_.decide(request_of("GET /a", {"Authorization: Bearer " + soon, "Cookie: refresh_token=r1"}), answering);
  EXPECT_THAT(inquiring_.asked, ElementsAre()) << "a bearer token";
  inquiring_.decide(request_of("GET /a", {"Cookie: access_token=" + soon}), answering);
  EXPECT_THAT(inquiring_.asked, ElementsAre()) << "no refresh token";
  inquiring_.decide(request_of("GET /a", {"Cookie: access_token=" + soon + "; refresh_token="}), answering);
  EXPECT_THAT(inquiring_.asked, ElementsAre()) << "an empty one";
  inquiring_.decide(get(soon, "r1; refresh_token=r2"), answering);
  EXPECT_THAT(inquiring_.asked, ElementsAre()) << "two of them";
  inquiring_.decide(request_of("GET /other/a", {"Cookie: other_token=" + soon + "; refresh_token=r1"}), answering);
  EXPECT_THAT(inquiring_.asked, ElementsAre()) << "another authenticator";
  EXPECT_EQ(inquiring_.decide(request_of("GET /a", {"Cookie: refresh_token=r1"}), answering),
            "refuse missing staff missing");
  EXPECT_THAT(inquiring_.asked, ElementsAre()) << "nothing to renew";
}

TEST_F(SessionRenewalTest, OneThatDoesNotHoldOtherwiseIsNeverRenewed) {
  const auto answering = always(renewed(ending_in(3600)));
  auto forged = ending_in(-5);
  forged.back() = forged.back() == 'A' ? 'Q' : 'A';
  EXPECT_THAT(inquiring_.decide(get(forged), answering), HasSubstr("refuse bad_signature"));
  EXPECT_THAT(inquiring_.decide(get("abc"), answering), HasSubstr("refuse malformed"));
  const auto now = kNow.time_since_epoch().count();
  EXPECT_THAT(inquiring_.decide(get(token_of({{"exp", now - 5}})), answering), HasSubstr("refuse expired"))
      << "it names nobody";
  EXPECT_THAT(inquiring_.decide(get(token_of({{"sub", "ann"}, {"exp", now - 5}, {"iat", now + 100}})), answering),
              HasSubstr("refuse not_yet_valid"));
  EXPECT_THAT(inquiring_.asked, ElementsAre());
}

TEST_F(SessionRenewalTest, ARevokedSessionIsNeverRenewed) {
  const auto answering = always(renewed(ending_in(3600)));
  const auto now = kNow.time_since_epoch().count();
  const auto issued = [&](std::string subject, long at) {
    return token_of({{"sub", std::move(subject)}, {"iat", at}, {"exp", now - 5}});
  };
  revocations_->add({{.authenticator = "staff",
                      .kind = revocation::Rule::Kind::Subject,
                      .name = "ann",
                      .issued_before = kNow - seconds(100),
                      .expires = kNow + seconds(1000)}},
                    kNow);
  EXPECT_EQ(inquiring_.decide(get(issued("ann", now - 200)), answering), "refuse expired staff expired");
  EXPECT_THAT(inquiring_.asked, ElementsAre());
  const auto young = issued("ann", now - 50);
  const auto old_refresh = token_of({{"sub", "ann"}, {"iat", now - 200}, {"exp", now + 1000}});
  EXPECT_EQ(inquiring_.decide(get(young, old_refresh), answering), "refuse expired staff expired");
  EXPECT_THAT(inquiring_.asked, ElementsAre()) << "the refresh token is older than the rule";
  const auto young_refresh = token_of({{"sub", "ann"}, {"iat", now - 50}, {"exp", now + 1000}});
  EXPECT_EQ(inquiring_.decide(get(young, young_refresh), answering), "forward app staff=ann -authorization -cookie");
}

TEST_F(SessionRenewalTest, TheNewTokenMustPassAndNameTheSame) {
  for (const std::string& wrong : {std::string("abc"), ending_in(-1), ending_in(3600, "bob"), std::string(),
                                   ending_in(3600) + "; Domain=evil", ending_in(3600) + "\r\nX: y"}) {
    Inquiring inquiring(kConfiguration);
    const auto old = ending_in(10);
    EXPECT_EQ(inquiring.decide(get(old), always(renewed(wrong))), "forward app staff=ann -authorization") << wrong;
    EXPECT_FALSE(inquiring.inquiries().renewed);
    EXPECT_EQ(inquiring.inquiries().answer_lines, "");
    EXPECT_THAT(inquiring.lines(), Not(HasSubstr("Cookie")));
    EXPECT_EQ(inquiring.decision().ends_with, old);
    EXPECT_EQ(inquiring.decision().ends, kNow + seconds(10));
    EXPECT_EQ(inquiring.decide(get(ending_in(-5), "r2"), always(renewed(wrong))), "refuse expired staff expired");
  }
}

TEST_F(SessionRenewalTest, AFailureNeverRefusesATokenThatHolds) {
  EXPECT_EQ(inquiring_.decide(get(ending_in(10)), always(cannot_tell())), "forward app staff=ann -authorization");
  EXPECT_EQ(inquiring_.decide(get(ending_in(10), "r2"), always(no())), "forward app staff=ann -authorization");
}

TEST_F(SessionRenewalTest, WithoutAnAnswerAnEndedSessionCannotBeDecidedOn) {
  EXPECT_EQ(inquiring_.decide(get(ending_in(-5)), always(cannot_tell(seconds(7)))),
            "refuse unavailable staff unavailable");
  EXPECT_EQ(inquiring_.lines(), "Retry-After: 7\r\n");
  EXPECT_EQ(inquiring_.decide(get(ending_in(-5), "r2"), always(no())), "refuse expired staff expired");
}

TEST_F(SessionRenewalTest, TheResultIsUsedAgainForRequestsThatWereSentBefore) {
  const auto old = ending_in(10);
  const auto fresh = ending_in(3600);
  inquiring_.decide(get(old), always(renewed(fresh)));
  EXPECT_EQ(inquiring_.decide(get(old, "r1", "/b")), "forward app staff=ann -authorization -cookie");
  EXPECT_THAT(inquiring_.lines(), HasSubstr("access_token=" + fresh));
  EXPECT_THAT(inquiring_.inquiries().answer_lines, HasSubstr("Set-Cookie: access_token=" + fresh));
  EXPECT_EQ(inquiring_.decide(get(fresh, "r1", "/b")), "forward app staff=ann -authorization");
  EXPECT_FALSE(inquiring_.inquiries().renewed) << "it has the new one by now";
}

TEST_F(SessionRenewalTest, CookiesOfTheServiceAreHandedOnAsTheyAre) {
  const auto fresh = ending_in(3600);
  const auto answer = renewed(fresh, "",
                              {base::Secret("access_token=" + fresh + "; Path=/; Max-Age=300; Secure"),
                               base::Secret("refresh_token=r2; Path=/api; HttpOnly"), base::Secret("csrftoken=x")},
                              true);
  inquiring_.decide(get(ending_in(10)), always(answer));
  EXPECT_EQ(inquiring_.inquiries().answer_lines, "Set-Cookie: access_token=" + fresh +
                                                     "; Path=/; Max-Age=300; Secure\r\n"
                                                     "Set-Cookie: refresh_token=r2; Path=/api; HttpOnly\r\n"
                                                     "Set-Cookie: csrftoken=x\r\n");
}

TEST_F(SessionRenewalTest, ARotatedRefreshTokenBecomesACookieAndIsSecureBehindTls) {
  const auto fresh = ending_in(3600);
  const auto lines = [&](const std::string& extra, bool trusted) {
    Inquiring inquiring(kConfiguration);
    inquiring.decide(request_of("GET /a", {"Cookie: access_token=" + ending_in(10) + "; refresh_token=r1",
                                           "X-Forwarded-Proto: " + extra}),
                     always(renewed(fresh, "r2")), trusted);
    return inquiring.inquiries().answer_lines;
  };
  const std::string plain = "Set-Cookie: access_token=" + fresh +
                            "; HttpOnly; SameSite=Lax; Path=/\r\n"
                            "Set-Cookie: refresh_token=r2; HttpOnly; SameSite=Lax; Path=/\r\n";
  EXPECT_EQ(lines("http", true), plain);
  EXPECT_EQ(lines("https", false), plain) << "nobody believes this peer";
  EXPECT_EQ(lines("https", true), "Set-Cookie: access_token=" + fresh +
                                      "; HttpOnly; SameSite=Lax; Path=/; Secure\r\n"
                                      "Set-Cookie: refresh_token=r2; HttpOnly; SameSite=Lax; Path=/; Secure\r\n");
}

TEST_F(SessionRenewalTest, NamesThatSayThatTheyAreSecureAlwaysAre) {
  std::string configuration = kConfiguration;
  for (const std::string prefix : {"__Host-", "__Secure-"}) {
    configuration =
        std::regex_replace(std::string(kConfiguration), std::regex("(access|refresh)_token"), prefix + "$1_token");
    Inquiring inquiring(configuration);
    inquiring.decide(request_of("GET /a", {"Cookie: " + prefix + "access_token=" + ending_in(10) + "; " + prefix +
                                           "refresh_token=r1"}),
                     always(renewed(ending_in(3600), "r2")));
    EXPECT_THAT(inquiring.inquiries().answer_lines,
                MatchesRegex("Set-Cookie: " + prefix +
                             "access_token=[^;]*; HttpOnly; SameSite=Lax; Path=/; Secure\r\n"
                             "Set-Cookie: " +
                             prefix + "refresh_token=r2; HttpOnly; SameSite=Lax; Path=/; Secure\r\n"));
  }
}

TEST_F(SessionRenewalTest, ARequestThatAnotherSiteHadSentRenewsNothing) {
  const auto answering = always(renewed(ending_in(3600)));
  const auto post = [&](const std::string& origin, int left) {
    return inquiring_.decide(
        request_of("POST /a", {"Cookie: access_token=" + ending_in(left) + "; refresh_token=r1", "Origin: " + origin}),
        answering);
  };
  EXPECT_EQ(post("https://evil.example", 10), "refuse cross_site staff accepted ann");
  EXPECT_EQ(inquiring_.inquiries().answer_lines, "");
  EXPECT_EQ(post("https://evil.example", -5), "refuse expired staff expired");
  EXPECT_THAT(inquiring_.asked, ElementsAre());
  EXPECT_EQ(post("https://h.example", 10), "forward app staff=ann -authorization -cookie");
}

TEST_F(SessionRenewalTest, NorDoesWhatAnotherSiteShowsInsideOfItsPages) {
  const auto answering = always(renewed(ending_in(3600)));
  const auto get_with = [&](const std::string& path, const std::string& site, const std::string& what) {
    Inquiring inquiring(kConfiguration);
    inquiring.decide(request_of("GET " + path, {"Cookie: access_token=" + ending_in(10) + "; refresh_token=r1",
                                                "Sec-Fetch-Site: " + site, "Sec-Fetch-Dest: " + what}),
                     answering);
    return inquiring.inquiries().renewed;
  };
  EXPECT_FALSE(get_with("/a", "cross-site", "image"));
  EXPECT_FALSE(get_with("/a", "cross-site", "empty"));
  EXPECT_FALSE(get_with("/a", "cross-site", "iframe"));
  EXPECT_TRUE(get_with("/a", "cross-site", "document")) << "somebody has followed a link";
  EXPECT_TRUE(get_with("/a", "same-site", "empty"));
  EXPECT_TRUE(get_with("/a", "same-origin", "image"));
  EXPECT_TRUE(get_with("/a", "none", "document"));
  EXPECT_TRUE(get_with("/shared/a", "cross-site", "empty")) << "the route is for other sites as well";
}

TEST_F(SessionRenewalTest, ACredentialThatIsNotForwardedStaysAtHome) {
  inquiring_.decide(get(ending_in(10), "r1", "/hidden/x"), always(renewed(ending_in(3600))));
  EXPECT_TRUE(inquiring_.inquiries().renewed);
  EXPECT_THAT(inquiring_.lines(), HasSubstr("Cookie: a=1; b=2\r\n")) << "nor does what it is renewed with";
}

TEST_F(SessionRenewalTest, NothingOfARenewedSessionIsLeftForTheNextRequest) {
  inquiring_.decide(get(ending_in(10)), always(renewed(ending_in(3600))));
  EXPECT_EQ(inquiring_.decide(request_of("GET /a")), "refuse missing staff missing");
  EXPECT_FALSE(inquiring_.inquiries().renewed);
  EXPECT_EQ(inquiring_.inquiries().answer_lines, "");
  EXPECT_TRUE(inquiring_.inquiries().answers.empty());
}

}  // namespace
}  // namespace sidegate::policy
