#include <sidegate/http/message_writer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "../fuzz/head_reading.hpp"

namespace sidegate::http {
namespace {

using fuzz::joined;
using fuzz::RequestReading;
using fuzz::ResponseReading;

/// How a request is forwarded, with what is usual.
struct Forwarding {
  bool authorization = true;
  bool cookie = true;
  bool traceparent = true;
  std::string_view path = {};
  std::string_view host_line = {};
  std::string_view added = {};
  std::string_view also_added = {};
};

std::string forward(std::string_view bytes, const Forwarding& how = {}) {
  const RequestReading reading(bytes);
  EXPECT_TRUE(reading.whole()) << reading.text();
  const auto facts = check_request(reading.head());
  EXPECT_TRUE(facts) << base::name_of(facts.error());
  std::string storage;
  const auto target = canonicalise(reading.head().target, reading.head().known_method == Method::Options, storage);
  EXPECT_TRUE(target) << base::name_of(target.error());
  HeaderFilter filter;
  filter.add_pattern("X-User-*");
  GatherList list;
  EXPECT_TRUE(write_request_head({.head = &reading.head(),
                                  .facts = &*facts,
                                  .target = &*target,
                                  .filter = &filter,
                                  .path = how.path,
                                  .host_line = how.host_line,
                                  .forward_authorization = how.authorization,
                                  .forward_cookie = how.cookie,
                                  .forward_trace = how.traceparent,
                                  .added = how.added,
                                  .also_added = how.also_added},
                                 list));
  return joined(list);
}

struct Case {
  std::string_view name;
  std::string_view received;
  std::string_view forwarded;
};

TEST(RequestWriter, ForwardsExactly) {
  constexpr std::array<Case, 25> cases{{
      {"as it is", "GET /a?b HTTP/1.1\r\nHost: a\r\nAccept:  */* \r\n\r\n",
       "GET /a?b HTTP/1.1\r\nHost: a\r\nAccept:  */* \r\n\r\n"},
      {"an empty line before it stays behind", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"the body is not part of it", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"},
      {"the canonical path", "GET /p/../admin//x?y=../z HTTP/1.1\r\nHost: a\r\n\r\n",
       "GET /admin/x?y=../z HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"absolute form becomes origin form", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n",
       "GET /b?c HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"absolute form without a path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"HTTP/1.0 becomes HTTP/1.1", "GET /a?b HTTP/1.0\r\nHost: a\r\n\r\n", "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"fields of the connection",
       "GET / HTTP/1.1\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nHost: a\r\nTE: trailers\r\nUpgrade: h2c\r\n"
       "Proxy-Authorization: Basic eA==\r\nProxy-Connection: close\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"the first and the last field", "GET / HTTP/1.1\r\nX-User-Id: 1\r\nHost: a\r\nX_User_Id: 2\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"nominated fields", "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: x-a, X-B\r\nX-B: 2\r\nX-C: 3\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\nX-C: 3\r\n\r\n"},
      {"Connection cannot remove what frames the message or names the caller",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nCookie: c\r\nAuthorization: d\r\n"
       "Connection: host, content-length, cookie, authorization\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nCookie: c\r\nAuthorization: d\r\n\r\n"},
      {"Connection cannot remove the coding",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"the coding is written anew", "POST / HTTP/1.1\r\ntransfer-encoding:CHUNKED\r\nHost: a\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"a length of nothing", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
      {"twins of framing fields",
       "POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"},
      {"an expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"},
      {"an expectation that nobody knows", "POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 3\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"},
      {"an expectation of HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"},
      {"forwarded fields",
       "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nForwarded: for=1\r\nX-Real-IP: 1\r\nVia: 1.1 b\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 b\r\n\r\n"},
      {"a request id", "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"credentials and a trace",
       "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nCookie: a=1\r\nTraceparent: 00-1\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nCookie: a=1\r\nTraceparent: 00-1\r\n\r\n"},
      {"a method of one's own", "PURGE /a HTTP/1.1\r\nHost: a\r\n\r\n", "PURGE /a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"foreign bytes in a value", "GET / HTTP/1.1\r\nHost: a\r\nX-A: \xFF\xE9\r\n\r\n",
       "GET / HTTP/1.1\r\nHost: a\r\nX-A: \xFF\xE9\r\n\r\n"},
      {"nothing but the line", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"},
  }};
  for (const auto& [name, received, forwarded] : cases) EXPECT_EQ(forward(received), forwarded) << name;
}

constexpr std::string_view kWithCredentials =
    "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nCookie: a=1\r\nTraceparent: 00-1\r\nCookie: b=2\r\n\r\n";

TEST(RequestWriter, LeavesOutWhatIsNotToPass) {
  EXPECT_EQ(forward(kWithCredentials, {.authorization = false}),
            "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nTraceparent: 00-1\r\nCookie: b=2\r\n\r\n");
  EXPECT_EQ(forward(kWithCredentials, {.cookie = false}),
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nTraceparent: 00-1\r\n\r\n");
  EXPECT_EQ(forward(kWithCredentials, {.traceparent = false}),
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n");
}

TEST(RequestWriter, AddsItsLinesLast) {
  EXPECT_EQ(forward("GET / HTTP/1.1\r\nHost: a\r\nX-User-Id: 9\r\nConnection: X-User-Id, X-Request-Id\r\n\r\n",
                    {.added = "X-User-Id: 7\r\n", .also_added = "X-Request-Id: 1\r\n"}),
            "GET / HTTP/1.1\r\nHost: a\r\nX-User-Id: 7\r\nX-Request-Id: 1\r\n\r\n");
}

struct RewriteCase {
  std::string_view name;
  std::string_view received;
  Forwarding how;
  std::string_view forwarded;
};

TEST(RequestWriter, AsksForAnotherPathOrOfAnotherHost) {
  constexpr std::string_view kHost = "Host: tts.internal\r\n";
  const RewriteCase cases[]{
      {"a path, the query stays",
       "GET /users/7?a=/users HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n",
       {.path = "/api/7"},
       "GET /api/7?a=/users HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"},
      {"a path in place of one that was not canonical",
       "GET /x/../users//7 HTTP/1.1\r\nHost: a\r\n\r\n",
       {.path = "/api/7"},
       "GET /api/7 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a path for absolute form",
       "GET http://a/users?b HTTP/1.1\r\nHost: a\r\n\r\n",
       {.path = "/api"},
       "GET /api?b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a path for HTTP/1.0",
       "GET /users?b HTTP/1.0\r\nHost: a\r\n\r\n",
       {.path = "/api"},
       "GET /api?b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a host, right behind the request line",
       "GET /a HTTP/1.1\r\nB: c\r\nHost: a\r\nD: e\r\n\r\n",
       {.host_line = kHost},
       "GET /a HTTP/1.1\r\nHost: tts.internal\r\nB: c\r\nD: e\r\n\r\n"},
      {"a host in any spelling",
       "GET /a HTTP/1.1\r\nhOST:a\r\n\r\n",
       {.host_line = kHost},
       "GET /a HTTP/1.1\r\nHost: tts.internal\r\n\r\n"},
      {"a host where there was none",
       "GET /a HTTP/1.0\r\nB: c\r\n\r\n",
       {.host_line = kHost},
       "GET /a HTTP/1.1\r\nHost: tts.internal\r\nB: c\r\n\r\n"},
      {"a host for absolute form",
       "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n",
       {.host_line = kHost},
       "GET /b HTTP/1.1\r\nHost: tts.internal\r\n\r\n"},
      {"a host that was nominated",
       "GET /a HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n",
       {.host_line = kHost},
       "GET /a HTTP/1.1\r\nHost: tts.internal\r\n\r\n"},
      {"both, before what is added",
       "POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
       {.path = "/api", .host_line = kHost, .added = "X-User-Id: 7\r\n", .also_added = "X-Forwarded-Host: a\r\n"},
       "POST /api HTTP/1.1\r\nHost: tts.internal\r\nContent-Length: 3\r\nX-User-Id: 7\r\nX-Forwarded-Host: a\r\n\r\n"},
  };
  for (const auto& [name, received, how, forwarded] : cases) EXPECT_EQ(forward(received, how), forwarded) << name;
}

TEST(RequestWriter, AHostThatIsKeptStaysWhereItWas) {
  EXPECT_EQ(forward("GET /a HTTP/1.1\r\nB: c\r\nhost:a\r\nD: e\r\n\r\n"),
            "GET /a HTTP/1.1\r\nB: c\r\nhost:a\r\nD: e\r\n\r\n");
}

TEST(RequestWriter, AnUpgradeIsAskedForAnew) {
  EXPECT_EQ(forward("GET / HTTP/1.1\r\nHost: a\r\nConnection: X-A, upgrade\r\nUpgrade: h2c, websocket\r\nX-A: 1\r\n"
                    "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n",
                    {.added = kUpgradeLines}),
            "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(RequestWriter, AHeadOfWhichNothingIsDroppedIsTwoSlices) {
  const RequestReading reading("GET /a HTTP/1.1\r\nHost: a\r\nAccept: b\r\nC: d\r\n\r\n");
  const auto facts = check_request(reading.head()).value();
  std::string storage;
  const auto target = canonicalise(reading.head().target, false, storage).value();
  const HeaderFilter filter;
  ForwardedRequest request;
  request.head = &reading.head();
  request.facts = &facts;
  request.target = &target;
  request.filter = &filter;
  GatherList list;
  ASSERT_TRUE(write_request_head(request, list));
  EXPECT_EQ(list.slices().size(), 2U);
}

TEST(RequestWriter, SaysWhenTheListIsFull) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 150; ++i) bytes += "A: b\r\nX-User-Id: 1\r\n";
  bytes += "\r\n";
  const base::Limits limits{.fields_max = 1000};
  const RequestReading reading(bytes, limits);
  ASSERT_TRUE(reading.whole());
  const auto facts = check_request(reading.head()).value();
  std::string storage;
  const auto target = canonicalise("/", false, storage).value();
  HeaderFilter filter;
  filter.add_name("X-User-Id");
  ForwardedRequest request;
  request.head = &reading.head();
  request.facts = &facts;
  request.target = &target;
  request.filter = &filter;
  GatherList list;
  EXPECT_FALSE(write_request_head(request, list));
}

std::string answer(std::string_view bytes, bool chunked = false, std::string_view added = "X-Added: 1\r\n",
                   Method method = Method::Get) {
  const ResponseReading reading(bytes);
  EXPECT_TRUE(reading.whole()) << reading.text();
  const auto facts = check_response(reading.head(), method);
  EXPECT_TRUE(facts) << base::name_of(facts.error());
  GatherList list;
  EXPECT_TRUE(
      write_response_head({.head = &reading.head(), .facts = &*facts, .added = added, .chunked = chunked}, list));
  return joined(list);
}

TEST(ResponseWriter, ForwardsExactly) {
  constexpr std::array<Case, 12> cases{{
      // RFC 9110 section 8.6.
      {"a length of no content", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 204 No Content\r\nX-Added: 1\r\n\r\n"},
      {"a length of an interim answer", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: a\r\n\r\n",
       "HTTP/1.1 103 Early Hints\r\nLink: a\r\nX-Added: 1\r\n\r\n"},
      {"as it is", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A:  b \r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A:  b \r\nX-Added: 1\r\n\r\n"},
      {"HTTP/1.0 becomes HTTP/1.1", "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX-Added: 1\r\n\r\n"},
      {"an empty phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 200 \r\nContent-Length: 0\r\nX-Added: 1\r\n\r\n"},
      // RFC 9112 section 4: the space is sent even so.
      {"no space for a phrase", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 200 \r\nContent-Length: 0\r\nX-Added: 1\r\n\r\n"},
      {"no space for a phrase and no field", "HTTP/1.1 204\r\n\r\n", "HTTP/1.1 204 \r\nX-Added: 1\r\n\r\n"},
      {"the body is not part of it", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
       "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Added: 1\r\n\r\n"},
      {"fields of the connection",
       "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n"
       "Proxy-Connection: x\r\nTE: x\r\nUpgrade: h2c\r\nX-Request-Id: 1\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Added: 1\r\n\r\n"},
      {"nominated fields", "HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: X-A, Content-Length\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Added: 1\r\n\r\n"},
      {"several cookies", "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\nSet-Cookie: b=2\r\n\r\n",
       "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\nSet-Cookie: b=2\r\nX-Added: 1\r\n\r\n"},
      {"no field", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nX-Added: 1\r\n\r\n"},
  }};
  for (const auto& [name, received, forwarded] : cases) EXPECT_EQ(answer(received), forwarded) << name;
}

TEST(ResponseWriter, WhatIsSaidToCachesMayBeReplaced) {
  const ResponseReading reading(
      "HTTP/1.1 200 OK\r\nCache-Control: public\r\nCDN-Cache-Control: max-age=9\r\nX-Cache: hit\r\n"
      "surrogate-control: max-age=9\r\nExample-CDN-cache-control: a\r\nEdge-Control: max-age=9\r\n"
      "X-Accel-Expires: 9\r\nContent-Length: 0\r\n\r\n");
  const auto facts = check_response(reading.head(), Method::Get);
  GatherList list;
  EXPECT_TRUE(write_response_head({.head = &reading.head(),
                                   .facts = &*facts,
                                   .added = "Cache-Control: private\r\n",
                                   .chunked = false,
                                   .replaces_cache_control = true},
                                  list));
  EXPECT_EQ(joined(list), "HTTP/1.1 200 OK\r\nX-Cache: hit\r\nContent-Length: 0\r\nCache-Control: private\r\n\r\n");
}

TEST(ResponseWriter, WritesTheCodingAnew) {
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\nA: b\r\n\r\n", true, "Connection: close\r\n"),
            "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n", false, ""),
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
}

TEST(ResponseWriter, AConsentToAnUpgradeIsGivenAnew) {
  EXPECT_EQ(answer("HTTP/1.1 101 Switching Protocols\r\nUPGRADE: WebSocket\r\nConnection: X-A, upgrade\r\nX-A: 1\r\n"
                   "Sec-WebSocket-Accept: k\r\n\r\n",
                   false, kUpgradeLines),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\n\r\n");
}

TEST(ResponseWriter, TheLengthOfAnAnswerToHeadStays) {
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", false, "", Method::Head),
            "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
}

TEST(WriteChunk, WritesSizeDataAndLineEnd) {
  const std::string long_data(0xABCD, 'x');
  for (const auto& [data, size] :
       {std::pair<std::string_view, std::string_view>{"a", "1"}, {"0123456789abcdef", "10"}, {long_data, "abcd"}}) {
    GatherList list;
    ASSERT_TRUE(write_chunk(data, list));
    EXPECT_EQ(joined(list), std::string(size) + "\r\n" + std::string(data) + "\r\n");
    EXPECT_LE(list.slices().size(), kChunkSlices);
  }
}

TEST(WriteChunk, SeveralGoIntoOneList) {
  GatherList list;
  ASSERT_TRUE(write_chunk("first", list));
  ASSERT_TRUE(write_chunk("the second", list));
  ASSERT_TRUE(write_chunk("3", list));
  EXPECT_EQ(joined(list), "5\r\nfirst\r\na\r\nthe second\r\n1\r\n3\r\n");
}

TEST(WriteChunk, FitsWhereThereIsRoom) {
  const std::string data(2000, 'x');
  GatherList list;
  std::string expected;
  while (list.has_room(kChunkSlices, kChunkCopiedBytes)) {
    ASSERT_TRUE(write_chunk(data, list));
    expected += "7d0\r\n" + data + "\r\n";
  }
  EXPECT_EQ(joined(list), expected);
}

TEST(MessageWriter, SaysWhyAFieldGoesNoFurther) {
  const RequestReading reading(
      "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nConnection: X-Mine, Content-Length\r\nX-Mine: 1\r\n"
      "X-User-Id: 1\r\nAuthorization: Bearer t\r\nCookie: c=1\r\ntraceparent: t\r\nExpect: x\r\nAccept: y\r\n\r\n");
  ASSERT_TRUE(reading.whole()) << reading.text();
  const auto facts = check_request(reading.head()).value();
  HeaderFilter filter;
  filter.add_pattern("X-User-*");
  ForwardedRequest request;
  request.head = &reading.head();
  request.facts = &facts;
  request.filter = &filter;
  const auto removals = [&] {
    std::vector<Removal> all;
    for (const Field& field : reading.head().fields) all.push_back(removal_of(field, request));
    return all;
  };
  using enum Removal;
  EXPECT_EQ(removals(), (std::vector{None, None, Filter, Nominated, Filter, None, None, None, Expectation, None}));
  request.host_line = "Host: other\r\n";
  request.forward_authorization = request.forward_cookie = request.forward_trace = false;
  EXPECT_EQ(removals(), (std::vector{Replaced, None, Filter, Nominated, Filter, Credential, Credential, Replaced,
                                     Expectation, None}));
}

}  // namespace
}  // namespace sidegate::http
