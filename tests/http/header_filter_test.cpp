#include <sidegate/http/header_filter.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sidegate::http {
namespace {

bool drops(const HeaderFilter& filter, std::string_view name) {
  return filter.drops({.name = name, .value = "x", .line = {}, .known = field_name_of(name)});
}

HeaderFilter identity_filter() {
  HeaderFilter filter;
  filter.add_pattern("X-User-*");
  filter.add_pattern("X-Auth-*");
  filter.add_name("X-Tenant");
  filter.add_name("Department");
  return filter;
}

TEST(HeaderFilter, DropsWhatIsInjectedHoweverItIsWritten) {
  const HeaderFilter filter = identity_filter();
  for (const std::string_view name :
       {"X-User-Id",  "x-user-id",   "X-USER-ID", "x-USER-id",  "X_User_Id",     "X.User.Id",
        "X-User_Id",  "X!User~Id",   "X-User-",   "X-User-Any", "x_auth_method", "X-Auth-Method",
        "X+Auth+Who", "X-Tenant",    "x_tenant",  "X^TENANT",   "department",    "DEPARTMENT",
        "X'User`Id",  "X|User|Id|x", "X*User#Id", "X-User--Id"}) {
    EXPECT_TRUE(drops(filter, name)) << name;
  }
}

TEST(HeaderFilter, LetsOtherNamesPass) {
  const HeaderFilter filter = identity_filter();
  for (const std::string_view name : {"X-User",
                                      "X-Users-Id",
                                      "XUserId",
                                      "X-Use-R-Id",
                                      "My-X-User-Id",
                                      "X-Tenants",
                                      "X-Tenant-Id",
                                      "Departments",
                                      "Depart-Ment",
                                      "User-Id",
                                      "X-Authority",
                                      "Accept",
                                      "Host",
                                      "Cookie",
                                      "Authorization",
                                      "Content-Type",
                                      "User-Agent",
                                      "Content-Length",
                                      "Content-Encoding",
                                      "Expect",
                                      "Trailer",
                                      "Traceparent",
                                      "Origin",
                                      "Referer",
                                      "If-None-Match",
                                      "Range",
                                      "Sec-WebSocket-Key",
                                      "Via",
                                      "X-Custom"}) {
    EXPECT_FALSE(drops(filter, name)) << name;
  }
}

TEST(HeaderFilter, DropsTheFieldsOfTheConnection) {
  const HeaderFilter filter;
  for (const std::string_view name : {"Connection", "Keep-Alive", "TE", "Transfer-Encoding", "Upgrade",
                                      "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization"}) {
    EXPECT_TRUE(drops(filter, name)) << name;
  }
  for (const std::string_view twin : {"connection", "KEEP_ALIVE", "te", "Transfer_Encoding", "transfer.encoding",
                                      "UPGRADE", "proxy_connection", "Proxy_Authorization"}) {
    EXPECT_TRUE(drops(filter, twin)) << twin;
  }
}

TEST(HeaderFilter, DropsTheForwardedFamily) {
  const HeaderFilter filter;
  for (const std::string_view name : {"Forwarded",
                                      "X-Forwarded-For",
                                      "X-Forwarded-Proto",
                                      "X-Forwarded-Host",
                                      "X-Forwarded-Port",
                                      "X-Forwarded-Prefix",
                                      "X-Forwarded-User",
                                      "X-Forwarded-Uri",
                                      "X-Forwarded-",
                                      "X_Forwarded_For",
                                      "x.forwarded.user",
                                      "X-Real-IP",
                                      "X_Real_Ip",
                                      "X-Original-URL",
                                      "X-Original-Host",
                                      "x_original_url",
                                      "X-Rewrite-URL",
                                      "X_Rewrite_Url",
                                      "Remote-User",
                                      "REMOTE_USER",
                                      "Remote-Addr",
                                      "Proxy",
                                      "PROXY",
                                      "X-HTTP-Method",
                                      "X-HTTP-Method-Override",
                                      "X_HTTP_METHOD_OVERRIDE",
                                      "X-Method-Override",
                                      "X-Request-Id",
                                      "X_Request_Id"}) {
    EXPECT_TRUE(drops(filter, name)) << name;
  }
  for (const std::string_view name : {"X-Forwarded", "Forwarded-For", "X-Real", "Remote", "Proxys", "X-Request-Ids"}) {
    EXPECT_FALSE(drops(filter, name)) << name;
  }
}

TEST(HeaderFilter, DropsTwinsOfTheFieldsThatSayWhatTheMessageIs) {
  const HeaderFilter filter;
  for (const std::string_view twin : {"Content_Length", "content.length", "CONTENT_LENGTH", "Content_Type",
                                      "Content!Type", "Content_Encoding", "User_Agent"}) {
    EXPECT_TRUE(drops(filter, twin)) << twin;
  }
  for (const std::string_view name : {"Content-Length", "content-length", "Content-Type", "Content-Encoding"}) {
    EXPECT_FALSE(drops(filter, name)) << name;
  }
}

TEST(HeaderFilter, LongNamesAreComparedToo) {
  HeaderFilter filter;
  const std::string long_name = "X-" + std::string(62, 'n');  // 64 bytes: the last that is compared in place
  filter.add_name(long_name);
  filter.add_name(long_name + "n");
  filter.add_pattern("X-User-*");
  EXPECT_TRUE(drops(filter, long_name));
  EXPECT_TRUE(drops(filter, "x-" + std::string(62, 'N')));
  EXPECT_TRUE(drops(filter, "x-" + std::string(63, 'N')));
  EXPECT_FALSE(drops(filter, "x-" + std::string(64, 'N')));
  EXPECT_FALSE(drops(filter, "x-" + std::string(61, 'N')));
  EXPECT_TRUE(drops(filter, "x-user-" + std::string(500, '-')));
}

TEST(HeaderFilter, ANameThatAServerMayTakeForAVariableIsDropped) {
  const HeaderFilter filter;
  for (const std::string_view name : {"SCRIPT_NAME", "PATH_INFO", "X_Anything", "a.b", "a!", "Accept_"}) {
    EXPECT_TRUE(drops(filter, name)) << name;
  }
}

TEST(HeaderFilter, AnAsteriskAloneDropsEverything) {
  HeaderFilter filter;
  filter.add_pattern("*");
  for (const std::string_view name : {"A", "z", "0", "_", "!", "Accept", "Host", "x_y"}) {
    EXPECT_TRUE(drops(filter, name)) << name;
  }
}

TEST(HeaderFilter, PatternsMayBeWrittenInAnyWay) {
  for (const std::string_view pattern : {"X-Secret-*", "x_secret_*", "X.SECRET.*"}) {
    HeaderFilter filter;
    filter.add_pattern(pattern);
    EXPECT_TRUE(drops(filter, "X-Secret-Thing")) << pattern;
    EXPECT_TRUE(drops(filter, "x_secret_")) << pattern;
    EXPECT_FALSE(drops(filter, "X-Secret")) << pattern;
  }
  HeaderFilter filter;
  filter.add_pattern("_Odd");  // begins with a mark
  EXPECT_TRUE(drops(filter, "-odd"));
  EXPECT_TRUE(drops(filter, "_ODD"));
  EXPECT_FALSE(drops(filter, "Odd"));
}

TEST(HeaderFilter, SaysWhyAFieldIsDropped) {
  using Cause = HeaderFilter::Cause;
  const HeaderFilter filter = identity_filter();
  const auto cause_of = [&](std::string_view name) {
    const Field field{.name = name, .value = "x", .line = {}, .known = field_name_of(name)};
    EXPECT_EQ(filter.cause_of(field) != Cause::None, filter.drops(field)) << name;
    return filter.cause_of(field);
  };
  for (const std::string_view name : {"Accept", "Cookie", "Authorization", "X-Users", "X-Tenants"}) {
    EXPECT_EQ(cause_of(name), Cause::None) << name;
  }
  for (const std::string_view name : {"x_user_id", "SCRIPT_NAME", "X.Anything"}) {
    EXPECT_EQ(cause_of(name), Cause::OddName) << name;
  }
  for (const std::string_view name : {"connection", "TE", "Proxy-Authorization"}) {
    EXPECT_EQ(cause_of(name), Cause::Connection) << name;
  }
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For", "x-real-ip", "X-Request-Id", "Proxy"}) {
    EXPECT_EQ(cause_of(name), Cause::Forwarding) << name;
  }
  for (const std::string_view name : {"X-User-Id", "x-auth-method", "X-Tenant", "Department"}) {
    EXPECT_EQ(cause_of(name), Cause::Configured) << name;
  }
}

struct NameCase {
  std::string_view name;
  std::string_view expected;
};

TEST(HeaderFilter, NormalisesNames) {
  constexpr std::array<NameCase, 6> cases{{{"", ""},
                                           {"X-User-Id", "x-user-id"},
                                           {"X_User.Id", "x-user-id"},
                                           {"ABC123", "abc123"},
                                           {"!#$%&'*+-.^_`|~", "---------------"},
                                           {"A--b", "a--b"}}};
  for (const auto& [name, expected] : cases) EXPECT_EQ(normalise_field_name(name), expected);
}

}  // namespace
}  // namespace sidegate::http
