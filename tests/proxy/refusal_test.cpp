#include <sidegate/proxy/refusal.hpp>

#include <gtest/gtest.h>

namespace sidegate::proxy {
namespace {

using base::Reason;
using policy::Decision;

TEST(Refusal, ALongBodyIsRefused) {
  policy::RouteFacts route;
  Decision decision;
  decision.kind = Decision::Kind::Forward;
  decision.route = &route;
  decision.lines = "X-User-Id: 42\r\n";
  limit_body(decision, 1'000'000);
  EXPECT_EQ(decision.kind, Decision::Kind::Forward) << "no limit";
  route.max_body_bytes = 10;
  limit_body(decision, 10);
  EXPECT_EQ(decision.kind, Decision::Kind::Forward);
  limit_body(decision, 11);
  EXPECT_EQ(decision.kind, Decision::Kind::Refuse);
  EXPECT_EQ(decision.reason, Reason::BodyTooLarge);
  EXPECT_EQ(decision.lines, "") << "which were for the origin";
}

TEST(Refusal, AnEarlierRefusalStays) {
  Decision decision;
  decision.reason = Reason::NoRoute;
  limit_body(decision, 1'000'000);
  EXPECT_EQ(decision.reason, Reason::NoRoute);
}

TEST(Refusal, TheDecisionSaysTheFurtherLines) {
  Decision decision;
  decision.lines = "Allow: GET\r\n";
  EXPECT_EQ(refusal_lines(Reason::MethodNotAllowed, &decision), "Allow: GET\r\n");
  EXPECT_EQ(refusal_lines(Reason::BadHost, nullptr), "");
  decision.kind = Decision::Kind::Forward;
  EXPECT_EQ(refusal_lines(Reason::OriginTimeout, &decision), "") << "which were for the origin";
  EXPECT_EQ(refusal_lines(Reason::ConnectMethod, nullptr),
            "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH\r\n");
}

}  // namespace
}  // namespace sidegate::proxy
