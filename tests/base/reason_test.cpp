#include <sidegate/base/reason.hpp>
#include <sidegate/base/result.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <string>

namespace sidegate::base {
namespace {

Reason reason_at(std::size_t index) {
  return static_cast<Reason>(index);
}

TEST(Reason, EveryNameIsSnakeCaseAndStandsOnce) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto name = name_of(reason_at(i));
    SCOPED_TRACE(name);
    EXPECT_TRUE(names.insert(name).second);
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }));
    EXPECT_NE(name.front(), '_');
    EXPECT_NE(name.back(), '_');
    EXPECT_EQ(name.find("__"), std::string_view::npos);
  }
  EXPECT_EQ(names.size(), kReasonCount);
}

// The label of sidegate_auth_decisions_total: released names, in full.
TEST(Reason, TheOutcomesAreTheTwelveOfTheMetric) {
  constexpr std::array<std::string_view, 12> outcomes{
      "accepted",     "missing",        "malformed",     "bad_signature", "expired",  "not_yet_valid",
      "wrong_issuer", "wrong_audience", "missing_claim", "revoked",       "rejected", "unavailable"};
  std::set<std::string_view> found;
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    if (is_outcome(reason_at(i))) found.insert(name_of(reason_at(i)));
  }
  EXPECT_EQ(found, std::set<std::string_view>(outcomes.begin(), outcomes.end()));
}

struct Case {
  Reason reason;
  std::string_view name;
  unsigned status;
};

TEST(Reason, HasAStatus) {
  constexpr std::array<Case, 28> cases{{{Reason::Accepted, "accepted", 0},
                                        {Reason::Missing, "missing", 401},
                                        {Reason::Expired, "expired", 401},
                                        {Reason::Unavailable, "unavailable", 503},
                                        {Reason::BadRequestLine, "bad_request_line", 400},
                                        {Reason::ConnectMethod, "connect_method", 405},
                                        {Reason::UnsupportedVersion, "unsupported_version", 505},
                                        {Reason::ConflictingFraming, "conflicting_framing", 400},
                                        {Reason::BadUpgrade, "bad_upgrade", 400},
                                        {Reason::EncodedSlash, "encoded_slash", 400},
                                        {Reason::HiddenDotSegment, "hidden_dot_segment", 400},
                                        {Reason::TargetTooLong, "target_too_long", 414},
                                        {Reason::HeadTooLarge, "head_too_large", 431},
                                        {Reason::TooManyFields, "too_many_fields", 431},
                                        {Reason::BodyTooLarge, "body_too_large", 413},
                                        {Reason::TooManyConnections, "too_many_connections", 503},
                                        {Reason::OutOfMemory, "out_of_memory", 503},
                                        {Reason::ClientTimeout, "client_timeout", 408},
                                        {Reason::AmbiguousCookie, "ambiguous_cookie", 400},
                                        {Reason::NoRoute, "no_route", 404},
                                        {Reason::MethodNotAllowed, "method_not_allowed", 405},
                                        {Reason::NotAuthorized, "not_authorized", 403},
                                        {Reason::CrossSite, "cross_site", 403},
                                        {Reason::OriginBroken, "origin_broken", 502},
                                        {Reason::OriginTimeout, "origin_timeout", 504},
                                        {Reason::Draining, "draining", 503},
                                        {Reason::TunnelIdle, "tunnel_idle", 0},
                                        {Reason::ClientGone, "client_gone", 0}}};
  for (const auto& [reason, name, status] : cases) {
    SCOPED_TRACE(name);
    EXPECT_EQ(name_of(reason), name);
    EXPECT_EQ(status_of(reason), status);
  }
}

TEST(Reason, OnlyWhatIsNoRefusalOrCannotBeAnsweredHasNoStatus) {
  const std::set<Reason> without{Reason::Accepted, Reason::TunnelIdle, Reason::ClientGone};
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const Reason reason = reason_at(i);
    const unsigned status = status_of(reason);
    if (without.contains(reason)) {
      EXPECT_EQ(status, 0U) << name_of(reason);
    } else {
      EXPECT_TRUE(status >= 400 && status <= 599) << name_of(reason);
    }
  }
}

TEST(Result, HoldsAValueOrAReason) {
  const Result<int> fine = 7;
  const Result<int> refused = Reason::Expired;
  ASSERT_TRUE(fine);
  EXPECT_EQ(*fine, 7);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Reason::Expired);
}

TEST(Result, SaysWhatItHoldsWhenItIsMisused) {
  const Result<int> refused = Reason::Expired;
  const OrMessage<int> failed = Message{"no such file"};
  const auto words = [](const auto& result) -> std::string {
    try {
      (void)result.value();
    } catch (const std::logic_error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_NE(words(refused).find("expired"), std::string::npos);
  EXPECT_NE(words(failed).find("no such file"), std::string::npos);
}

TEST(Reason, WhatIsAmbiguousOrOverALimitEndsItsConnection) {
  for (const Reason reason : {Reason::AmbiguousCookie, Reason::SeveralAuthorizations, Reason::EncodedSlash,
                              Reason::PathParameters, Reason::BodyTooLarge, Reason::TokenTooLarge}) {
    EXPECT_TRUE(ends_connection(reason)) << name_of(reason);
  }
  for (const Reason reason : {Reason::Missing, Reason::Expired, Reason::Malformed, Reason::NoRoute,
                              Reason::MethodNotAllowed, Reason::CrossSite, Reason::OriginUnreachable}) {
    EXPECT_FALSE(ends_connection(reason)) << name_of(reason);
  }
}

}  // namespace
}  // namespace sidegate::base
