#include "live_state.hpp"

#include <sidegate/config/load.hpp>
#include <sidegate/proxy/worker.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "folder.hpp"

namespace sidegate::app {
namespace {

using base::Reason;
using std::chrono::milliseconds;
using telemetry::MethodLabel;
using ::testing::HasSubstr;
using ::testing::Not;

/// 2030-01-01T00:00:00Z, when one of the keys ends.
const base::UnixTime kEnd{std::chrono::seconds(1'893'456'000)};

constexpr std::string_view kConfiguration = R"(version: 1
listeners: {public: {address: "127.0.0.1:0"}, inner: {address: "127.0.0.1:0"}}
upstreams:
  app: {servers: ["http://127.0.0.1:1", "http://127.0.0.1:2"]}
  reports: {servers: ["unix:/run/reports.sock"]}
authenticators:
  staff:
    jwt:
      token: [{cookie: access_token}]
      keys:
        - {secret: {env: STAFF_KEY}}
        - {secret: {file: old.key}, until: "2030-01-01T00:00:00Z"}
        - {secret: a-plain-secret-that-is-32-bytes-long, until: "2029-12-31T23:59:59Z"}
      algorithms: [HS256, HS384]
      issuer: https://auth.example
      audience: [tts, ams]
  forgetful:
    jwt:
      token: [{bearer: Authorization}]
      keys: [{secret: {env: STAFF_KEY}}]
      algorithms: [HS256]
      verified_cache: {max_entries: 0}
  partners:
    jwt: {token: [{bearer: Authorization}], keys: [{secret: {env: STAFF_KEY}}], algorithms: [HS256]}
routes:
  - {name: open, listener: inner, path: /**, authenticate: none, upstream: app}
  - name: reports
    listener: public
    host: [a.example, "*.b.example"]
    path: [/reports, /reports/archive/**]
    methods: [GET, POST]
    authenticate: [partners]
    upstream: reports
  - {name: rest, path: /**, listener: public, authenticate: optional, upstream: app}
)";

class LiveState : public testing::Test {
 protected:
  LiveState() {
    folder_.write("old.key", std::string(48, 'o') + "\n");
    config::Diagnostics diagnostics("test.yaml");
    const auto environment = [](std::string_view name) -> std::optional<std::string> {
      if (name == "STAFF_KEY") return std::string(48, 's');
      return std::nullopt;
    };
    config_ = config::load_text(std::string(kConfiguration), folder_.path().string(), environment, diagnostics);
    EXPECT_THAT(diagnostics.lines(), testing::IsEmpty());
    sum_ = std::make_unique<telemetry::NamedCounters>(
        std::make_shared<const telemetry::LabelNames>(proxy::label_names(config_)));
  }

  telemetry::WorkerCounters& counters() { return sum_->counters; }
  boost::json::value routes() const { return boost::json::parse(routes_json(config_, *sum_)); }
  boost::json::value upstreams() const { return boost::json::parse(upstreams_json(config_, *sum_)); }
  boost::json::value authenticators(base::UnixTime now = kEnd) {
    return boost::json::parse(authenticators_json(config_, *sum_, issuers_, {}, now));
  }

  Folder folder_;
  config::Config config_;
  token::IssuerBoard issuers_;
  std::unique_ptr<telemetry::NamedCounters> sum_;
};

TEST_F(LiveState, ShowsEachRouteAndHowItWasAnswered) {
  counters().count_request(1, MethodLabel::Get, 200, milliseconds(1));
  counters().count_request(1, MethodLabel::Post, 200, milliseconds(2));
  counters().count_request(1, MethodLabel::Get, 502, milliseconds(3));
  counters().count_request(2, MethodLabel::Get, 0, milliseconds(5));    // its client went away
  counters().count_request(3, MethodLabel::Get, 404, milliseconds(7));  // on no route
  EXPECT_EQ(routes(), boost::json::parse(R"({"routes": [
    {"name": "open", "listener": "inner", "path": ["/**"], "authenticate": "none", "upstream": "app",
     "requests": 0, "answers": {}, "mean_us": null},
    {"name": "reports", "listener": "public", "host": ["a.example", "*.b.example"],
     "path": ["/reports", "/reports/archive/**"], "methods": ["GET", "POST"], "authenticate": ["partners"],
     "upstream": "reports", "requests": 3, "answers": {"200": 2, "502": 1}, "mean_us": 2000},
    {"name": "rest", "listener": "public", "path": ["/**"], "authenticate": "optional", "upstream": "app",
     "requests": 1, "answers": {"0": 1}, "mean_us": 5000}
  ]})"));
}

TEST_F(LiveState, ARouteWithoutAListenerStandsOnAll) {
  for (auto& route : config_.routes) route.listener.reset();
  const auto shown = routes();
  ASSERT_EQ(shown.at("routes").as_array().size(), config_.routes.size());
  for (const auto& route : shown.at("routes").as_array()) EXPECT_FALSE(route.as_object().contains("listener"));
}

TEST_F(LiveState, ShowsEachUpstreamAndItsServers) {
  counters().count_origin(0, 0, 200, milliseconds(1));
  counters().count_origin(0, 1, 200, milliseconds(4));
  counters().count_origin(0, 1, 503, milliseconds(4));
  counters().count_unanswered(1);
  counters().count_unanswered(2);
  counters().origin_retries[0] = 6;
  counters().origin_connections[0] = {.active = 1, .idle = 2};
  counters().origin_connections[2] = {.active = 3, .idle = 4};
  EXPECT_EQ(upstreams(), boost::json::parse(R"({"upstreams": [
    {"name": "app", "retries": 6, "mean_us": 3000, "servers": [
      {"url": "http://127.0.0.1:1", "connections": {"active": 1, "idle": 2}, "answers": {"200": 1}},
      {"url": "http://127.0.0.1:2", "connections": {"active": 0, "idle": 0}, "answers": {"0": 1, "200": 1, "503": 1}}]},
    {"name": "reports", "retries": 0, "mean_us": null, "servers": [
      {"url": "unix:/run/reports.sock", "connections": {"active": 3, "idle": 4}, "answers": {"0": 1}}]}
  ]})"));
}

TEST_F(LiveState, ShowsEachAuthenticatorItsKeysAndHowItDecided) {
  counters().count_decision(0, Reason::Accepted);
  counters().count_decision(0, Reason::Accepted);
  counters().count_decision(0, Reason::Expired);
  counters().count_decision(2, Reason::Unavailable);
  counters().caches.at(0) = {.results = {3, 2}, .entries = 1};
  counters().caches.at(1) = {.results = {30, 20}, .entries = 10};
  auto expected = boost::json::parse(R"json({"authenticators": [
    {"name": "staff", "kind": "jwt", "issuer": "https://auth.example", "audience": ["tts", "ams"],
     "algorithms": ["HS256", "HS384"],
     "keys": [
       {"name": "keys[0] (env STAFF_KEY)", "in_use": true},
       {"name": "keys[1] (file old.key)", "in_use": true, "until": "2030-01-01T00:00:00Z"},
       {"name": "keys[2] (text)", "in_use": false, "until": "2029-12-31T23:59:59Z"}],
     "decisions": {"accepted": 2, "missing": 0, "malformed": 0, "bad_signature": 0, "expired": 1, "not_yet_valid": 0,
       "wrong_issuer": 0, "wrong_audience": 0, "missing_claim": 0, "revoked": 0, "rejected": 0, "unavailable": 0},
     "verified_cache": {"entries": 1, "hits": 3, "misses": 2}},
    {"name": "forgetful", "kind": "jwt", "algorithms": ["HS256"],
     "keys": [{"name": "keys[0] (env STAFF_KEY)", "in_use": true}],
     "decisions": {"accepted": 0, "missing": 0, "malformed": 0, "bad_signature": 0, "expired": 0, "not_yet_valid": 0,
       "wrong_issuer": 0, "wrong_audience": 0, "missing_claim": 0, "revoked": 0, "rejected": 0, "unavailable": 0}},
    {"name": "partners", "kind": "jwt", "algorithms": ["HS256"],
     "keys": [{"name": "keys[0] (env STAFF_KEY)", "in_use": true}],
     "decisions": {"accepted": 0, "missing": 0, "malformed": 0, "bad_signature": 0, "expired": 0, "not_yet_valid": 0,
       "wrong_issuer": 0, "wrong_audience": 0, "missing_claim": 0, "revoked": 0, "rejected": 0, "unavailable": 1},
     "verified_cache": {"entries": 10, "hits": 30, "misses": 20}}
  ]})json");
  auto& old_key = expected.at("authenticators").at(0).at("keys").at(1).at("name");
  old_key = "keys[1] (file " + folder_.file("old.key") + ")";  // files are named in full
  EXPECT_EQ(authenticators(kEnd - std::chrono::seconds(1)), expected);
}

TEST_F(LiveState, AKeyIsInUseUpToTheSecondBeforeItsEnd) {
  const auto in_use = [this](base::UnixTime now) {
    return authenticators(now).at("authenticators").at(0).at("keys").at(1).at("in_use").as_bool();
  };
  EXPECT_TRUE(in_use(kEnd - std::chrono::seconds(1)));
  EXPECT_FALSE(in_use(kEnd));
  EXPECT_FALSE(in_use(kEnd + std::chrono::years(1)));
}

TEST_F(LiveState, TellsWhichKeysHaveAnEnd) {
  const auto expiries = key_expiries(config_);
  ASSERT_EQ(expiries.size(), 2U);
  EXPECT_EQ(expiries[0].authenticator, "staff");
  EXPECT_EQ(expiries[0].key, "keys[1] (file " + folder_.file("old.key") + ")");
  EXPECT_EQ(expiries[0].until, kEnd);
  EXPECT_EQ(expiries[1].key, "keys[2] (text)");
  EXPECT_EQ(expiries[1].until, kEnd - std::chrono::seconds(1));
}

TEST_F(LiveState, HoldsNoSecret) {
  const std::string all = routes_json(config_, *sum_) + upstreams_json(config_, *sum_) +
                          authenticators_json(config_, *sum_, issuers_, {}, kEnd);
  for (const std::string& secret : {std::string(8, 's'), std::string(8, 'o'), std::string("a-plain-secret")}) {
    EXPECT_THAT(all, Not(HasSubstr(secret)));
  }
}

TEST(LiveStateOfServices, ShowsHowEachWasAskedAndWhatIsKept) {
  constexpr const char* kText = R"(version: 1
listeners: {public: {address: "127.0.0.1:0"}}
upstreams: {app: {servers: ["http://127.0.0.1:1"]}}
authenticators:
  staff: {jwt: {token: [{cookie: c}], keys: [{secret: 0123456789abcdef0123456789abcdef}], algorithms: [HS256]}}
  session: {remote: {token: [{bearer: Authorization}], url: "https://auth/validate?key=hunter2"}}
user_info: {directory: {for: [session], url: "https://auth/{subject}", send_as: {cookie: t}}}
session_refresh: {for: [staff], cookie: c, url: "https://auth/refresh"}
routes: [{path: /**, authenticate: [staff, session], user_info: directory, upstream: app}]
)";
  config::Diagnostics diagnostics("test.yaml");
  const auto config = config::load_text(
      kText, "/", [](std::string_view) { return std::optional<std::string>(); }, diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.lines().front();
  inquiry::ServiceBoard board;
  const auto services = board.keep(config);
  telemetry::NamedCounters sum(std::make_shared<const telemetry::LabelNames>(proxy::label_names(config)));
  sum.counters.caches.at(1).results = {1, 2, 3, 4, 5};
  services[0]->note_answer(true, milliseconds(3), base::UnixTime(std::chrono::seconds(1'790'000'000)));
  services[0]->note_failure("https://auth/validate: timed out after 2 s", milliseconds(5),
                            base::UnixTime(std::chrono::seconds(1'790'000'001)));
  services[0]->note_circuit(inquiry::Service::Circuit::Open);
  services[0]->note_answers_kept(7);
  add_answers_kept(sum, services);
  const auto shown = boost::json::parse(authenticators_json(config, sum, {}, services, {}));
  const auto& session = shown.at("authenticators").at(1);
  EXPECT_EQ(session.at("kind").as_string(), "remote");
  EXPECT_EQ(session.at("url").as_string(), "https://auth/validate");
  EXPECT_EQ(session.at("circuit").as_string(), "open");
  EXPECT_EQ(session.at("calls"), boost::json::parse(R"({"yes": 1, "no": 0, "failed": 1})"));
  EXPECT_EQ(session.at("mean_us"), 4000);
  EXPECT_EQ(session.at("last_call").as_string(), "2026-09-21T14:13:21Z");
  EXPECT_EQ(session.at("last_error").as_string(), "https://auth/validate: timed out after 2 s");
  EXPECT_EQ(
      session.at("cache"),
      boost::json::parse(R"({"entries": 7, "hit": 1, "miss": 2, "negative_hit": 3, "stale": 4, "coalesced": 5})"));
  EXPECT_EQ(shown.at("user_info").at(0).at("name").as_string(), "directory");
  EXPECT_EQ(shown.at("session_refresh").at("url").as_string(), "https://auth/refresh");
  const auto calls = service_calls(services);
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].circuit, 2U);
  EXPECT_EQ(calls[0].failed, 1U);
  EXPECT_TRUE(calls[2].renews_sessions);
}

}  // namespace
}  // namespace sidegate::app
