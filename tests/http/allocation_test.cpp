#include <sidegate/http/framing.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/head_parser.hpp>
#include <sidegate/http/header_filter.hpp>
#include <sidegate/http/message_writer.hpp>
#include <sidegate/http/target.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "counted_allocations.hpp"

namespace sidegate::http {
namespace {

constexpr int kRounds = 1000;

/// What happens to a request from its first byte to its head for the origin, with what a connection keeps.
struct Path {
  base::Limits limits;
  RequestParser parser{limits};
  RequestHead head;
  std::string storage;
  HeaderFilter filter;
  GatherList list;

  bool take(std::string_view bytes) {
    parser.reset();
    if (!parser.parse(bytes.substr(0, bytes.size() / 2), head)) return false;
    const auto whole = parser.parse(bytes, head);
    if (!whole || !*whole) return false;
    const auto facts = check_request(head);
    const auto target = canonicalise(head.target, head.known_method == Method::Options, storage);
    if (!facts || !target) return false;
    list.clear();
    return write_request_head({.head = &head,
                               .facts = &*facts,
                               .target = &*target,
                               .filter = &filter,
                               .forward_authorization = true,
                               .forward_cookie = true,
                               .forward_trace = true,
                               .added = "X-User-Id: 7\r\n",
                               .also_added = "X-Request-Id: 1\r\n"},
                              list);
  }
};

TEST(Allocation, AWarmRequestMakesNone) {
  const std::string plain = "GET /users/7/profile?full=1 HTTP/1.1\r\nHost: app.example\r\nX-User-Id: 9\r\n\r\n";
  const std::string odd =
      "POST /a/../%7Euser/%c3%a9//a-path-that-is-too-long-for-the-string-itself HTTP/1.0\r\nHost: app.example\r\n"
      "Connection: keep-alive, X-Internal\r\nX-Internal: 1\r\nX_User_Id: 9\r\nX-Forwarded-For: 10.0.0.1\r\n"
      "Cookie: access_token=eyJhbGciOiJIUzI1NiJ9.e30.c2ln; theme=dark\r\nContent-Length: 3\r\n\r\n";
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 99; ++i) many += i % 2 == 0 ? "X-Forwarded-For: 1\r\n" : "Accept: */*\r\n";
  many += "\r\n";

  Path path;
  path.filter.add_pattern("X-User-*");
  std::size_t before = 0;
  for (int round = -10; round < kRounds; ++round) {
    if (round == 0) before = allocations;
    const bool all_taken = path.take(plain) && path.take(odd) && path.take(many);
    if (!all_taken) FAIL() << "round " << round;
  }
  const std::size_t after = allocations;
  EXPECT_GT(before, 0U);  // the counter counts
  EXPECT_EQ(after - before, 0U);
}

}  // namespace
}  // namespace sidegate::http
