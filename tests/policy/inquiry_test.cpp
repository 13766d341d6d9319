#include <sidegate/policy/recognition.hpp>
#include <sidegate/policy/trace.hpp>
#include <sidegate/revocation/revocations.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "inquiring.hpp"

/// What is decided where somebody else has to be asked about the token or the user.
namespace sidegate::policy {
namespace {

using base::CacheResult;
using base::Reason;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kAuthenticators =
    "version: 1\n"
    "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
    "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
    "authenticators:\n"
    "  staff: {jwt: {token: [{cookie: access_token}, {bearer: Authorization}], "
    "keys: [{secret: 0123456789abcdef0123456789abcdef}], algorithms: [HS256]}}\n"
    "  session: {remote: {token: [{bearer: Authorization}], url: \"http://127.0.0.1:1/validate\"}}\n"
    "  opaque: {introspection: {token: [{bearer: Authorization}], url: \"http://127.0.0.1:1/introspect\", "
    "client: {id: sidegate, secret: secret}}}\n"
    "user_info:\n"
    "  directory: {for: [staff, session], url: \"http://127.0.0.1:1/users/{subject}\", "
    "credential: {api_key: {header: X-API-Key, value: key}}}\n"
    "  strict: {for: [session], url: \"http://127.0.0.1:1/users/{subject}\", send_as: {cookie: access_token}, "
    "on_error: deny}\n"
    "inject: {X-User-Id: \"{subject}\", X-User-Email: \"{user.email|}\", X-User-Roles: \"{roles}\", "
    "X-User-Type: \"{claims.user_type|}\", X-Auth-Method: \"{authenticator}\"}\n"
    "routes:\n"
    "  - {name: both, path: /both/**, authenticate: [staff, session], upstream: app}\n"
    "  - {name: opaque, path: /opaque/**, authenticate: [opaque], upstream: app}\n"
    "  - {name: mixed, path: /mixed/**, authenticate: [staff, opaque], upstream: app}\n"
    "  - {name: known, path: /known/**, authenticate: [staff, session], user_info: directory, upstream: app}\n"
    "  - {name: strict, path: /strict/**, authenticate: [session], user_info: strict, upstream: app}\n"
    "  - {name: maybe, path: /maybe/**, authenticate: optional, user_info: directory, upstream: app}\n"
    "  - {name: session, path: /**, authenticate: [session], upstream: app}\n";

std::string get(const std::string& token, const std::string& path = "/a") {
  return request_of("GET " + path, {"Authorization: Bearer " + token});
}

/// A service that answers the same, whatever it is asked.
Inquiring::Answering always(std::shared_ptr<inquiry::Answer> answer) {
  return [answer = std::move(answer)](const inquiry::Question&) { return answer; };
}

class Inquiry : public testing::Test {
 protected:
  Inquiring inquiring_{kAuthenticators};
};

TEST_F(Inquiry, UntilItIsAnsweredARequestIsRefusedForNow) {
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse unavailable session unavailable");
  ASSERT_TRUE(inquiring_.inquiries().question);
  const auto& question = *inquiring_.inquiries().question;
  EXPECT_EQ(question.service->name(), "session");
  EXPECT_EQ(question.service->kind(), inquiry::Service::Kind::Remote);
  EXPECT_EQ(question.token.reveal(), "abc");
  EXPECT_EQ(inquiring_.decide(request_of("GET /a")), "refuse missing session missing");
  EXPECT_FALSE(inquiring_.inquiries().question) << "there is nothing to ask about";
}

TEST_F(Inquiry, AYesIsAnIdentity) {
  auto answer = yes("ann", R"({"user_type":"system","roles":["a","b"]})");
  answer->valid_until = kNow + seconds(60);
  EXPECT_EQ(inquiring_.decide(get("abc"), always(answer)), "forward session session=ann");
  EXPECT_EQ(inquiring_.lines(),
            "X-User-Id: ann\r\nX-User-Roles: a,b\r\nX-User-Type: system\r\nX-Auth-Method: session\r\n");
  EXPECT_EQ(inquiring_.decision().cache, CacheResult::Miss);
  EXPECT_EQ(inquiring_.decision().ends, kNow + seconds(60));
  EXPECT_EQ(inquiring_.decision().ends_with, "abc");
}

TEST_F(Inquiry, AnAnswerIsUsedAgainWhileItIsFresh) {
  inquiring_.decide(get("abc"), always(yes("ann")));
  inquiring_.moment = kMoment + seconds(10) - std::chrono::nanoseconds(1);
  EXPECT_EQ(inquiring_.decide(get("abc", "/b")), "forward session session=ann");
  EXPECT_EQ(inquiring_.decision().cache, CacheResult::Hit);
  EXPECT_EQ(inquiring_.decide(get("abd")), "refuse unavailable session unavailable") << "another token";
  inquiring_.moment = kMoment + seconds(10);
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse unavailable session unavailable");
  EXPECT_TRUE(inquiring_.inquiries().question);
}

TEST_F(Inquiry, WhatIsWithdrawnIsAskedAnew) {
  const auto answer = yes("ann");
  inquiring_.decide(get("abc"), always(answer));
  answer->withdraw();
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse unavailable session unavailable");
  EXPECT_EQ(inquiring_.decide(get("abc"), always(yes("bob"))), "forward session session=bob");
}

TEST_F(Inquiry, WhatIsNotKeptIsUsedForTheRequestThatAsked) {
  const auto answer = yes("ann");
  answer->fresh_until = base::SteadyTime::min();
  EXPECT_EQ(inquiring_.decide(get("abc"), always(answer)), "forward session session=ann");
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse unavailable session unavailable");
}

TEST_F(Inquiry, WithoutAClockNothingIsFresh) {
  inquiring_.decide(get("abc"), always(yes("ann")));
  inquiring_.moment = Request{}.moment;
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse unavailable session unavailable");
}

TEST_F(Inquiry, ANoIsARefusalAndIsRemembered) {
  EXPECT_EQ(inquiring_.decide(get("abc"), always(no())), "refuse rejected session rejected");
  EXPECT_EQ(inquiring_.decision().cache, CacheResult::Miss);
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse rejected session rejected");
  EXPECT_EQ(inquiring_.decision().cache, CacheResult::NegativeHit);
  EXPECT_THAT(inquiring_.lines(), HasSubstr("error=\"invalid_token\""));
  EXPECT_EQ(inquiring_.decide(get("abd"), always(no(Reason::WrongAudience))),
            "refuse wrong_audience session wrong_audience");
}

TEST_F(Inquiry, ThatItCannotBeToldIsNeitherAYesNorANo) {
  EXPECT_EQ(inquiring_.decide(get("abc"), always(cannot_tell(seconds(4)))), "refuse unavailable session unavailable");
  EXPECT_EQ(inquiring_.lines(), "Retry-After: 4\r\n");
  EXPECT_FALSE(inquiring_.inquiries().question);
  EXPECT_EQ(inquiring_.decide(get("abc"), always(yes("ann"))), "forward session session=ann") << "it is not remembered";
}

TEST_F(Inquiry, AnOldAnswerSaysThatItIsOne) {
  const auto answer = yes("ann");
  answer->stale = true;
  inquiring_.decide(get("abc"), always(answer));
  EXPECT_EQ(inquiring_.decide(get("abc")), "forward session session=ann");
  EXPECT_EQ(inquiring_.decision().cache, CacheResult::Stale);
}

TEST_F(Inquiry, ATokenHoldsNoLongerThanItSays) {
  const auto answer = yes("ann");
  answer->valid_from = kNow;
  answer->valid_until = kNow + seconds(1);
  EXPECT_EQ(inquiring_.decide(get("abc"), always(answer)), "forward session session=ann");
  inquiring_.now = kNow + seconds(1);
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse expired session expired") << "though the answer is fresh";
  inquiring_.now = kNow - seconds(1);
  EXPECT_EQ(inquiring_.decide(get("abc")), "refuse not_yet_valid session not_yet_valid");
}

TEST_F(Inquiry, ATooLongTokenIsNotAskedAbout) {
  EXPECT_EQ(inquiring_.decide(get(std::string(17'000, 'x'))), "refuse token_too_large session malformed");
  EXPECT_FALSE(inquiring_.inquiries().question);
}

TEST_F(Inquiry, AuthenticatorsDoNotShareAnswers) {
  inquiring_.decide(get("abc"), always(yes("ann")));
  EXPECT_EQ(inquiring_.decide(get("abc", "/opaque/x")), "refuse unavailable opaque unavailable");
  EXPECT_EQ(inquiring_.inquiries().question->service->name(), "opaque");
}

TEST_F(Inquiry, AnOpaqueTokenIsForWhoeverAsks) {
  EXPECT_EQ(inquiring_.decide(get("abc", "/both/x"), always(yes("ann"))), "forward both session=ann");
  EXPECT_EQ(inquiring_.decide(get("a.b", "/both/x"), always(yes("ann"))), "forward both session=ann");
  EXPECT_EQ(inquiring_.decide(get("a.b!.c", "/both/x"), always(yes("ann"))), "forward both session=ann");
  EXPECT_EQ(inquiring_.decide(get("abc", "/mixed/x"), always(yes("bob"))), "forward mixed opaque=bob");
}

TEST_F(Inquiry, ATokenOfThreePartsIsForWhoeverVerifies) {
  EXPECT_EQ(inquiring_.decide(get(token_of({{"sub", "42"}}), "/both/x")), "forward both staff=42");
  EXPECT_EQ(inquiring_.decide(get("a.b.c", "/both/x")), "refuse malformed staff malformed");
  EXPECT_EQ(inquiring_.decide(get(token_of({{"sub", "42"}}, "another secret of thirty-two byte"), "/both/x")),
            "refuse bad_signature staff bad_signature")
      << "and nobody else is asked instead";
  EXPECT_FALSE(inquiring_.inquiries().question);
}

TEST_F(Inquiry, InAPlaceThatOnlyOneReadsWhateverStandsThereIsForIt) {
  EXPECT_EQ(inquiring_.decide(request_of("GET /both/x", {"Cookie: access_token=abc"})),
            "refuse malformed staff malformed");
  EXPECT_EQ(inquiring_.decide(get("a.b.c")), "refuse unavailable session unavailable");
}

TEST(InquiryCompile, AnAuthenticatorBehindOneThatTakesEverythingIsNeverAsked) {
  const std::string text(kAuthenticators);
  const auto compiled =
      compile(text + "  - {path: /never/**, host: never.example, authenticate: [session, staff], upstream: app}\n");
  EXPECT_FALSE(compiled.ok);
  EXPECT_THAT(compiled.lines, testing::Contains(HasSubstr("\"staff\" would never be asked: \"session\" before it reads "
                                                          "the bearer token of Authorization too, and takes whatever "
                                                          "stands there")));
}

TEST_F(Inquiry, WhatIsKnownOfTheUserIsAskedNext) {
  const auto answering = [](const inquiry::Question& question) -> inquiry::AnswerPtr {
    if (question.service->name() == "session") return yes("ann", R"({"roles":["TTS:User"]})");
    return yes("ann", R"({"email":"ann@example.com","roles":[{"system":"AMS","role":"Admin"}]})");
  };
  EXPECT_EQ(inquiring_.decide(get("abc", "/known/x"), answering), "forward known session=ann");
  EXPECT_THAT(inquiring_.asked, ElementsAre("session abc", "directory ann"));
  EXPECT_THAT(inquiring_.lines(), HasSubstr("X-User-Email: ann@example.com\r\nX-User-Roles: TTS:User,AMS:Admin\r\n"));
  EXPECT_EQ(inquiring_.inquiries().user_info, 0U);
  EXPECT_EQ(inquiring_.inquiries().user_cache, CacheResult::Miss);
  EXPECT_EQ(inquiring_.decide(get("abc", "/known/y")), "forward known session=ann");
  EXPECT_EQ(inquiring_.inquiries().user_cache, CacheResult::Hit);
  EXPECT_EQ(inquiring_.decide(get("other token", "/known/y"), always(yes("ann"))), "forward known session=ann");
  EXPECT_THAT(inquiring_.asked, ElementsAre("session other token")) << "the user is known already";
}

TEST_F(Inquiry, ASubjectOfAnotherAuthenticatorIsAnotherUser) {
  inquiring_.decide(get("abc", "/known/x"), always(yes("ann")));
  EXPECT_EQ(inquiring_.decide(get(token_of({{"sub", "ann"}}), "/known/x"), always(yes("ann"))),
            "forward known staff=ann");
  EXPECT_THAT(inquiring_.asked, ElementsAre("directory ann"));
}

TEST_F(Inquiry, WhereTheTokenIsSentAlongItIsPartOfTheQuestion) {
  inquiring_.decide(get("abc", "/strict/x"), always(yes("ann")));
  EXPECT_THAT(inquiring_.asked, ElementsAre("session abc", "strict abcann"));
  inquiring_.decide(get("abd", "/strict/x"), always(yes("ann")));
  EXPECT_THAT(inquiring_.asked, ElementsAre("session abd", "strict abdann"));
  inquiring_.decide(get("abd", "/strict/x"), always(yes("ann")));
  EXPECT_THAT(inquiring_.asked, ElementsAre());
}

TEST_F(Inquiry, AUserOfWhomNothingIsKnownIsNoFailure) {
  const auto answering = [](const inquiry::Question& question) -> inquiry::AnswerPtr {
    return question.service->kind() == inquiry::Service::Kind::UserInfo ? no() : yes("ann");
  };
  EXPECT_EQ(inquiring_.decide(get("abc", "/known/x"), answering), "forward known session=ann");
  EXPECT_THAT(inquiring_.lines(), testing::Not(HasSubstr("X-User-Email")));
  EXPECT_EQ(inquiring_.decide(get("abc", "/strict/x"), answering), "forward strict session=ann");
}

TEST_F(Inquiry, ThatNothingCanBeToldOfAUserIsAFailureWhereItIsSaidToBe) {
  const auto answering = [](const inquiry::Question& question) -> inquiry::AnswerPtr {
    return question.service->kind() == inquiry::Service::Kind::UserInfo ? cannot_tell(seconds(3)) : yes("ann");
  };
  EXPECT_EQ(inquiring_.decide(get("abc", "/known/x"), answering), "forward known session=ann");
  EXPECT_EQ(inquiring_.decide(get("abc", "/strict/x"), answering), "refuse unavailable session accepted ann");
  EXPECT_EQ(inquiring_.lines(), "Retry-After: 3\r\n");
}

TEST_F(Inquiry, NobodyIsLookedUpForAnUnknownCallerOrForAnotherAuthenticator) {
  EXPECT_EQ(inquiring_.decide(request_of("GET /maybe/x"), always(yes("ann"))), "forward maybe -authorization");
  EXPECT_THAT(inquiring_.asked, ElementsAre());
}

TEST_F(Inquiry, WhatOutlivesItsHeadIsKnownByWhatTheServiceSaid) {
  inquiring_.decide(get("abc"), always(yes("ann", R"({"jti":"one","iat":1700000000})")));
  const auto held = inquiring_.policy().hold(inquiring_.decision(), inquiring_.scratch());
  EXPECT_EQ(held.authenticator, "session");
  EXPECT_EQ(held.subject, "ann");
  EXPECT_EQ(held.jti, "one");
  EXPECT_EQ(held.issued, base::UnixTime(seconds(1'700'000'000)));
}

TEST(InquiryRevocation, ARevokedTokenIsRefusedWhateverTheServiceSays) {
  const auto revocations = std::make_shared<revocation::Revocations>();
  Inquiring inquiring(kAuthenticators, {.revocations = revocations});
  EXPECT_EQ(inquiring.decide(get("abc"), always(yes("ann"))), "forward session session=ann");
  const auto recognised = inquiring.policy().recognise(1, "abc", kNow);
  ASSERT_TRUE(recognised.has_value());
  revocations->add({{.authenticator = "session",
                     .kind = revocation::Rule::Kind::Token,
                     .name = recognised->credential.digest,
                     .expires = kNow + seconds(100)}},
                   kNow);
  EXPECT_EQ(inquiring.decide(get("abc")), "refuse revoked session revoked") << "an answer that is kept";
  EXPECT_EQ(inquiring.decide(get("abd"), always(yes("ann"))), "forward session session=ann");
  revocations->add({{.authenticator = "session",
                     .kind = revocation::Rule::Kind::Subject,
                     .name = "ann",
                     .issued_before = kNow,
                     .expires = kNow + seconds(100)}},
                   kNow);
  EXPECT_EQ(inquiring.decide(get("abd")), "refuse revoked session revoked") << "nobody knows when it was issued";
}

TEST_F(Inquiry, EmptiedCachesAskAnew) {
  inquiring_.decide(get("abc", "/known/x"), always(yes("ann")));
  inquiring_.policy().empty_caches();
  EXPECT_EQ(inquiring_.decide(get("abc", "/known/x"), always(yes("ann"))), "forward known session=ann");
  EXPECT_THAT(inquiring_.asked, ElementsAre("session abc", "directory ann"));
}

TEST_F(Inquiry, ATraceTellsWhatTheServiceSaid) {
  Trace trace;
  inquiring_.trace = &trace;
  inquiring_.decide(get("abc", "/known/x"));
  ASSERT_FALSE(trace.token.empty());
  EXPECT_EQ(trace.token.back().name, token::CheckName::Service);
  EXPECT_EQ(trace.token.back().detail, "session was not asked");
  trace = {};
  inquiring_.decide(get("abc", "/known/x"), [&](const inquiry::Question&) {
    trace = {};
    return yes("ann");
  });
  EXPECT_EQ(trace.authenticator, "session");
  EXPECT_EQ(trace.user_detail, "directory knows the caller");
}

}  // namespace
}  // namespace sidegate::policy
