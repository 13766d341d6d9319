#include <sidegate/http/head.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

#include <sidegate/base/text.hpp>

namespace sidegate::http {
namespace {

struct MethodCase {
  std::string_view name;
  Method expected;
  bool idempotent;
};

TEST(Head, Methods) {
  constexpr std::array<MethodCase, 14> cases{{{"GET", Method::Get, true},
                                              {"HEAD", Method::Head, true},
                                              {"POST", Method::Post, false},
                                              {"PUT", Method::Put, true},
                                              {"DELETE", Method::Delete, true},
                                              {"CONNECT", Method::Connect, false},
                                              {"OPTIONS", Method::Options, true},
                                              {"TRACE", Method::Trace, true},
                                              {"PATCH", Method::Patch, false},
                                              {"get", Method::Other, false},
                                              {"Get", Method::Other, false},
                                              {"", Method::Other, false},
                                              {"GETS", Method::Other, false},
                                              {"PROPFIND", Method::Other, false}}};
  for (const auto& [name, expected, idempotent] : cases) {
    EXPECT_EQ(method_of(name), expected) << name;
    EXPECT_EQ(is_idempotent(expected), idempotent) << name;
  }
}

struct NameCase {
  std::string_view name;
  FieldName expected;
};

TEST(Head, FieldNames) {
  constexpr std::array<NameCase, 18> cases{{{"Authorization", FieldName::Authorization},
                                            {"Connection", FieldName::Connection},
                                            {"Content-Length", FieldName::ContentLength},
                                            {"Content-Type", FieldName::ContentType},
                                            {"Cookie", FieldName::Cookie},
                                            {"Expect", FieldName::Expect},
                                            {"Host", FieldName::Host},
                                            {"Keep-Alive", FieldName::KeepAlive},
                                            {"Proxy-Authenticate", FieldName::ProxyAuthenticate},
                                            {"Proxy-Authorization", FieldName::ProxyAuthorization},
                                            {"Proxy-Connection", FieldName::ProxyConnection},
                                            {"TE", FieldName::Te},
                                            {"Traceparent", FieldName::Traceparent},
                                            {"Trailer", FieldName::Trailer},
                                            {"Transfer-Encoding", FieldName::TransferEncoding},
                                            {"Upgrade", FieldName::Upgrade},
                                            {"X-Request-Id", FieldName::XRequestId},
                                            {"Accept", FieldName::Other}}};
  for (const auto& [name, expected] : cases) {
    EXPECT_EQ(field_name_of(name), expected) << name;
    EXPECT_EQ(field_name_of(base::lower_case(name)), expected) << name;
    std::string upper(name);
    for (char& c : upper) c = base::to_upper(c);
    EXPECT_EQ(field_name_of(upper), expected) << name;
    // One letter more, less, or another one is another name.
    const std::string other = std::string(name);
    EXPECT_EQ(field_name_of(other + "s"), FieldName::Other) << name;
    EXPECT_EQ(field_name_of(other.substr(1)), FieldName::Other) << name;
    EXPECT_EQ(field_name_of("_" + other.substr(1)), FieldName::Other) << name;
  }
  for (const std::string_view twin : {"Content_Length", "Transfer_Encoding", "X_Request_Id", "", "Hos\xF4"}) {
    EXPECT_EQ(field_name_of(twin), FieldName::Other) << twin;
  }
}

}  // namespace
}  // namespace sidegate::http
