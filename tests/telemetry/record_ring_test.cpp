#include "record_ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <vector>

namespace sidegate::telemetry {
namespace {

using std::chrono::microseconds;

TEST(RecordRing, GivesBackWhatWasPut) {
  RecordRing ring(4096, true);
  AccessRecord record;
  record.time = std::chrono::sys_time<microseconds>(microseconds(-5));
  record.request_id = "id";
  record.trace_id = "trace";
  record.route = "route";
  record.method = "GET";
  record.path = "/path";
  record.query = "a=b";
  record.status = 599;
  record.duration = microseconds(7);
  record.upstream = "app";
  record.server = "http://server";
  record.upstream_duration = microseconds(0);
  record.bytes_in = 1;
  record.bytes_out = ~std::uint64_t{0};
  record.client_ip = "::1";
  record.subject = "42";
  record.authenticator = "staff";
  record.auth_outcome = base::Reason::Accepted;
  record.cache = base::CacheResult::Miss;
  record.reason = base::Reason::ClientGone;
  ASSERT_TRUE(ring.push(record));
  ASSERT_TRUE(ring.push(AccessRecord{}));

  std::size_t place = 0;
  EXPECT_EQ(ring.consume([&](const AccessRecord& got) {
    if (place++ == 0) {
      EXPECT_EQ(got.time, record.time);
      EXPECT_EQ(got.request_id, "id");
      EXPECT_EQ(got.trace_id, "trace");
      EXPECT_EQ(got.route, "route");
      EXPECT_EQ(got.method, "GET");
      EXPECT_EQ(got.path, "/path");
      EXPECT_EQ(got.query, "a=b");
      EXPECT_EQ(got.status, 599U);
      EXPECT_EQ(got.duration, microseconds(7));
      EXPECT_EQ(got.upstream, "app");
      EXPECT_EQ(got.server, "http://server");
      EXPECT_EQ(got.upstream_duration, microseconds(0));
      EXPECT_EQ(got.bytes_in, 1U);
      EXPECT_EQ(got.bytes_out, ~std::uint64_t{0});
      EXPECT_EQ(got.client_ip, "::1");
      EXPECT_EQ(got.subject, "42");
      EXPECT_EQ(got.authenticator, "staff");
      EXPECT_EQ(got.auth_outcome, base::Reason::Accepted);
      EXPECT_EQ(got.cache, base::CacheResult::Miss);
      EXPECT_EQ(got.reason, base::Reason::ClientGone);
    } else {
      EXPECT_TRUE(got.path.empty());
      EXPECT_FALSE(got.upstream_duration.has_value());
      EXPECT_FALSE(got.auth_outcome.has_value());
      EXPECT_FALSE(got.cache.has_value());
      EXPECT_FALSE(got.reason.has_value());
    }
  }),
            2U);
  EXPECT_EQ(ring.used(), 0U);
}

TEST(RecordRing, DropsAndCountsWhenFull) {
  RecordRing ring(1024, false);
  std::size_t stored = 0;
  while (ring.push(AccessRecord{.path = "/"})) ++stored;
  EXPECT_GT(stored, 5U);
  EXPECT_EQ(ring.dropped(), 1U);
  EXPECT_FALSE(ring.push(AccessRecord{.path = "/"}));
  EXPECT_EQ(ring.dropped(), 2U);

  EXPECT_EQ(ring.consume([](const AccessRecord&) {}), stored);
  EXPECT_TRUE(ring.push(AccessRecord{.path = "/again"}));
  std::string path;
  EXPECT_EQ(ring.consume([&](const AccessRecord& got) { path = got.path; }), 1U);
  EXPECT_EQ(path, "/again");
  EXPECT_EQ(ring.dropped(), 2U);
}

TEST(RecordRing, CutsAtTheLimitAndNotBefore) {
  constexpr std::size_t kPathMax = 8192;
  RecordRing ring(RecordRing::kDefaultBytes, false);
  const std::string path(kPathMax + 1, 'p');
  const std::string subject(100'000, 's');
  ASSERT_TRUE(ring.push({.path = std::string_view(path).substr(1), .subject = subject}));
  ASSERT_TRUE(ring.push({.path = path}));
  std::vector<std::size_t> lengths;
  ring.consume([&](const AccessRecord& got) {
    lengths.push_back(got.path.size());
    lengths.push_back(got.subject.size());
  });
  EXPECT_EQ(lengths, (std::vector<std::size_t>{kPathMax, 1024, kPathMax, 0}));
}

TEST(RecordRing, RefusesARecordThatIsLargerThanItself) {
  RecordRing ring(256, false);
  const std::string path(300, 'p');
  EXPECT_FALSE(ring.push({.path = path}));
  EXPECT_TRUE(ring.push({.path = "/"}));
  EXPECT_EQ(ring.dropped(), 1U);
}

TEST(RecordRing, LeavesTheQueryBehindUnlessAsked) {
  for (const bool keep : {false, true}) {
    RecordRing ring(1024, keep);
    ASSERT_TRUE(ring.push({.path = "/", .query = "token=secret", .subject = "42"}));
    ring.consume([&](const AccessRecord& got) {
      EXPECT_EQ(got.query, keep ? "token=secret" : "");
      EXPECT_EQ(got.subject, "42");
    });
  }
}

/// Random lengths and random moments of reading, against a plain queue: every place where the ring can wrap.
TEST(RecordRing, AgreesWithAQueueWhereverItWraps) {
  std::mt19937 random(20260131);  // NOLINT(bugprone-random-generator-seed,cert-msc51-cpp): the same run every time
  RecordRing ring(2048, true);
  std::deque<std::string> expected;
  std::uint64_t dropped = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string path = std::to_string(i) + std::string(random() % 400, 'x');
    if (ring.push({.path = path, .query = "q"})) {
      expected.push_back(path);
    } else {
      ++dropped;
    }
    if (random() % 4 != 0) continue;
    ring.consume([&](const AccessRecord& got) {
      ASSERT_FALSE(expected.empty());
      EXPECT_EQ(got.path, expected.front());
      EXPECT_EQ(got.query, "q");
      expected.pop_front();
    });
    ASSERT_TRUE(expected.empty());
  }
  EXPECT_GT(dropped, 100U);
  EXPECT_EQ(ring.dropped(), dropped);
}

TEST(RecordRing, HasAPowerOfTwo) {
  EXPECT_THROW(RecordRing(1000, false), std::invalid_argument);
  EXPECT_THROW(RecordRing(0, false), std::invalid_argument);
}

}  // namespace
}  // namespace sidegate::telemetry
