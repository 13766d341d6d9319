#include <sidegate/token/inspection.hpp>
#include <sidegate/token/signer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

#include <string>
#include <vector>

namespace sidegate::token {
namespace {

using base::UnixTime;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Inspection, TakesATokenApart) {
  const auto inspection = inspect(*sign_jws(R"({"alg":"HS256"})", R"({"sub":"me"})", Algorithm::HS256, "s"));
  ASSERT_TRUE(inspection);
  EXPECT_EQ(boost::json::serialize(inspection->header), R"({"alg":"HS256"})");
  ASSERT_TRUE(inspection->claims);
  EXPECT_EQ(boost::json::serialize(*inspection->claims), R"({"sub":"me"})");
  EXPECT_EQ(inspection->signature_bytes, 32U);
}

TEST(Inspection, ReadsWhatVerificationRefuses) {
  EXPECT_TRUE(inspect("eyJhbGciOiJub25lIn0.e30."));
  const auto text = inspect(*sign_jws(R"({"alg":"HS256"})", "text", Algorithm::HS256, "s"));
  ASSERT_TRUE(text);
  EXPECT_FALSE(text->claims);
  EXPECT_EQ(text->payload, "text");
}

struct Refused {
  std::string token;
  std::string says;
};

TEST(Inspection, SaysWhichPartCannotBeReadAndShowsNothingOfIt) {
  const std::vector<Refused> cases{
      {"opaquetoken", "three parts"},
      {"a.b.c.d", "three parts"},
      {"*opaque*.e30.AA", "header is not base64url"},
      {"e30.*opaque*.AA", "payload is not base64url"},
      {"e30.e30.*opaque*", "signature is not base64url"},
      {"b3BhcXVl.e30.AA", "header is not a JSON object"},
  };
  for (const auto& [token, says] : cases) {
    const auto inspection = inspect(token);
    ASSERT_FALSE(inspection) << token;
    EXPECT_THAT(inspection.error().text, HasSubstr(says));
    EXPECT_THAT(inspection.error().text, Not(HasSubstr("opaque")));
  }
}

struct TimeCase {
  std::int64_t offset;
  std::string expected;
};

TEST(Inspection, TellsTimesInWords) {
  const UnixTime now{seconds(1'795'338'060)};  // 2026-11-22T09:01:00Z
  const std::vector<TimeCase> cases{
      {0, "2026-11-22T09:01:00Z (now)"},
      {1, "2026-11-22T09:01:01Z (in 1 second)"},
      {59, "2026-11-22T09:01:59Z (in 59 seconds)"},
      {60, "2026-11-22T09:02:00Z (in 1 minute)"},
      {3540, "2026-11-22T10:00:00Z (in 59 minutes)"},
      {7199, "2026-11-22T11:00:59Z (in 119 minutes)"},
      {7200, "2026-11-22T11:01:00Z (in 2 hours)"},
      {172'800, "2026-11-24T09:01:00Z (in 2 days)"},
      {-1, "2026-11-22T09:00:59Z (1 second ago)"},
      {-172'799, "2026-11-20T09:01:01Z (47 hours ago)"},
      {-1'795'338'061, "1969-12-31T23:59:59Z (20779 days ago)"},
      {253'402'300'799 - 1'795'338'060, "9999-12-31T23:59:59Z (in 2912117 days)"},
  };
  for (const auto& [offset, expected] : cases) EXPECT_EQ(time_in_words(now + seconds(offset), now), expected);
  EXPECT_EQ(rfc3339(UnixTime(seconds(-62'167'219'200))), "0000-01-01T00:00:00Z");
}

}  // namespace
}  // namespace sidegate::token
