#include <sidegate/http/request_target.hpp>

#include <gtest/gtest.h>

#include <string>

#include "../fuzz/head_reading.hpp"

namespace sidegate::http {
namespace {

/// `HOST PATH`, or the name of the reason.
std::string reading_of(const std::string& start, const std::string& fields) {
  const std::string bytes = start + "\r\n" + fields + "\r\n";
  const fuzz::RequestReading reading(bytes);
  EXPECT_TRUE(reading.whole()) << reading.text();
  auto facts = check_request(reading.head());
  if (!facts) return std::string(base::name_of(facts.error()));
  std::string storage;
  const auto target = read_target(reading.head(), *facts, storage);
  if (!target) return std::string(base::name_of(target.error()));
  return std::string(facts->host) + ' ' + std::string(target->path);
}

TEST(RequestTarget, TheTargetAndHostSayTheSame) {
  struct Case {
    const char* start;
    const char* fields;
    const char* expected;
  };
  const Case cases[]{
      {"GET /a/../b HTTP/1.1", "Host: h.example\r\n", "h.example /b"},
      {"GET http://h.example/x HTTP/1.1", "Host: h.example\r\n", "h.example /x"},
      {"GET http://H.example/x HTTP/1.1", "Host: h.EXAMPLE\r\n", "h.EXAMPLE /x"},
      {"GET http://h.example HTTP/1.1", "Host: h.example\r\n", "h.example /"},
      {"GET http://other.example/x HTTP/1.1", "Host: h.example\r\n", "target_authority_mismatch"},
      {"GET http://h.example:80/x HTTP/1.1", "Host: h.example\r\n", "target_authority_mismatch"},
      {"GET http://h.example/x HTTP/1.0", "", "h.example /x"},
      {"GET http://other.example/x HTTP/1.0", "Host: h.example\r\n", "target_authority_mismatch"},
      {"GET /x HTTP/1.0", "", " /x"},
      {"GET /../x HTTP/1.1", "Host: h.example\r\n", "climbs_above_root"},
      {"OPTIONS * HTTP/1.1", "Host: h.example\r\n", "h.example *"},
      {"GET * HTTP/1.1", "Host: h.example\r\n", "bad_target"},
  };
  for (const Case& each : cases) EXPECT_EQ(reading_of(each.start, each.fields), each.expected) << each.start;
}

}  // namespace
}  // namespace sidegate::http
