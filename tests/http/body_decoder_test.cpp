#include <sidegate/http/body_decoder.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/message_writer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "../fuzz/body_reading.hpp"
#include "../fuzz/head_reading.hpp"

namespace sidegate::http {
namespace {

using fuzz::BodyReading;
using fuzz::read_body;
using fuzz::Splits;
using namespace std::string_view_literals;

constexpr Framing kNone{Framing::Kind::None, 0};
constexpr Framing kChunked{Framing::Kind::Chunked, 0};
constexpr Framing kUntilClose{Framing::Kind::UntilClose, 0};
constexpr Framing length(std::uint64_t bytes) {
  return {Framing::Kind::Length, bytes};
}

/// The reading of the whole, once it is known that every other way of splitting reads the same.
BodyReading read_in_every_way(Framing framing, std::string_view bytes, const base::Limits& limits = {}) {
  auto whole = read_body(framing, bytes, fuzz::in_one_piece(bytes.size()), limits);
  EXPECT_EQ(whole.misuse, "");
  for (const Splits& splits : fuzz::ways_to_split(bytes)) {
    const auto split = read_body(framing, bytes, splits, limits);
    EXPECT_EQ(split.misuse, "");
    EXPECT_EQ(split.text(), whole.text());
  }
  return whole;
}

TEST(BodyDecoder, OnlyABodyWithALengthTellsHowMuchIsToCome) {
  const base::Limits limits;
  EXPECT_EQ(BodyDecoder(length(7), limits).remaining_length(), 7U);
  for (const Framing framing : {kNone, kUntilClose, length(0)}) {
    EXPECT_EQ(BodyDecoder(framing, limits).remaining_length(), 0U);
  }
  BodyDecoder chunked(kChunked, limits);
  ASSERT_TRUE(chunked.next("7\r\nhel"));
  EXPECT_EQ(chunked.remaining_length(), 0U) << "of the chunk, not of the body";
}

TEST(BodyDecoder, CountsWhatWentByWithoutBeingOffered) {
  const base::Limits limits;
  BodyDecoder decoder(length(10), limits);
  ASSERT_TRUE(decoder.next("he"));
  decoder.pass(0);
  decoder.pass(5);
  EXPECT_EQ(decoder.remaining_length(), 3U);
  EXPECT_FALSE(decoder.done());
  const auto step = decoder.next("you, and the next message");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->data, "you");
  EXPECT_TRUE(decoder.done());

  BodyDecoder passed(length(10), limits);
  passed.pass(10);
  EXPECT_TRUE(passed.done());
  EXPECT_EQ(passed.next("the next message")->consumed, 0U);
}

TEST(BodyDecoder, NoBody) {
  const base::Limits limits;
  for (BodyDecoder decoder : {BodyDecoder(), BodyDecoder(kNone, limits)}) {
    EXPECT_TRUE(decoder.done());
    EXPECT_FALSE(decoder.ends_with_connection());
    const auto step = decoder.next("GET / HTTP/1.1\r\n");
    ASSERT_TRUE(step);
    EXPECT_EQ(step->kind, BodyDecoder::Step::Kind::Done);
    EXPECT_EQ(step->consumed, 0U);
  }
}

TEST(BodyDecoder, Length) {
  const auto exact = read_in_every_way(length(5), "hello");
  EXPECT_TRUE(exact.done);
  EXPECT_EQ(exact.data, "hello");
  const auto followed = read_in_every_way(length(5), "helloGET /");
  EXPECT_TRUE(followed.done);
  EXPECT_EQ(followed.data, "hello");
  EXPECT_EQ(followed.consumed, 5U);
  const auto cut_off = read_in_every_way(length(6), "hello");
  EXPECT_FALSE(cut_off.done);
  EXPECT_EQ(cut_off.data, "hello");
  const auto huge = read_in_every_way(length(18446744073709551615U), "\r\n\0x"sv);
  EXPECT_FALSE(huge.done);
  EXPECT_EQ(huge.data, "\r\n\0x"sv);
}

TEST(BodyDecoder, UntilClose) {
  const auto reading = read_in_every_way(kUntilClose, "0\r\n\r\nanything");
  EXPECT_FALSE(reading.done);
  EXPECT_EQ(reading.data, "0\r\n\r\nanything");
  const base::Limits limits;
  EXPECT_TRUE(BodyDecoder(kUntilClose, limits).ends_with_connection());
  EXPECT_FALSE(BodyDecoder(kChunked, limits).ends_with_connection());
  EXPECT_FALSE(BodyDecoder(length(5), limits).ends_with_connection());
}

struct ChunkedCase {
  std::string_view name;
  std::string_view bytes;
  std::string_view data;
  std::string_view trailers;
  std::size_t left_over = 0;
};

TEST(BodyDecoder, Chunked) {
  constexpr std::array<ChunkedCase, 18> cases{{
      {"empty", "0\r\n\r\n", "", ""},
      {"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"two chunks", "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n", "hello, world", ""},
      {"chunks of one byte", "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", "ab", ""},
      {"letters in either case", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a", ""},
      {"leading zeros", "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello", ""},
      {"data like the coding", "9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r\n", ""},
      {"any byte as data", "4\r\n\0\n\r\xFF\r\n0\r\n\r\n"sv, "\0\n\r\xFF"sv, ""},
      {"an extension", "5;a=b\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"an extension after a blank", "5 \t;a\r\nhello\r\n0 ;b\r\n\r\n", "hello", ""},
      {"an empty extension", "5;\r\nhello\r\n0;\r\n\r\n", "hello", ""},
      {"a quoted extension", "5;a=\"b;c d\";e\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"an extension that looks like a size", "5;\xFF;0\r\nhello\r\n0\r\n\r\n", "hello", ""},
      {"a trailer", "0\r\nX-Sum: 5\r\n\r\n", "", "X-Sum: 5\n"},
      {"trailers after data", "2\r\nab\r\n0\r\nA: 1\r\nB:\t2 \r\n\r\n", "ab", "A: 1\nB: 2\n"},
      {"trailers that would frame", "0\r\nContent-Length: 5\r\nHost: b\r\n\r\n", "", "Content-Length: 5\nHost: b\n"},
      {"followed by a request", "0\r\n\r\nGET / HTTP/1.1\r\n", "", "", 16},
      {"followed by an empty line", "1\r\na\r\n0\r\n\r\n\r\n", "a", "", 2},
  }};
  for (const auto& [name, bytes, data, trailers, left_over] : cases) {
    SCOPED_TRACE(name);
    const auto reading = read_in_every_way(kChunked, bytes);
    EXPECT_EQ(reading.refusal, "");
    EXPECT_TRUE(reading.done);
    EXPECT_EQ(reading.data, data);
    EXPECT_EQ(reading.trailers, trailers);
    EXPECT_EQ(reading.consumed, bytes.size() - left_over);
  }
}

struct RefusedCase {
  std::string_view name;
  std::string_view bytes;
  std::string_view refusal;
};

TEST(BodyDecoder, RefusesWhatIsBroken) {
  constexpr std::array<RefusedCase, 35> cases{{
      {"no size", "\r\nhello\r\n0\r\n\r\n", "bad_chunk"},
      {"a blank for a size", " \r\nhello\r\n", "bad_chunk"},
      {"a blank before the size", " 5\r\nhello\r\n", "bad_chunk"},
      {"a blank after the size", "5 \r\nhello\r\n", "bad_chunk"},
      {"a tab after the size", "5\t\r\nhello\r\n", "bad_chunk"},
      {"a sign", "+5\r\nhello\r\n", "bad_chunk"},
      {"a minus sign", "-5\r\nhello\r\n", "bad_chunk"},
      {"a prefix", "0x5\r\nhello\r\n", "bad_chunk"},
      {"no digit", "g\r\n", "bad_chunk"},
      {"a digit and a letter", "5g\r\nhello\r\n", "bad_chunk"},
      {"two sizes", "5 5\r\nhello\r\n", "bad_chunk"},
      {"a comma", "5,5\r\nhello\r\n", "bad_chunk"},
      {"an underscore", "1_0\r\nhello\r\n", "bad_chunk"},
      {"only an extension", ";a\r\n", "bad_chunk"},
      {"seventeen digits", "10000000000000000\r\nhello", "bad_chunk"},
      {"seventeen zeros", "00000000000000000\r\n\r\n", "bad_chunk"},
      {"seventeen digits that overflow to five", "10000000000000005\r\nhello\r\n", "bad_chunk"},
      {"LF after the size", "5\nhello\r\n0\r\n\r\n", "bad_chunk"},
      {"CR after the size", "5\rhello\r\n", "bad_chunk"},
      {"two CRs after the size", "5\r\r\nhello\r\n", "bad_chunk"},
      {"LF after the data", "5\r\nhello\n0\r\n\r\n", "bad_chunk"},
      {"CR after the data", "5\r\nhello\r0\r\n\r\n", "bad_chunk"},
      {"nothing after the data", "5\r\nhello0\r\n\r\n", "bad_chunk"},
      {"more data than said", "5\r\nhello!\r\n0\r\n\r\n", "bad_chunk"},
      {"LF in an extension", "5;a=\"\n\"\r\nhello\r\n", "bad_chunk"},
      {"NUL in an extension", "5;a\0\r\nhello\r\n"sv, "bad_chunk"},
      {"LF ends the body", "0\r\n\n", "bad_trailer"},
      {"LF ends the last size", "0\n\r\n", "bad_chunk"},
      {"LF ends a trailer", "0\r\nA: b\n\r\n", "bad_trailer"},
      {"a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", "bad_trailer"},
      {"a trailer without a name", "0\r\n: b\r\n\r\n", "bad_trailer"},
      {"a trailer without a colon", "0\r\nA\r\n\r\n", "bad_trailer"},
      {"a trailer with a blank before its colon", "0\r\nA : b\r\n\r\n", "bad_trailer"},
      {"a trailer with a NUL", "0\r\nA: \0\r\n\r\n"sv, "bad_trailer"},
      {"a chunk after the last", "0\r\n5\r\nhello\r\n\r\n", "bad_trailer"},
  }};
  for (const auto& [name, bytes, refusal] : cases) {
    SCOPED_TRACE(name);
    EXPECT_EQ(read_in_every_way(kChunked, bytes).refusal, refusal);
  }
}

TEST(BodyDecoder, TheLargestChunkHasSixteenDigits) {
  const auto reading = read_in_every_way(kChunked, "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(reading.refusal, "");
  EXPECT_FALSE(reading.done);
  EXPECT_EQ(reading.data, "hello\r\n0\r\n\r\n");
}

TEST(BodyDecoder, WaitsForTheRest) {
  const std::string_view bytes = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto reading = read_in_every_way(kChunked, bytes.substr(0, size));
    EXPECT_EQ(reading.refusal, "") << size;
    EXPECT_FALSE(reading.done) << size;
  }
}

TEST(BodyDecoder, AWrongByteAfterAChunkIsRefusedAtOnce) {
  for (const std::string_view input : {"1\r\naX", "1\r\na\rX"}) {
    const base::Limits limits;
    BodyDecoder decoder(kChunked, limits);
    auto step = decoder.next(input);
    for (std::size_t at = 0; step && step->kind == BodyDecoder::Step::Kind::Data;
         step = decoder.next(input.substr(at))) {
      at += step->consumed;
    }
    ASSERT_FALSE(step) << input;
    EXPECT_EQ(step.error(), base::Reason::BadChunk);
  }
}

TEST(BodyDecoder, ASizeLineHasALimit) {
  const auto with_line = [](std::size_t line_bytes) {
    return "5;" + std::string(line_bytes - 4, 'a') + "\r\nhello\r\n0\r\n\r\n";
  };
  EXPECT_TRUE(read_in_every_way(kChunked, with_line(256)).done);
  EXPECT_EQ(read_in_every_way(kChunked, with_line(257)).refusal, "bad_chunk");
  // An endless one is not waited for, be it a size, an extension or what should end a chunk.
  EXPECT_EQ(read_in_every_way(kChunked, "5;" + std::string(300, 'a')).refusal, "bad_chunk");
  EXPECT_EQ(read_in_every_way(kChunked, std::string(300, '0')).refusal, "bad_chunk");
  EXPECT_EQ(read_in_every_way(kChunked, "1\r\na" + std::string(300, 'b')).refusal, "bad_chunk");
}

TEST(BodyDecoder, TrailersHaveLimits) {
  const std::string three = "0\r\nA: b\r\nA: b\r\nA: b\r\n\r\n";  // 3 fields, 20 bytes
  EXPECT_TRUE(read_in_every_way(kChunked, three, {.fields_max = 3}).done);
  EXPECT_EQ(read_in_every_way(kChunked, three, {.fields_max = 2}).refusal, "bad_trailer");
  EXPECT_TRUE(read_in_every_way(kChunked, three, {.head_bytes_max = 20}).done);
  EXPECT_EQ(read_in_every_way(kChunked, three, {.head_bytes_max = 19}).refusal, "bad_trailer");
  EXPECT_EQ(read_in_every_way(kChunked, "0\r\nA: " + std::string(100, 'b'), {.head_bytes_max = 50}).refusal,
            "bad_trailer");
}

TEST(BodyDecoder, LinesAreConsumedWhole) {
  const base::Limits limits;
  BodyDecoder decoder(kChunked, limits);
  const auto part = decoder.next("5\r");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->kind, BodyDecoder::Step::Kind::NeedMore);
  EXPECT_EQ(part->consumed, 0U);
  const auto size = decoder.next("5\r\nhello");
  ASSERT_TRUE(size);
  EXPECT_EQ(size->consumed, 3U);
  EXPECT_EQ(size->data, "");
}

std::string random_bytes(std::size_t size, std::minstd_rand& random) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random() >> 8U);
  return bytes;
}

/// `body` in chunks of up to `chunk_max` bytes, several of them gathered before they are sent, as a relay does.
std::string encode(std::string_view body, std::size_t chunk_max, std::minstd_rand& random) {
  std::string encoded;
  GatherList list;
  while (!body.empty()) {
    const auto chunk = body.substr(0, 1 + random() % chunk_max);
    EXPECT_TRUE(list.has_room(kChunkSlices, kChunkCopiedBytes));
    EXPECT_TRUE(write_chunk(chunk, list));
    body.remove_prefix(chunk.size());
    if (random() % 3 != 0 && list.has_room(kChunkSlices, kChunkCopiedBytes)) continue;
    encoded += fuzz::joined(list);
    list.consume(list.bytes());
  }
  return encoded + fuzz::joined(list) + "0\r\n\r\n";
}

TEST(BodyDecoder, DecodesWhatWasEncoded) {
  std::minstd_rand random(11);
  for (int round = 0; round < 300; ++round) {
    const std::string body = random_bytes(random() % 600, random);
    const std::string encoded = encode(body, 1 + random() % 300, random);
    const std::string sent = encoded + "next";
    for (const Splits& splits :
         {fuzz::in_one_piece(sent.size()), fuzz::byte_by_byte(sent.size()), fuzz::at_random(sent.size(), 40, random)}) {
      const auto reading = read_body(kChunked, sent, splits);
      ASSERT_EQ(reading.misuse, "");
      ASSERT_EQ(reading.refusal, "");
      ASSERT_TRUE(reading.done);
      ASSERT_EQ(reading.data, body);
      ASSERT_EQ(reading.consumed, encoded.size());
    }
  }
}

}  // namespace
}  // namespace sidegate::http
