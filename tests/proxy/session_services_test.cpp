#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "running_proxy.hpp"
#include "scripts.hpp"

/// A request that only somebody else can decide on waits until they were asked, wherever it has to wait: about the
/// token, about the user, for a new token. It is brought to each of these places, and cut there in every way there is.
namespace sidegate::proxy {
namespace {

using inquiry::Answer;
using inquiry::Service;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<Answer> yes(std::string subject, boost::json::object claims = {}) {
  auto answer = std::make_shared<Answer>();
  answer->verdict = Answer::Verdict::Yes;
  answer->subject = std::move(subject);
  answer->claims = std::make_shared<const boost::json::object>(std::move(claims));
  answer->fresh_until = steady_clock::now() + std::chrono::hours(1);
  return answer;
}

std::shared_ptr<Answer> no() {
  auto answer = std::make_shared<Answer>();
  answer->verdict = Answer::Verdict::No;
  answer->reason = base::Reason::Rejected;
  answer->fresh_until = steady_clock::now() + std::chrono::hours(1);
  return answer;
}

std::string signed_token(int left) {
  const auto now = std::chrono::floor<seconds>(std::chrono::system_clock::now()).time_since_epoch().count();
  return *token::sign_jwt(boost::json::object{{"sub", "ann"}, {"iat", now - 3600}, {"exp", now + left}},
                          token::Algorithm::HS256, RunningProxy::kSecret);
}

std::shared_ptr<Answer> renewed(std::string access) {
  auto answer = yes("");
  answer->session = std::make_shared<const inquiry::RenewedSession>(
      inquiry::RenewedSession{.access = base::Secret(std::move(access)), .refresh = base::Secret("r2")});
  return answer;
}

/// Services that answer when they are told to, or at once what was said before.
class Services {
 public:
  using Answering = std::function<std::shared_ptr<Answer>(const inquiry::Question&)>;

  SharedState::AskService ask() {
    return [this](const inquiry::Question& question, SharedState::Answered done) {
      std::shared_ptr<Answer> answer;
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(question.service->kind());
        if (const auto known = at_once_ ? at_once_(question) : nullptr) {
          answer = known;
        } else {
          waiting_.push_back(done);
        }
      }
      if (answer != nullptr) done(answer, base::CacheResult::Miss);
    };
  }

  /// From now on these questions are answered at once; null: this one waits.
  void answer_at_once(Answering answering) {
    const std::lock_guard lock(mutex_);
    at_once_ = std::move(answering);
  }

  bool is_asked(Service::Kind kind, std::size_t times = 1) const {
    const auto deadline = steady_clock::now() + milliseconds(kPatienceMilliseconds);
    while (steady_clock::now() < deadline) {
      {
        const std::lock_guard lock(mutex_);
        const auto count = static_cast<std::size_t>(std::count(asked_.begin(), asked_.end(), kind));
        if (count >= times) return true;
      }
      std::this_thread::yield();
    }
    return false;
  }

  void answer(const std::shared_ptr<Answer>& answer) {
    std::vector<SharedState::Answered> waiting;
    {
      const std::lock_guard lock(mutex_);
      waiting.swap(waiting_);
    }
    for (const auto& done : waiting) done(answer, base::CacheResult::Miss);
  }

 private:
  mutable std::mutex mutex_;
  Answering at_once_;
  std::vector<Service::Kind> asked_;
  std::vector<SharedState::Answered> waiting_;
};

/// Where a request waits, and what it waits for.
struct Place {
  std::string name;
  std::string request;
  Service::Kind kind;
  std::shared_ptr<Answer> (*answer)();
};

std::string bearer(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer abc\r\n\r\n";
}

std::string with_cookies(const std::string& access) {
  return "GET /staff HTTP/1.1\r\nHost: h.example\r\nCookie: access_token=" + access +
         "; refresh_token=r1; other=x\r\n\r\n";
}

std::vector<Place> places() {
  return {{"Token", bearer("/session"), Service::Kind::Remote, [] { return yes("ann"); }},
          {"User", bearer("/known"), Service::Kind::UserInfo,
           [] {
             return yes("ann", {{"email", "a@b.c"}});
           }},
          {"Session", with_cookies(signed_token(-5)), Service::Kind::SessionRefresh,
           [] { return renewed(signed_token(3600)); }}};
}

class SessionServices : public testing::TestWithParam<Place> {
 protected:
  SessionServices() {
    // On the way to the user the token is known.
    services_.answer_at_once([](const inquiry::Question& question) {
      const bool knows = question.service->kind() == Service::Kind::Remote && GetParam().kind != Service::Kind::Remote;
      return knows ? yes("ann") : nullptr;
    });
  }

  ProxySettings settings() {
    return {.authenticators =
                ", session: {remote: {token: [{bearer: Authorization}], "
                "url: \"http://127.0.0.1:1/\", timeout: 30s}}",
            .blocks =
                "user_info: {directory: {for: [session], url: \"http://127.0.0.1:1/{subject}\", "
                "credential: {api_key: {header: X-API-Key, value: k}}}}\n"
                "session_refresh: {for: [staff], url: \"http://127.0.0.1:1/refresh\"}\n",
            .inject = ", X-User-Email: \"{user.email|}\"",
            .ask_service = services_.ask(),
            .routes =
                "routes: [{path: /session, authenticate: [session], upstream: app}, "
                "{path: /known, authenticate: [session], user_info: directory, upstream: app}, "
                "{path: /staff, authenticate: [staff], upstream: app}]\n"};
  }

  Services services_;
  ScriptedOrigin origin_{answering(std::string(kOk))};
};

TEST_P(SessionServices, ARequestWaitsForTheAnswerAndIsServed) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(GetParam().request));
  ASSERT_TRUE(services_.is_asked(GetParam().kind));
  services_.answer(GetParam().answer());
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(text_of(records[0], "subject"), "ann");
}

TEST_P(SessionServices, AClientThatResetsIsForgottenAtOnce) {
  RunningProxy proxy({origin_.port()}, settings());
  {
    Wire client(proxy.port());
    ASSERT_TRUE(client.send(GetParam().request));
    ASSERT_TRUE(services_.is_asked(GetParam().kind));
    client.reset();
  }
  EXPECT_TRUE(proxy.counters_become([](const auto& counters) { return counters.connections_open[0] == 0; }))
      << "before the service has answered";
  services_.answer(GetParam().answer());
  Wire next(proxy.port());
  ASSERT_TRUE(next.send(GetParam().request));
  ASSERT_TRUE(services_.is_asked(GetParam().kind, 2));
  services_.answer(GetParam().answer());
  EXPECT_EQ(next.read_answer().status(), 200U);
  next.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(text_of(records[0], "reason"), "client_gone");
}

TEST_P(SessionServices, AClientThatHasFinishedSendingStillGetsItsAnswer) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(GetParam().request));
  client.finish_sending();
  ASSERT_TRUE(services_.is_asked(GetParam().kind));
  services_.answer(GetParam().answer());
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST_P(SessionServices, AWorkerThatIsCutDoesNotWaitForTheAnswer) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(GetParam().request));
  ASSERT_TRUE(services_.is_asked(GetParam().kind));
  proxy.stop_accepting();
  proxy.abort();
  EXPECT_TRUE(proxy.ends_within(milliseconds(kPatienceMilliseconds)));
  services_.answer(GetParam().answer());
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST_P(SessionServices, AReloadMeanwhileChangesNothingForWhoWaits) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(GetParam().request));
  ASSERT_TRUE(services_.is_asked(GetParam().kind));
  proxy.apply({origin_.port()}, {.routes = "routes: [{path: /gone, authenticate: none, upstream: app}]\n"});
  services_.answer(GetParam().answer());
  EXPECT_EQ(client.read_answer().status(), 200U);
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

TEST_P(SessionServices, EverybodyWhoWaitsIsServedOnEveryWorker) {
  auto many = settings();
  many.workers = 2;
  RunningProxy proxy({origin_.port()}, many);
  constexpr std::size_t kClients = 16;
  std::vector<std::unique_ptr<Wire>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Wire>(proxy.port()));
    ASSERT_TRUE(clients.back()->send(GetParam().request));
  }
  ASSERT_TRUE(services_.is_asked(GetParam().kind, kClients));
  services_.answer(GetParam().answer());
  for (const auto& client : clients) EXPECT_EQ(client->read_answer().status(), 200U);
  clients.clear();
  EXPECT_EQ(proxy.stop().size(), kClients);
}

TEST_P(SessionServices, TheNextRequestOnTheConnectionIsServedAfterIt) {
  RunningProxy proxy({origin_.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(GetParam().request + GetParam().request));
  ASSERT_TRUE(services_.is_asked(GetParam().kind));
  services_.answer(GetParam().answer());
  EXPECT_EQ(client.read_answer().status(), 200U);
  EXPECT_EQ(client.read_answer().status(), 200U) << "with what is known by now";
  client.close();
  EXPECT_EQ(proxy.stop().size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(EveryPlace, SessionServices, testing::ValuesIn(places()),
                         [](const auto& place) { return place.param.name; });

/// What comes of it.
class ServiceAnswers : public testing::Test {
 protected:
  ProxySettings settings() {
    return {.authenticators =
                ", session: {remote: {token: [{bearer: Authorization}], "
                "url: \"http://127.0.0.1:1/\", timeout: 10ms}}",
            .blocks = "session_refresh: {for: [staff], url: \"http://127.0.0.1:1/refresh\"}\n",
            .ask_service = services_.ask(),
            .routes =
                "routes: [{path: /session, authenticate: [session], upstream: app}, "
                "{path: /staff, authenticate: [staff], max_body: 1KiB, upstream: app}]\n"};
  }

  Services services_;
};

TEST_F(ServiceAnswers, ANoIs401AndThatItCannotBeToldIs503) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, settings());
  services_.answer_at_once([](const auto&) { return no(); });
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(bearer("/session")));
  auto answer = client.read_answer();
  EXPECT_EQ(answer.status(), 401U);
  EXPECT_EQ(answer.body, R"({"error":"Invalid token"})");
  ASSERT_TRUE(client.send(bearer("/session")));
  EXPECT_EQ(client.read_answer().status(), 401U) << "it is remembered";
  services_.answer_at_once([](const auto&) {
    auto unknown = std::make_shared<Answer>();
    unknown->retry_after = seconds(4);
    return unknown;
  });
  ASSERT_TRUE(client.send("GET /session HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer abd\r\n\r\n"));
  answer = client.read_answer();
  EXPECT_EQ(answer.status(), 503U);
  EXPECT_EQ(answer.field("Retry-After"), "4");
  EXPECT_EQ(answer.body, R"({"error":"Auth service unavailable"})");
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(text_of(records[0], "cache"), "miss");
  EXPECT_EQ(text_of(records[1], "cache"), "negative_hit");
}

TEST_F(ServiceAnswers, WhereNobodyAnswersInTimeItIs503) {
  ScriptedOrigin origin(answering(std::string(kOk)));
  RunningProxy proxy({origin.port()}, settings());
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(bearer("/session")));
  EXPECT_EQ(client.read_answer().status(), 503U);
  services_.answer(yes("ann"));
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

/// The head of what the origin got, for whoever asks later.
class Overheard {
 public:
  ScriptedOrigin::Script answering(std::string answer) {
    return [this, answer = std::move(answer)](Wire& wire) {
      while (true) {
        const Message request = wire.read_request();
        if (!request.whole) return;
        {
          const std::lock_guard lock(mutex_);
          last_ = request;
        }
        if (!wire.send(answer)) return;
      }
    };
  }
  Message last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  mutable std::mutex mutex_;
  Message last_;
};

TEST_F(ServiceAnswers, ARenewedSessionGoesOnWithTheNewToken) {
  Overheard overheard;
  ScriptedOrigin origin(overheard.answering(
      "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nSet-Cookie: own=1\r\nContent-Length: 2\r\n\r\nok"));
  RunningProxy proxy({origin.port()}, settings());
  const auto fresh = signed_token(3600);
  services_.answer_at_once([&](const auto&) { return renewed(fresh); });
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(with_cookies(signed_token(10))));
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status(), 200U);
  EXPECT_THAT(answer.head, HasSubstr("Set-Cookie: own=1\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("Set-Cookie: access_token=" + fresh +
                                     "; HttpOnly; SameSite=Lax; Path=/\r\n"
                                     "Set-Cookie: refresh_token=r2; HttpOnly"));
  EXPECT_EQ(answer.field("Cache-Control"), "private, max-age=60");
  EXPECT_EQ(overheard.last().field("Cookie"), "refresh_token=r1; other=x; access_token=" + fresh);
  ASSERT_TRUE(client.send("GET /staff HTTP/1.1\r\nHost: h.example\r\nCookie: access_token=" + fresh + "\r\n\r\n"));
  const auto next = client.read_answer();
  EXPECT_THAT(next.head, Not(HasSubstr("refresh_token")));
  EXPECT_EQ(next.field("Cache-Control"), "public, max-age=60");
  client.close();
  const auto records = proxy.stop();
  ASSERT_EQ(records.size(), 2U);
}

TEST_F(ServiceAnswers, ItIsHandedOnWithWhateverAnswersTheRequest) {
  ScriptedOrigin origin([](Wire& wire) { wire.read_request(); });
  RunningProxy proxy({origin.port()}, settings());
  const auto fresh = signed_token(3600);
  services_.answer_at_once([&](const auto&) { return renewed(fresh); });
  Wire client(proxy.port());
  ASSERT_TRUE(client.send(with_cookies(signed_token(10))));
  const auto broken = client.read_answer();
  EXPECT_EQ(broken.status(), 502U);
  EXPECT_THAT(broken.head, HasSubstr("Set-Cookie: access_token=" + fresh));
  EXPECT_EQ(broken.field("Cache-Control"), "no-store");
  Wire other(proxy.port());
  ASSERT_TRUE(other.send("POST /staff HTTP/1.1\r\nHost: h.example\r\nContent-Length: 2000\r\nCookie: access_token=" +
                         signed_token(10) + "; refresh_token=r1\r\n\r\n"));
  const auto refused = other.read_answer();
  EXPECT_EQ(refused.status(), 413U);
  EXPECT_THAT(refused.head, HasSubstr("Set-Cookie: access_token=" + fresh));
  Wire third(proxy.port());
  ASSERT_TRUE(third.send("GET /staff HTTP/1.1\r\nHost: h.example\r\n: nonsense\r\n\r\n"));
  EXPECT_THAT(third.read_answer().head, Not(HasSubstr("Set-Cookie"))) << "of another's request nothing is left";
}

TEST_F(ServiceAnswers, AnAnswerThatIsStricterStaysAsItIs) {
  for (const std::string strict : {"no-store", "private", "max-age=5, Private", "no-cache, no-store"}) {
    Overheard overheard;
    ScriptedOrigin origin(
        overheard.answering("HTTP/1.1 200 OK\r\nCache-Control: " + strict + "\r\nContent-Length: 2\r\n\r\nok"));
    RunningProxy proxy({origin.port()}, settings());
    services_.answer_at_once([&](const auto&) { return renewed(signed_token(3600)); });
    Wire client(proxy.port());
    ASSERT_TRUE(client.send(with_cookies(signed_token(10))));
    EXPECT_EQ(client.read_answer().field("Cache-Control"), strict);
  }
  for (const auto& [lax, expected] : {std::pair<std::string, std::string>{"no-cache", "private, no-cache"},
                                      {"private=\"Set-Cookie\", max-age=5", "private, max-age=5"},
                                      {"s-maxage=9, public", "private"}}) {
    Overheard overheard;
    ScriptedOrigin origin(
        overheard.answering("HTTP/1.1 200 OK\r\nCache-Control: " + lax + "\r\nContent-Length: 2\r\n\r\nok"));
    RunningProxy proxy({origin.port()}, settings());
    services_.answer_at_once([&](const auto&) { return renewed(signed_token(3600)); });
    Wire client(proxy.port());
    ASSERT_TRUE(client.send(with_cookies(signed_token(10))));
    EXPECT_EQ(client.read_answer().field("Cache-Control"), expected);
  }
}

TEST_F(ServiceAnswers, ATunnelIsOpenedWithTheNewTokenAndTheCookies) {
  ScriptedOrigin origin([](Wire& wire) {
    wire.read_request();
    wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    wire.read_to_end();
  });
  RunningProxy proxy({origin.port()}, settings());
  const auto fresh = signed_token(3600);
  services_.answer_at_once([&](const auto&) { return renewed(fresh); });
  Wire client(proxy.port());
  ASSERT_TRUE(
      client.send("GET /staff HTTP/1.1\r\nHost: h.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Cookie: access_token=" +
                  signed_token(10) + "; refresh_token=r1\r\n\r\n"));
  const auto answer = client.read_answer(true);
  EXPECT_EQ(answer.status(), 101U);
  EXPECT_THAT(answer.head, HasSubstr("Set-Cookie: access_token=" + fresh));
  client.close();
  EXPECT_EQ(proxy.stop().size(), 1U);
}

}  // namespace
}  // namespace sidegate::proxy
