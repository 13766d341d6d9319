#include <sidegate/base/text.hpp>
#include <sidegate/http/head.hpp>

#include <array>
#include <utility>

namespace sidegate::http {
namespace {

constexpr std::array<std::pair<std::string_view, Method>, 9> kMethods{{
    {"GET", Method::Get},
    {"HEAD", Method::Head},
    {"POST", Method::Post},
    {"PUT", Method::Put},
    {"DELETE", Method::Delete},
    {"CONNECT", Method::Connect},
    {"OPTIONS", Method::Options},
    {"TRACE", Method::Trace},
    {"PATCH", Method::Patch},
}};

}  // namespace

Method method_of(std::string_view method) noexcept {
  for (const auto& [name, known] : kMethods) {
    if (method == name) return known;
  }
  return Method::Other;
}

bool is_idempotent(Method method) noexcept {
  switch (method) {
    case Method::Get:
    case Method::Head:
    case Method::Put:
    case Method::Delete:
    case Method::Options:
    case Method::Trace:
      return true;
    case Method::Post:
    case Method::Connect:
    case Method::Patch:
    case Method::Other:
      return false;
  }
  return false;
}

FieldName field_name_of(std::string_view name) noexcept {
  const auto is = [name](std::string_view known) { return base::equals_ignoring_case(name, known); };
  switch (name.size()) {
    case 2:
      return is("te") ? FieldName::Te : FieldName::Other;
    case 4:
      return is("host") ? FieldName::Host : FieldName::Other;
    case 6:
      if (is("cookie")) return FieldName::Cookie;
      return is("expect") ? FieldName::Expect : FieldName::Other;
    case 7:
      if (is("upgrade")) return FieldName::Upgrade;
      return is("trailer") ? FieldName::Trailer : FieldName::Other;
    case 10:
      if (is("tracestate")) return FieldName::Tracestate;
      if (is("connection")) return FieldName::Connection;
      return is("keep-alive") ? FieldName::KeepAlive : FieldName::Other;
    case 11:
      return is("traceparent") ? FieldName::Traceparent : FieldName::Other;
    case 12:
      if (is("content-type")) return FieldName::ContentType;
      return is("x-request-id") ? FieldName::XRequestId : FieldName::Other;
    case 13:
      return is("authorization") ? FieldName::Authorization : FieldName::Other;
    case 14:
      return is("content-length") ? FieldName::ContentLength : FieldName::Other;
    case 16:
      return is("proxy-connection") ? FieldName::ProxyConnection : FieldName::Other;
    case 17:
      return is("transfer-encoding") ? FieldName::TransferEncoding : FieldName::Other;
    case 18:
      return is("proxy-authenticate") ? FieldName::ProxyAuthenticate : FieldName::Other;
    case 19:
      return is("proxy-authorization") ? FieldName::ProxyAuthorization : FieldName::Other;
    default:
      return FieldName::Other;
  }
}

}  // namespace sidegate::http
