#include "answer_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string_view>
#include <vector>

namespace sidegate::authority {
namespace {

using base::OrMessage;
using ::testing::HasSubstr;

/// Reads `bytes` in pieces of at most so many bytes as `next_size` says, and then the end of the connection.
template <class NextSize>
OrMessage<HttpAnswer> read(std::string_view bytes, NextSize next_size) {
  AnswerReader reader;
  while (!bytes.empty()) {
    const auto space = reader.space();
    const auto count = std::min({bytes.size(), space.size(), std::size_t{next_size()}});
    std::copy_n(bytes.begin(), count, space.begin());
    bytes.remove_prefix(count);
    const auto whole = reader.take(count);
    if (!whole) return whole.error();
    if (*whole) return reader.answer();
  }
  if (const auto ended = reader.end(); !ended) return ended.error();
  return reader.answer();
}

std::string words(const OrMessage<HttpAnswer>& outcome) {
  if (!outcome) return outcome.error().text;
  return std::to_string(outcome->status) + ' ' + std::string(std::string_view(outcome->body).substr(0, 20));
}

TEST(AnswerReader, ReadsTheSameWhateverThePieces) {
  struct Case {
    std::string bytes;
    const char* expected;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string many_fields = [] {
    std::string fields;
    for (int i = 0; i < 2'000; ++i) fields += "X-Field-" + std::to_string(i) + ": some value\r\n";
    return fields;
  }();
  const Case cases[] = {
      {ok + "Content-Length: 2\r\n\r\nhi", "200 hi"},
      {ok + "Content-Length: 2\r\n\r\nhi and more", "200 hi"},
      {ok + "Content-Length: 0\r\n\r\n", "200 "},
      {ok + "\r\nuntil the end", "200 until the end"},
      {"HTTP/1.0 200 OK\r\n\r\nold", "200 old"},
      {chunked + "2\r\nhi\r\n3;x=y\r\n yo\r\n0\r\nX: y\r\n\r\n", "200 hi yo"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nhi",
       "200 hi"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "204 "},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", "404 nope"},
      {"", "the connection ended in the middle of the answer"},
      {"HTTP/1.1 200 OK\r\nX: y\r\n", "the connection ended in the middle of the answer"},
      {"HTTP/1.1 100 Continue\r\n\r\n", "the connection ended in the middle of the answer"},
      {ok + "Content-Length: 3\r\n\r\nhi", "the connection ended in the middle of the answer"},
      {chunked + "2\r\nhi\r\n", "the connection ended in the middle of the answer"},
      {ok + "Content-Length: 2000000\r\n\r\n", "the answer is larger than 1 MiB"},
      {ok + "\r\n" + std::string(1'100'000, 'x'), "the answer is larger than 1 MiB"},
      {chunked + "10c8e0\r\n" + std::string(1'100'000, 'x') + "\r\n0\r\n\r\n", "the answer is larger than 1 MiB"},
      {ok + many_fields + "\r\n", "the head of the answer is larger than 16 KiB"},
      {ok + "X: " + std::string(20'000, 'x') + "\r\n\r\n", "the head of the answer is larger than 16 KiB"},
  };
  std::mt19937 random(7);
  for (const Case& test : cases) {
    EXPECT_EQ(words(read(test.bytes, [] { return std::size_t{1'000'000}; })), test.expected)
        << test.bytes.substr(0, 99);
    EXPECT_EQ(words(read(test.bytes, [] { return std::size_t{1}; })), test.expected) << test.bytes.substr(0, 99);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(words(read(test.bytes, [&] { return std::size_t{1} + random() % 5000; })), test.expected)
          << test.bytes.substr(0, 99);
    }
  }
}

TEST(AnswerReader, RefusesWhatIsNoHttp) {
  for (const char* const bytes : {"SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 200 OK\r\nno field\r\n\r\n",
                                  "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "\x16\x03\x01\x02\x03\x04\x05\x06",
                                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    EXPECT_THAT(words(read(bytes, [] { return std::size_t{4096}; })), HasSubstr("the answer is no HTTP")) << bytes;
  }
}

TEST(AnswerReader, FramingAloneDoesNotGoOnForEver) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string chunks;
  std::string trailers = "0\r\n";
  for (int i = 0; i < 600'000; ++i) chunks += "1\r\nx\r\n";
  for (int i = 0; i < 300'000; ++i) trailers += "X-Y: z\r\n";
  for (const std::string& rest : {chunks, trailers, "1;" + std::string(30'000, 'x')}) {
    for (const std::size_t piece : {std::size_t{7}, std::size_t{16'384}}) {
      const auto outcome = read(head + rest, [piece] { return piece; });
      EXPECT_FALSE(outcome) << rest.substr(0, 20) << piece;
      EXPECT_THAT(words(outcome), HasSubstr("larger than")) << rest.substr(0, 20) << piece;
    }
  }
}

TEST(AnswerReader, KeepsTheFieldsThatMatter) {
  const auto answer = read(
      "HTTP/1.1 302 Found\r\ncache-control: max-age=5\r\nCache-Control: no-store\r\nAge: 3\r\nLocation: /x\r\n"
      "Content-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n",
      [] { return std::size_t{4096}; });
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->cache_control, "max-age=5, no-store");
  EXPECT_EQ(answer->age, "3");
  EXPECT_EQ(answer->location, "/x");
  EXPECT_EQ(answer->content_encoding, "gzip, br");
}

}  // namespace
}  // namespace sidegate::authority
