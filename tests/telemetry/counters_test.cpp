#include <sidegate/telemetry/counters.hpp>

#include <gmock/gmock.h>

namespace sidegate::telemetry {
namespace {

using namespace std::chrono_literals;
using base::CacheResult;
using base::Reason;
using testing::HasSubstr;
using testing::Not;

LabelNames names() {
  LabelNames names;
  names.listeners = {"public", "outward"};
  names.routes = {"public", "all"};
  names.upstreams = {"app"};
  names.servers = {{"app", "http://one"}, {"app", "unix:/two"}};
  names.authenticators = {"staff"};
  names.caches = {"staff.verified", "gone.verified"};
  return names;
}

TEST(Histogram, PutsADurationBelowOrAtItsBound) {
  struct Case {
    std::chrono::nanoseconds duration;
    std::size_t bucket;
  };
  const Case cases[] = {
      {0ns, 0},     {-1s, 0},   {500us, 0}, {500'001ns, 1},     {1ms, 1},  {1'000'001ns, 2},
      {2'500us, 2}, {100ms, 7}, {250ms, 8}, {250'000'001ns, 9}, {10s, 13}, {10'000'000'001ns, 14},
      {1h, 14},
  };
  for (const Case& c : cases) {
    Histogram histogram;
    histogram.add(c.duration);
    EXPECT_EQ(histogram.buckets[c.bucket], 1U) << c.duration.count();
    EXPECT_EQ(histogram.count, 1U);
    EXPECT_EQ(histogram.sum, std::max(c.duration, 0ns));
  }
}

TEST(WorkerCounters, AddsUp) {
  WorkerCounters sum(names());
  WorkerCounters one(names());
  one.count_request(0, MethodLabel::Get, 200, 3ms);
  one.count_request(2, MethodLabel::Other, 404, 1us);
  one.count_origin(0, 1, 503, 2s);
  one.count_decision(0, Reason::Expired);
  one.count_cache(0, CacheResult::Hit);
  one.count_cache(0, CacheResult::Miss);
  one.count_cache(1, CacheResult::Miss);
  one.caches[1].entries = 5;
  one.connections_open = {3, 0};
  one.connections_total = {10, 1};
  one.origin_connections[1] = {.active = 2, .idle = 5};
  sum.merge(one);
  sum.merge(one);

  EXPECT_EQ(sum.requests.at(0U << 16U | 0U << 12U | 200U), 2U);
  EXPECT_EQ(sum.requests.at(2U << 16U | 9U << 12U | 404U), 2U);
  EXPECT_EQ(sum.requests.size(), 2U);
  EXPECT_EQ(sum.request_durations[0].count, 2U);
  EXPECT_EQ(sum.request_durations[0].sum, 6ms);
  EXPECT_EQ(sum.request_durations[1].count, 0U);
  EXPECT_EQ(sum.request_durations[2].buckets[0], 2U);
  EXPECT_EQ(sum.origin_requests.at(1U << 16U | 503U), 2U);
  EXPECT_EQ(sum.origin_durations[0].sum, 4s);
  EXPECT_EQ(sum.decisions[0][static_cast<std::size_t>(Reason::Expired)], 2U);
  EXPECT_EQ(sum.caches[0].count(base::CacheResult::Hit), 2U);
  EXPECT_EQ(sum.caches[0].count(base::CacheResult::Miss), 2U);
  EXPECT_EQ(sum.caches[0].entries, 0U);
  EXPECT_EQ(sum.caches[1].count(base::CacheResult::Miss), 2U);
  EXPECT_EQ(sum.caches[1].entries, 10U);
  EXPECT_EQ(sum.connections_open, (std::vector<std::uint64_t>{6, 0}));
  EXPECT_EQ(sum.connections_total, (std::vector<std::uint64_t>{20, 2}));
  EXPECT_EQ(sum.origin_connections[1].active, 4U);
  EXPECT_EQ(sum.origin_connections[1].idle, 10U);
}

TEST(WorkerCounters, KeepsAnOddStatusOutOfTheOtherLabels) {
  WorkerCounters counters(names());
  counters.count_request(1, MethodLabel::Post, 999, 1ms);
  counters.count_request(1, MethodLabel::Post, 100'000, 1ms);
  EXPECT_EQ(counters.requests.at(1U << 16U | 2U << 12U | 999U), 1U);
  EXPECT_EQ(counters.requests.at(1U << 16U | 2U << 12U | 0U), 1U);
}

NamedCounters named(const LabelNames& names) {
  return NamedCounters(std::make_shared<const LabelNames>(names));
}

/// With routes that changed places, one that is gone and one that is new; likewise the rest.
LabelNames other_names() {
  LabelNames names;
  names.listeners = {"outward", "inward"};
  names.routes = {"all", "new"};
  names.upstreams = {"other", "app"};
  names.servers = {{"other", "http://one"}, {"app", "unix:/two"}};
  names.authenticators = {"guest", "staff"};
  names.caches = {"guest.verified", "staff.verified"};
  return names;
}

TEST(NamedCounters, GoOnUnderTheSameName) {
  NamedCounters before = named(names());
  before.counters.count_request(0, MethodLabel::Get, 200, 1ms);   // a route that is gone
  before.counters.count_request(1, MethodLabel::Post, 201, 3ms);  // its place changes
  before.counters.count_request(2, MethodLabel::Get, 404, 1us);   // no route
  before.counters.count_origin(0, 0, 200, 2ms);
  before.counters.count_origin(0, 1, 503, 2ms);
  before.counters.origin_retries[0] = 4;
  before.counters.origin_connections[1] = {.active = 1, .idle = 2};
  before.counters.count_decision(0, Reason::Expired);
  before.counters.caches[0] = {.results = {7, 3}, .entries = 2};
  before.counters.caches[1] = {.results = {70, 30}, .entries = 20};
  before.counters.connections_open = {3, 1};
  before.counters.connections_total = {10, 5};

  NamedCounters after = named(other_names());
  after.counters.count_request(0, MethodLabel::Post, 201, 3ms);
  after.merge(before);
  const WorkerCounters& sum = after.counters;
  EXPECT_EQ(sum.requests.size(), 2U);
  EXPECT_EQ(sum.requests.at(0U << 16U | 2U << 12U | 201U), 2U);
  EXPECT_EQ(sum.requests.at(2U << 16U | 0U << 12U | 404U), 1U);
  EXPECT_EQ(sum.request_durations[0].count, 2U);
  EXPECT_EQ(sum.request_durations[1].count, 0U);
  EXPECT_EQ(sum.request_durations[2].count, 1U);
  EXPECT_EQ(sum.origin_requests.size(), 1U) << "the server of the other upstream is another one";
  EXPECT_EQ(sum.origin_requests.at(1U << 16U | 503U), 1U);
  EXPECT_EQ(sum.origin_durations[0].count, 0U);
  EXPECT_EQ(sum.origin_durations[1].count, 2U);
  EXPECT_EQ(sum.origin_retries, (std::vector<std::uint64_t>{0, 4}));
  EXPECT_EQ(sum.origin_connections[1].idle, 2U);
  EXPECT_EQ(sum.decisions[1][static_cast<std::size_t>(Reason::Expired)], 1U);
  EXPECT_EQ(sum.caches[0].count(base::CacheResult::Hit), 0U);
  EXPECT_EQ(sum.caches[1].count(base::CacheResult::Hit), 7U);
  EXPECT_EQ(sum.caches[1].count(base::CacheResult::Miss), 3U);
  EXPECT_EQ(sum.caches[1].entries, 2U);
  EXPECT_EQ(sum.connections_open, (std::vector<std::uint64_t>{1, 0}));
  EXPECT_EQ(sum.connections_total, (std::vector<std::uint64_t>{5, 0}));
}

TEST(NamedCounters, AddUpWhereTheNamesAreTheSame) {
  NamedCounters sum = named(names());
  NamedCounters one = named(names());
  one.counters.count_request(0, MethodLabel::Get, 200, 1ms);
  sum.merge(one);
  sum.merge(one);
  EXPECT_EQ(sum.counters.requests.at(200U), 2U);
}

std::string scrape() {
  NamedCounters labelled = named(names());
  WorkerCounters& sum = labelled.counters;
  sum.count_request(0, MethodLabel::Get, 200, 3ms);
  sum.count_request(0, MethodLabel::Get, 200, 30s);
  sum.count_request(1, MethodLabel::Patch, 0, 1ms);
  sum.count_request(2, MethodLabel::Other, 404, 100us);
  sum.count_origin(0, 0, 200, 2ms);
  sum.count_origin(0, 1, 0, 1ms);
  sum.count_decision(0, Reason::Accepted);
  sum.count_decision(0, Reason::BadSignature);
  sum.caches[0] = {.results = {9, 2, 3, 4, 5}, .entries = 1};
  sum.connections_open = {3, 0};
  sum.connections_total = {10, 1};
  sum.origin_connections[0] = {.active = 2, .idle = 5};
  sum.origin_retries[0] = 3;
  ProcessCounters::ServiceCalls session{.name = "session", .said_yes = 3, .said_no = 2, .failed = 1, .circuit = 2};
  session.durations.add(3ms);
  ProcessCounters::ServiceCalls refresh{
      .name = "session_refresh", .renews_sessions = true, .said_yes = 6, .said_no = 5, .failed = 4};
  return prometheus_text(labelled, {.services = {session, refresh},
                                    .integrations = {{"session", false}, {"app", true}},
                                    .key_expiries = {{"staff", "env OLD", base::UnixTime(1'900'000'000s)}},
                                    .reloads_succeeded = 2,
                                    .reloads_failed = 1,
                                    .log_dropped = 7,
                                    .version = "0.1.0",
                                    .commit = "abc\"def"});
}

TEST(PrometheusText, HasEveryMetric) {
  const std::string text = scrape();
  for (const char* expected : {
           "# TYPE sidegate_requests_total counter\n",
           "sidegate_requests_total{route=\"public\",method=\"GET\",code=\"200\"} 2\n",
           "sidegate_requests_total{route=\"all\",method=\"PATCH\",code=\"0\"} 1\n",
           "sidegate_requests_total{route=\"\",method=\"other\",code=\"404\"} 1\n",
           "# TYPE sidegate_request_duration_seconds histogram\n",
           "sidegate_request_duration_seconds_count{route=\"public\"} 2\n",
           "sidegate_request_duration_seconds_sum{route=\"public\"} 30.003\n",
           "sidegate_request_duration_seconds_bucket{route=\"public\",le=\"0.0025\"} 0\n",
           "sidegate_request_duration_seconds_bucket{route=\"public\",le=\"0.005\"} 1\n",
           "sidegate_request_duration_seconds_bucket{route=\"public\",le=\"10\"} 1\n",
           "sidegate_request_duration_seconds_bucket{route=\"public\",le=\"+Inf\"} 2\n",
           "sidegate_request_duration_seconds_bucket{route=\"\",le=\"0.0005\"} 1\n",
           "sidegate_upstream_requests_total{upstream=\"app\",server=\"http://one\",code=\"200\"} 1\n",
           "sidegate_upstream_requests_total{upstream=\"app\",server=\"unix:/two\",code=\"0\"} 1\n",
           "sidegate_upstream_duration_seconds_count{upstream=\"app\"} 2\n",
           "sidegate_upstream_retries_total{upstream=\"app\"} 3\n",
           "# TYPE sidegate_upstream_connections gauge\n",
           "sidegate_upstream_connections{upstream=\"app\",server=\"http://one\",state=\"active\"} 2\n",
           "sidegate_upstream_connections{upstream=\"app\",server=\"http://one\",state=\"idle\"} 5\n",
           "sidegate_upstream_connections{upstream=\"app\",server=\"unix:/two\",state=\"idle\"} 0\n",
           "sidegate_auth_decisions_total{authenticator=\"staff\",outcome=\"accepted\"} 1\n",
           "sidegate_auth_decisions_total{authenticator=\"staff\",outcome=\"bad_signature\"} 1\n",
           "sidegate_auth_decisions_total{authenticator=\"staff\",outcome=\"unavailable\"} 0\n",
           "# TYPE sidegate_cache_total counter\n",
           "sidegate_cache_total{cache=\"staff.verified\",result=\"hit\"} 9\n",
           "sidegate_cache_total{cache=\"staff.verified\",result=\"miss\"} 2\n",
           "sidegate_cache_total{cache=\"staff.verified\",result=\"negative_hit\"} 3\n",
           "sidegate_cache_total{cache=\"staff.verified\",result=\"stale\"} 4\n",
           "sidegate_cache_total{cache=\"staff.verified\",result=\"coalesced\"} 5\n",
           "sidegate_cache_total{cache=\"gone.verified\",result=\"hit\"} 0\n",
           "sidegate_auth_remote_duration_seconds_count{authenticator=\"session\"} 1\n",
           "sidegate_auth_remote_duration_seconds_bucket{authenticator=\"session\",le=\"0.005\"} 1\n",
           "sidegate_circuit_state{name=\"session\"} 2\n",
           "sidegate_circuit_state{name=\"session_refresh\"} 0\n",
           "sidegate_session_refreshes_total{result=\"renewed\"} 6\n",
           "sidegate_session_refreshes_total{result=\"refused\"} 5\n",
           "sidegate_session_refreshes_total{result=\"failed\"} 4\n",
           "sidegate_integration_up{name=\"session\"} 0\n",
           "sidegate_integration_up{name=\"app\"} 1\n",
           "# TYPE sidegate_cache_entries gauge\n",
           "sidegate_cache_entries{cache=\"staff.verified\"} 1\n",
           "sidegate_connections{listener=\"public\"} 3\n",
           "sidegate_connections_total{listener=\"outward\"} 1\n",
           "# TYPE sidegate_key_expiry_timestamp_seconds gauge\n",
           "sidegate_key_expiry_timestamp_seconds{authenticator=\"staff\",key=\"env OLD\"} 1900000000\n",
           "sidegate_config_reloads_total{result=\"success\"} 2\n",
           "sidegate_config_reloads_total{result=\"failure\"} 1\n",
           "sidegate_log_dropped_total 7\n",
           "sidegate_build_info{version=\"0.1.0\",commit=\"abc\\\"def\"} 1\n",
           "# TYPE process_cpu_seconds_total counter\n",
           "process_resident_memory_bytes ",
           "process_virtual_memory_bytes ",
           "process_open_fds ",
           "process_max_fds ",
           "process_start_time_seconds ",
       }) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
  EXPECT_THAT(text, Not(HasSubstr("no_route"))) << "no outcome of an authenticator";
}

TEST(Counters, TheLastCallOfAnUpstreamIsTheLatestOfAllWorkers) {
  const LabelNames labels = names();
  WorkerCounters sum(labels);
  WorkerCounters one(labels);
  WorkerCounters other(labels);
  const base::SteadyTime begin{1h};
  one.note_origin_call(0, begin + 2s, 5ms, false);
  one.note_origin_call(0, begin + 3s, 6ms, false);
  other.note_origin_call(0, begin + 1s, 1ms, true);
  sum.merge(other);
  sum.merge(one);
  sum.merge(other);
  EXPECT_EQ(sum.origin_last_calls[0].ended, begin + 3s);
  EXPECT_EQ(sum.origin_last_calls[0].took, 6ms);
  EXPECT_EQ(sum.origin_last_calls[0].failures, 2U);
  one.note_origin_call(0, begin + 4s, 6ms, true);
  EXPECT_EQ(one.origin_last_calls[0].failures, 0U);
}

TEST(PrometheusText, HasEachSeriesOnce) {
  LabelNames twice = names();
  twice.servers[1] = twice.servers[0];
  NamedCounters labelled = named(twice);
  WorkerCounters& sum = labelled.counters;
  sum.count_origin(0, 0, 200, 1ms);
  sum.count_origin(0, 1, 200, 1ms);
  sum.origin_connections[0].idle = 1;
  sum.origin_connections[1].idle = 1;
  const std::string text = prometheus_text(labelled, {});
  EXPECT_THAT(text,
              HasSubstr("sidegate_upstream_requests_total{upstream=\"app\",server=\"http://one\",code=\"200\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("sidegate_upstream_connections{upstream=\"app\",server=\"http://one\",state=\"idle\"} 2\n"));
}

TEST(PrometheusText, DescribesWhatHasNoSeriesYet) {
  const LabelNames empty;
  const std::string text = prometheus_text(named(empty), {});
  EXPECT_THAT(text, HasSubstr("# TYPE sidegate_requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr("sidegate_log_dropped_total 0\n"));
}

}  // namespace
}  // namespace sidegate::telemetry
