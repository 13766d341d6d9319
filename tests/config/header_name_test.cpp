#include "header_name.hpp"

#include <gtest/gtest.h>

namespace sidegate::config {
namespace {

TEST(HeaderName, WhatMayBeInjected) {
  for (const std::string_view name :
       {"X-User-Id", "Authorization", "X-Forwarded-User", "Remote-User", "Accept", "X-Hosts"}) {
    EXPECT_EQ(why_not_injected(name), std::nullopt) << name;
  }
  for (const std::string_view name : {"Host",
                                      "host",
                                      "Content-Length",
                                      "content_length",
                                      "Transfer-Encoding",
                                      "Connection",
                                      "Keep-Alive",
                                      "TE",
                                      "Trailer",
                                      "Upgrade",
                                      "Expect",
                                      "Cookie",
                                      "Date",
                                      "Content-Type",
                                      "Proxy",
                                      "Proxy-Authorization",
                                      "Proxy-Connection",
                                      "Sec-WebSocket-Key",
                                      "X-Forwarded-For",
                                      "X_Forwarded_Proto",
                                      "Forwarded",
                                      "X-Request-Id",
                                      "",
                                      "a b",
                                      "a:",
                                      "X-Ü",
                                      "a\n"}) {
    EXPECT_NE(why_not_injected(name), std::nullopt) << name;
  }
}

TEST(HeaderName, WhatMayBeStripped) {
  for (const std::string_view pattern :
       {"X-User-*", "X-Auth-Method", "Authorization", "Cookie", "X*", "Content-Type"}) {
    EXPECT_EQ(why_not_stripped(pattern), std::nullopt) << pattern;
  }
  for (const std::string_view pattern :
       {"*", "", "*-User", "X-*-Id", "X-**", "Host", "Content-*", "content_length", "C*", "a b"}) {
    EXPECT_NE(why_not_stripped(pattern), std::nullopt) << pattern;
  }
}

TEST(HeaderName, CanonicalNamesMeetWhereAnApplicationMayMeetThem) {
  EXPECT_EQ(canonical_header("X_User.Id"), "x-user-id");
  EXPECT_EQ(canonical_header("X-USER-ID"), "x-user-id");
}

}  // namespace
}  // namespace sidegate::config
