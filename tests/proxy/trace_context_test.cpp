#include <sidegate/proxy/trace_context.hpp>

#include <gtest/gtest.h>

namespace sidegate::proxy {
namespace {

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kValue = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

http::Field traceparent(std::string_view value) {
  return {.name = "traceparent", .value = value, .line = {}, .known = http::FieldName::Traceparent};
}

TEST(TraceContext, IsTheTraceIdOfAWellFormedField) {
  struct Case {
    std::string_view value;
    std::string_view expected;
  };
  const Case cases[]{
      {kValue, kTrace},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", kTrace},
      {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", kTrace},
      {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later", kTrace},
      {"", ""},
      {"00", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", ""},
      {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more", ""},
      {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
      {"0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", ""},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bx-01", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x", ""},
      {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", ""},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01", ""},
  };
  for (const Case& each : cases) EXPECT_EQ(find_trace_id({traceparent(each.value)}), each.expected) << each.value;
}

TEST(TraceContext, SeveralFieldsOrNoneGiveNothing) {
  EXPECT_EQ(find_trace_id({}), "");
  EXPECT_EQ(find_trace_id({traceparent(kValue), traceparent(kValue)}), "");
  EXPECT_EQ(find_trace_id({{.name = "x", .value = kValue, .line = {}, .known = http::FieldName::Other}}), "");
}

}  // namespace
}  // namespace sidegate::proxy
