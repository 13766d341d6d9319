#include "integrations.hpp"

#include <sidegate/config/load.hpp>
#include <sidegate/proxy/worker.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

#include <memory>
#include <optional>
#include <string>

namespace sidegate::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Health = Integration::Health;

constexpr base::UnixTime kNow{seconds(1'790'000'000)};
constexpr base::SteadyTime kMoment{std::chrono::hours(1)};

constexpr const char* kText = R"(version: 1
listeners: {public: {address: "127.0.0.1:0"}}
upstreams: {app: {servers: ["http://127.0.0.1:1"]}, session: {servers: ["http://127.0.0.1:2"]}}
authenticators:
  staff: {jwt: {token: [{cookie: c}], keys: [{secret: 0123456789abcdef0123456789abcdef}], algorithms: [HS256]}}
  issued: {jwt: {token: [{cookie: d}], keys: [{jwks_url: "https://issuer/jwks"}], algorithms: [ES256],
    issuer: "https://issuer", audience: app}}
  session: {remote: {token: [{bearer: Authorization}], url: "https://auth/"}}
routes:
  - {path: /a, authenticate: [staff, issued, session], upstream: app}
  - {path: /b, authenticate: none, upstream: session}
)";

config::Config load() {
  config::Diagnostics diagnostics("test.yaml");
  auto config = config::load_text(
      kText, "/", [](std::string_view) { return std::optional<std::string>(); }, diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.lines().front();
  return config;
}

class Integrations : public testing::Test {
 protected:
  Integrations() : issuer_(issuers_.at(*config_.authenticators[1].jwt.keys[0].issuer)) {
    sum_.emplace(std::make_shared<const telemetry::LabelNames>(proxy::label_names(config_)));
    services_.push_back(board_.at(config_.authenticators[2]));
  }

  std::vector<Integration> all() const { return integrations_of({config_, *sum_, services_, issuers_}, kNow, kMoment); }
  Health health(std::size_t place) const { return all().at(place).health; }
  void call(bool served) { sum_->counters.note_origin_call(0, kMoment - seconds(5), milliseconds(12), served); }

  static constexpr std::size_t kIssued = 0;
  static constexpr std::size_t kSession = 1;
  static constexpr std::size_t kApp = 2;

  config::Config config_ = load();
  token::IssuerBoard issuers_;
  inquiry::ServiceBoard board_;
  std::shared_ptr<token::IssuerKeys> issuer_;
  std::vector<std::shared_ptr<inquiry::Service>> services_;
  std::optional<telemetry::NamedCounters> sum_;
};

TEST_F(Integrations, EverybodyWhomTheGatewayCallsIsThereByName) {
  std::vector<std::string> names;
  for (const auto& each : all()) names.push_back(each.name);
  EXPECT_THAT(names, testing::ElementsAre("issued", "session", "app", "session (upstream)"))
      << "and nobody whose keys stand in the configuration";
}

TEST_F(Integrations, AServiceIsAsItsLastCallsWere) {
  inquiry::Service& service = *services_[0];
  EXPECT_EQ(health(kSession), Health::Healthy) << "nobody has asked yet";
  EXPECT_FALSE(all().at(kSession).last_check);
  service.note_answer(false, milliseconds(7), kNow);
  EXPECT_EQ(health(kSession), Health::Healthy) << "a no is an answer";
  EXPECT_EQ(all().at(kSession).response_time, milliseconds(7));
  EXPECT_EQ(all().at(kSession).last_check, kNow);
  service.note_failure("down", milliseconds(7), kNow);
  EXPECT_EQ(health(kSession), Health::Degraded);
  service.note_circuit(inquiry::Service::Circuit::Open);
  EXPECT_EQ(health(kSession), Health::Unhealthy);
  service.note_circuit(inquiry::Service::Circuit::HalfOpen);
  EXPECT_EQ(health(kSession), Health::Degraded);
  service.note_answer(true, milliseconds(7), kNow);
  service.note_circuit(inquiry::Service::Circuit::Closed);
  EXPECT_EQ(health(kSession), Health::Healthy);
}

TEST_F(Integrations, AnIssuerWithoutKeysIsDownAndOneThatFailsWithThemIsNot) {
  EXPECT_EQ(health(kIssued), Health::Unhealthy);
  issuer_->publish({}, kMoment - seconds(3));
  EXPECT_EQ(health(kIssued), Health::Healthy);
  EXPECT_EQ(all().at(kIssued).last_check, kNow - seconds(3));
  issuer_->note_failure("down");
  EXPECT_EQ(health(kIssued), Health::Degraded);
}

TEST_F(Integrations, AnUpstreamIsDownAfterSeveralFailuresInARow) {
  EXPECT_EQ(health(kApp), Health::Healthy);
  call(true);
  EXPECT_EQ(all().at(kApp).last_check, kNow - seconds(5));
  EXPECT_EQ(all().at(kApp).response_time, milliseconds(12));
  call(false);
  call(false);
  EXPECT_EQ(health(kApp), Health::Degraded);
  call(false);
  EXPECT_EQ(health(kApp), Health::Unhealthy);
  call(true);
  EXPECT_EQ(health(kApp), Health::Healthy);
}

TEST_F(Integrations, TheWholeIsAsItsWorstPart) {
  issuer_->publish({}, kMoment - seconds(3));
  services_[0]->note_failure("down", milliseconds(11), kNow);
  call(true);
  EXPECT_EQ(overall(all()), Health::Degraded);
  EXPECT_EQ(boost::json::parse(integrations_json(all())), boost::json::parse(R"json({"status": "degraded", "services": {
    "issued": {"status": "healthy", "last_check": "2026-09-21T14:13:17Z"},
    "session": {"status": "degraded", "response_time": "11ms", "last_check": "2026-09-21T14:13:20Z"},
    "app": {"status": "healthy", "response_time": "12ms", "last_check": "2026-09-21T14:13:15Z"},
    "session (upstream)": {"status": "healthy"}}})json"));
  EXPECT_EQ(overall({}), Health::Healthy);
}

}  // namespace
}  // namespace sidegate::app
