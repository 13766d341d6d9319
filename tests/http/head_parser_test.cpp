#include <sidegate/http/head_parser.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "../fuzz/head_reading.hpp"

namespace sidegate::http {
namespace {

using base::Reason;
using fuzz::RequestReading;
using fuzz::ResponseReading;
using fuzz::Splits;
using namespace std::string_view_literals;

/// Expects that every way of splitting `bytes` reads as `whole` does, and exactly the same.
template <class Reading>
void expect_same_in_pieces(std::string_view bytes, const Reading& whole, const base::Limits& limits) {
  for (const Splits& splits : fuzz::ways_to_split(bytes)) {
    ASSERT_EQ(Reading(bytes, splits, limits).text(), whole.text());
  }
}

std::string request_text(const RequestHead& head) {
  const std::string_view version = head.version == Version::Http11 ? "1.1" : "1.0";
  return std::string(head.method) + ' ' + std::string(head.target) + ' ' + std::string(version) + '\n' +
         fuzz::list_fields(head.fields);
}

struct ValidCase {
  std::string_view name;
  std::string_view bytes;
  std::string_view expected;
};

constexpr std::array<ValidCase, 18> kValidRequests{{
    {"no field", "GET / HTTP/1.1\r\n\r\n", "GET / 1.1\n"},
    {"one field", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / 1.1\nhost: a\n"},
    {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0\n"},
    {"an empty line before it", "\r\nGET / HTTP/1.1\r\n\r\n", "GET / 1.1\n"},
    {"a query", "GET /a?b=c&d HTTP/1.1\r\n\r\n", "GET /a?b=c&d 1.1\n"},
    {"an asterisk", "OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS * 1.1\n"},
    {"absolute form", "GET http://a/b HTTP/1.1\r\n\r\n", "GET http://a/b 1.1\n"},
    {"authority form", "CONNECT a:443 HTTP/1.1\r\n\r\n", "CONNECT a:443 1.1\n"},
    {"a method of one's own", "M-SEARCH! / HTTP/1.1\r\n\r\n", "M-SEARCH! / 1.1\n"},
    {"a method in small letters is another method", "get / HTTP/1.1\r\n\r\n", "get / 1.1\n"},
    {"a foreign byte in the target", "GET /\xE9 HTTP/1.1\r\n\r\n", "GET /\xE9 1.1\n"},
    {"a value without blanks", "GET / HTTP/1.1\r\nA:b\r\n\r\n", "GET / 1.1\na: b\n"},
    {"a value with blanks around it", "GET / HTTP/1.1\r\nA: \t b c\td \t\r\n\r\n", "GET / 1.1\na: b c\td\n"},
    {"an empty value", "GET / HTTP/1.1\r\nA:\r\nB: \r\n\r\n", "GET / 1.1\na: \nb: \n"},
    {"colons in a value", "GET / HTTP/1.1\r\nA: b:c: d\r\n\r\n", "GET / 1.1\na: b:c: d\n"},
    {"a foreign byte in a value", "GET / HTTP/1.1\r\nA: \xFF\x80\r\n\r\n", "GET / 1.1\na: \xFF\x80\n"},
    {"every mark in a name", "GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~: x\r\n\r\n", "GET / 1.1\n!#$%&'*+-.^_`|~: x\n"},
    {"one name twice", "GET / HTTP/1.1\r\nA: 1\r\na: 2\r\n\r\n", "GET / 1.1\na: 1\na: 2\n"},
}};

TEST(RequestParser, ReadsValidHeads) {
  for (const auto& [name, bytes, expected] : kValidRequests) {
    SCOPED_TRACE(name);
    const RequestReading reading(bytes);
    ASSERT_TRUE(reading.whole()) << reading.text();
    EXPECT_EQ(request_text(reading.head()), expected);
    EXPECT_EQ(reading.end(), bytes.size());
    expect_same_in_pieces(bytes, reading, {});
  }
}

TEST(RequestParser, LeavesTheBodyAlone) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string_view body : {"abc"sv, "\r\n"sv, "\n\0\n"sv, "GET / HTTP/1.1\r\n\r\n"sv}) {
    const std::string bytes = head + std::string(body);
    const RequestReading reading(bytes);
    ASSERT_TRUE(reading.whole());
    EXPECT_EQ(reading.end(), head.size());
    EXPECT_EQ(reading.head().bytes, head);
    expect_same_in_pieces(bytes, reading, {});
  }
}

TEST(RequestParser, TheHeadBeginsAfterAnEmptyLine) {
  const RequestReading reading("\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nbody");
  ASSERT_TRUE(reading.whole());
  EXPECT_EQ(reading.head().bytes, "GET / HTTP/1.1\r\nA: b\r\n\r\n");
}

TEST(RequestParser, KeepsEachLineAsItCame) {
  const RequestReading reading("GET / HTTP/1.1\r\nHOST:  a \r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(reading.whole());
  const auto& fields = reading.head().fields;
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(fields[0].name, "HOST");
  EXPECT_EQ(fields[0].value, "a");
  EXPECT_EQ(fields[0].line, "HOST:  a \r\n");
  EXPECT_EQ(fields[0].known, FieldName::Host);
  EXPECT_EQ(fields[1].line, "Content-Length: 0\r\n");
  EXPECT_EQ(fields[1].known, FieldName::ContentLength);
}

TEST(RequestParser, WaitsForTheEmptyLine) {
  const std::string_view bytes = "\r\nPOST /a HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const RequestReading reading(bytes.substr(0, size));
    EXPECT_FALSE(reading.whole()) << size;
    EXPECT_FALSE(reading.refusal()) << size;
  }
}

struct RefusedCase {
  std::string_view name;
  std::string_view bytes;
  Reason expected;
};

constexpr std::array<RefusedCase, 52> kRefusedRequests{{
    {"LF ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", Reason::BareLineFeed},
    {"LF ends a field", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", Reason::BareLineFeed},
    {"LF ends the head", "GET / HTTP/1.1\r\nHost: a\r\n\n", Reason::BareLineFeed},
    {"LF before the head", "\nGET / HTTP/1.1\r\n\r\n", Reason::BareLineFeed},
    {"CR in the request line", "GET /\ra HTTP/1.1\r\n\r\n", Reason::BareCarriageReturn},
    {"CR in a value", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", Reason::BareCarriageReturn},
    {"CR ends a field", "GET / HTTP/1.1\r\nA: b\rB: c\r\n\r\n", Reason::BareCarriageReturn},
    {"two CRs end a field", "GET / HTTP/1.1\r\nA: b\r\r\n\r\n", Reason::BareCarriageReturn},
    {"CR before the head", "\rGET / HTTP/1.1\r\n\r\n", Reason::BareCarriageReturn},
    {"CR ends the head", "GET / HTTP/1.1\r\n\rX", Reason::BareCarriageReturn},
    {"folded with a space", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", Reason::ObsoleteFolding},
    {"folded with a tab", "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", Reason::ObsoleteFolding},
    {"folded with an empty first line", "GET / HTTP/1.1\r\nContent-Length:\r\n 5\r\n\r\n", Reason::ObsoleteFolding},
    {"a blank line that is not empty", "GET / HTTP/1.1\r\nA: b\r\n \r\n\r\n", Reason::ObsoleteFolding},
    {"a first field that is folded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", Reason::ObsoleteFolding},
    {"a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", Reason::SpaceAroundFieldName},
    {"a tab before the colon", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", Reason::SpaceAroundFieldName},
    {"a space in a name", "GET / HTTP/1.1\r\nMy Host: a\r\n\r\n", Reason::SpaceAroundFieldName},
    {"an empty name", "GET / HTTP/1.1\r\n: a\r\n\r\n", Reason::BadFieldName},
    {"no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", Reason::BadFieldName},
    {"a slash in a name", "GET / HTTP/1.1\r\nA/B: c\r\n\r\n", Reason::BadFieldName},
    {"a bracket in a name", "GET / HTTP/1.1\r\nA[]: c\r\n\r\n", Reason::BadFieldName},
    {"a quote in a name", "GET / HTTP/1.1\r\n\"A\": c\r\n\r\n", Reason::BadFieldName},
    {"a foreign byte in a name", "GET / HTTP/1.1\r\nA\xE9: c\r\n\r\n", Reason::BadFieldName},
    {"NUL in a name", "GET / HTTP/1.1\r\nA\0B: c\r\n\r\n"sv, Reason::ControlCharacter},
    {"NUL in a value", "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"sv, Reason::ControlCharacter},
    {"NUL in the target", "GET /\0 HTTP/1.1\r\n\r\n"sv, Reason::ControlCharacter},
    {"NUL before the head", "\0GET / HTTP/1.1\r\n\r\n"sv, Reason::ControlCharacter},
    {"BEL in a value", "GET / HTTP/1.1\r\nA: b\ac\r\n\r\n", Reason::ControlCharacter},
    {"VT in a value", "GET / HTTP/1.1\r\nA: b\vc\r\n\r\n", Reason::ControlCharacter},
    {"ESC in a value", "GET / HTTP/1.1\r\nA: \x1B[m\r\n\r\n", Reason::ControlCharacter},
    {"DEL in a value", "GET / HTTP/1.1\r\nA: b\x7F\r\n\r\n", Reason::ControlCharacter},
    {"two empty lines before it", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", Reason::BadRequestLine},
    {"no space", "GET\r\n\r\n", Reason::BadRequestLine},
    {"no version", "GET /\r\n\r\n", Reason::BadRequestLine},
    {"an empty version", "GET / \r\n\r\n", Reason::BadRequestLine},
    {"no target", "GET  HTTP/1.1\r\n\r\n", Reason::BadRequestLine},
    {"two spaces before the version", "GET /  HTTP/1.1\r\n\r\n", Reason::BadRequestLine},
    {"a space in the target", "GET /a b HTTP/1.1\r\n\r\n", Reason::BadRequestLine},
    {"a space after the version", "GET / HTTP/1.1 \r\n\r\n", Reason::BadRequestLine},
    {"a version in small letters", "GET / http/1.1\r\n\r\n", Reason::BadRequestLine},
    {"a version of two digits", "GET / HTTP/1.10\r\n\r\n", Reason::BadRequestLine},
    {"another protocol", "GET / ICAP/1.0\r\n\r\n", Reason::BadRequestLine},
    {"HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", Reason::UnsupportedVersion},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", Reason::UnsupportedVersion},
    {"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Reason::UnsupportedVersion},
    {"no method", " / HTTP/1.1\r\n\r\n", Reason::BadMethod},
    {"a tab before the method", "\tGET / HTTP/1.1\r\n\r\n", Reason::BadMethod},
    {"a tab after the method", "GET\t/ HTTP/1.1\r\n\r\n", Reason::BadMethod},
    {"a bracket in the method", "GET( / HTTP/1.1\r\n\r\n", Reason::BadMethod},
    {"a colon in the method", "Host: a\r\n\r\n", Reason::BadMethod},
    {"a foreign byte in the method", "G\xC9T / HTTP/1.1\r\n\r\n", Reason::BadMethod},
}};

TEST(RequestParser, RefusesWhatCouldBeReadInTwoWays) {
  for (const auto& [name, bytes, expected] : kRefusedRequests) {
    SCOPED_TRACE(name);
    const RequestReading reading(bytes);
    ASSERT_TRUE(reading.refusal()) << reading.text();
    EXPECT_EQ(base::name_of(*reading.refusal()), base::name_of(expected));
    expect_same_in_pieces(bytes, reading, {});
  }
}

/// Expects the reason, or none for a head that is read, however the bytes are split.
void expect_request(std::string_view bytes, const base::Limits& limits, std::optional<Reason> expected) {
  const RequestReading reading(bytes, fuzz::in_one_piece(bytes.size()), limits);
  EXPECT_EQ(reading.refusal(), expected) << reading.text();
  EXPECT_EQ(reading.whole(), !expected);
  std::minstd_rand random(1);
  for (const Splits& splits : {fuzz::byte_by_byte(bytes.size()), fuzz::at_random(bytes.size(), 7, random),
                               fuzz::cut_at(bytes.size() - 1, bytes.size()), fuzz::cut_at(1, bytes.size())}) {
    EXPECT_EQ(RequestReading(bytes, splits, limits).refusal(), expected);
  }
}

TEST(RequestParser, TheMethodHasALimit) {
  const std::string rest = " / HTTP/1.1\r\n\r\n";
  expect_request(std::string(64, 'M') + rest, {}, std::nullopt);
  expect_request(std::string(65, 'M') + rest, {}, Reason::BadMethod);
  // An endless one is not waited for.
  expect_request(std::string(65, 'M'), {}, Reason::BadMethod);
  expect_request(std::string(65, 'M') + " / HT", {}, Reason::BadMethod);
  EXPECT_FALSE(RequestReading(std::string(64, 'M')).refusal());
}

TEST(RequestParser, TheTargetHasALimit) {
  const base::Limits limits{.target_bytes_max = 100};
  for (const std::string_view version : {"HTTP/1.1", "HTTP/1.0"}) {
    const std::string rest = " " + std::string(version) + "\r\n\r\n";
    expect_request("GET /" + std::string(99, 'a') + rest, limits, std::nullopt);
    expect_request("GET /" + std::string(100, 'a') + rest, limits, Reason::TargetTooLong);
    expect_request("DELETE /" + std::string(500, 'a') + rest, limits, Reason::TargetTooLong);
  }
  expect_request("GET /" + std::string(500, 'a'), limits, Reason::TargetTooLong);
}

TEST(RequestParser, TheHeadHasALimit) {
  for (const std::string_view blank : {"", "\r\n"}) {
    for (const std::string_view body : {"", "body", "\r\n\r\n"}) {
      const std::string head =
          std::string(blank) + "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(50, 'x') + "\r\n\r\n";
      const std::string bytes = head + std::string(body);
      expect_request(bytes, {.head_bytes_max = head.size()}, std::nullopt);
      expect_request(bytes, {.head_bytes_max = head.size() - 1}, Reason::HeadTooLarge);
      expect_request(bytes, {.head_bytes_max = 20}, Reason::HeadTooLarge);
    }
  }
}

// A known way past such a limit: many complete lines, each packet ending a byte or two into the next one.
TEST(RequestParser, TheHeadsLimitHoldsForDrippedLines) {
  std::string bytes = "GET / HTTP/1.1\r\n";
  Splits splits{bytes.size() + 2};
  for (int i = 0; i < 80; ++i) {
    bytes += "A: " + std::string(1000, 'x') + "\r\n";
    splits.push_back(bytes.size() + 2);
  }
  bytes += "\r\n\r\n";
  splits.push_back(bytes.size());
  EXPECT_EQ(RequestReading(bytes, splits).refusal(), Reason::HeadTooLarge);
}

TEST(RequestParser, FieldsHaveALimit) {
  const base::Limits limits{.fields_max = 5};
  std::string head = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 5; ++i) head += "A: b\r\n";
  expect_request(head + "\r\n", limits, std::nullopt);
  expect_request(head + "A: b\r\n\r\n", limits, Reason::TooManyFields);
  expect_request(head + "A: b\r\nA: b\r\nA: b\r\n\r\n", limits, Reason::TooManyFields);
}

TEST(RequestParser, TheDefaultLimitsAreThoseOfTheDocumentation) {
  const auto with_fields = [](int count) {
    std::string head = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < count; ++i) head += "A: b\r\n";
    return head + "\r\n";
  };
  expect_request(with_fields(100), {}, std::nullopt);
  expect_request(with_fields(101), {}, Reason::TooManyFields);
  expect_request("GET /" + std::string(8 * 1024 - 1, 'a') + " HTTP/1.1\r\n\r\n", {}, std::nullopt);
  expect_request("GET /" + std::string(8 * 1024, 'a') + " HTTP/1.1\r\n\r\n", {}, Reason::TargetTooLong);
  const std::string_view frame = "GET / HTTP/1.1\r\nA: \r\n\r\n";
  const auto of_size = [&](std::size_t size) {
    return "GET / HTTP/1.1\r\nA: " + std::string(size - frame.size(), 'x') + "\r\n\r\n";
  };
  expect_request(of_size(32 * 1024), {}, std::nullopt);
  expect_request(of_size(32 * 1024 + 1), {}, Reason::HeadTooLarge);
}

TEST(RequestParser, ReadsOneHeadAfterAnother) {
  const base::Limits limits;
  RequestParser parser(limits);
  RequestHead head;
  std::string bytes = "GET /first HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\nGET /second HTTP/1.0\r\nC: 3\r\n\r\n";
  ASSERT_TRUE(*parser.parse(bytes, head));
  EXPECT_EQ(request_text(head), "GET /first 1.1\na: 1\nb: 2\n");
  const std::string_view rest = std::string_view(bytes).substr(head.bytes.size());
  ASSERT_TRUE(*parser.parse(rest, head));
  EXPECT_EQ(request_text(head), "GET /second 1.0\nc: 3\n");
}

TEST(RequestParser, ReadsAgainAfterReset) {
  const base::Limits limits;
  RequestParser parser(limits);
  RequestHead head;
  EXPECT_FALSE(*parser.parse("\r\nGET / HT", head));
  parser.reset();
  EXPECT_TRUE(*parser.parse("\r\nPUT /a HTTP/1.1\r\nA: b\r\n\r\n", head));
  EXPECT_EQ(request_text(head), "PUT /a 1.1\na: b\n");
  EXPECT_FALSE(parser.parse("GET\n", head));
  parser.reset();
  EXPECT_TRUE(*parser.parse("GET / HTTP/1.1\r\n\r\n", head));
  EXPECT_EQ(request_text(head), "GET / 1.1\n");
}

struct StatusCase {
  std::string_view line;
  unsigned status;
  std::string_view phrase;
  Version version;
};

TEST(ResponseParser, ReadsStatusLines) {
  constexpr std::array<StatusCase, 9> cases{{{"HTTP/1.1 200 OK", 200, "OK", Version::Http11},
                                             {"HTTP/1.0 200 OK", 200, "OK", Version::Http10},
                                             {"HTTP/1.1 404 Not Found", 404, "Not Found", Version::Http11},
                                             {"HTTP/1.1 200 ", 200, "", Version::Http11},
                                             {"HTTP/1.1 200", 200, "", Version::Http11},
                                             {"HTTP/1.1 100 Continue", 100, "Continue", Version::Http11},
                                             {"HTTP/1.1 999 Odd", 999, "Odd", Version::Http11},
                                             {"HTTP/1.1 200  two\tblanks ", 200, " two\tblanks ", Version::Http11},
                                             {"HTTP/1.1 200 \xE9t\xE9", 200, "\xE9t\xE9", Version::Http11}}};
  for (const auto& [line, status, phrase, version] : cases) {
    SCOPED_TRACE(line);
    const std::string bytes = std::string(line) + "\r\nContent-Length: 1\r\n\r\nx";
    const ResponseReading reading(bytes);
    ASSERT_TRUE(reading.whole()) << reading.text();
    EXPECT_EQ(reading.head().status, status);
    EXPECT_EQ(reading.head().reason_phrase, phrase);
    EXPECT_EQ(reading.head().version, version);
    EXPECT_EQ(fuzz::list_fields(reading.head().fields), "content-length: 1\n");
    EXPECT_EQ(reading.end(), bytes.size() - 1);
    expect_same_in_pieces(bytes, reading, {});
  }
}

TEST(ResponseParser, RefusesBrokenHeads) {
  constexpr std::array<RefusedCase, 21> cases{{
      {"another version", "HTTP/2.0 200 OK\r\n\r\n", Reason::OriginBroken},
      {"no version", "200 OK\r\n\r\n", Reason::OriginBroken},
      {"another protocol", "ICY 200 OK\r\n\r\n", Reason::OriginBroken},
      {"small letters", "http/1.1 200 OK\r\n\r\n", Reason::OriginBroken},
      {"no status", "HTTP/1.1\r\n\r\n", Reason::OriginBroken},
      {"two spaces", "HTTP/1.1  200 OK\r\n\r\n", Reason::OriginBroken},
      {"a tab", "HTTP/1.1\t200 OK\r\n\r\n", Reason::OriginBroken},
      {"two digits", "HTTP/1.1 20 OK\r\n\r\n", Reason::OriginBroken},
      {"four digits", "HTTP/1.1 2000 OK\r\n\r\n", Reason::OriginBroken},
      {"a status below 100", "HTTP/1.1 099 Low\r\n\r\n", Reason::OriginBroken},
      {"a sign", "HTTP/1.1 +20 OK\r\n\r\n", Reason::OriginBroken},
      {"letters", "HTTP/1.1 2xx OK\r\n\r\n", Reason::OriginBroken},
      {"no space after the status", "HTTP/1.1 200OK\r\n\r\n", Reason::OriginBroken},
      {"an empty line before it", "\r\nHTTP/1.1 200 OK\r\n\r\n", Reason::OriginBroken},
      {"a page without a head", "<html></html>\r\n\r\n", Reason::OriginBroken},
      {"LF line ends", "HTTP/1.1 200 OK\nA: b\n\n", Reason::BareLineFeed},
      {"CR in a value", "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", Reason::BareCarriageReturn},
      {"folding", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Reason::ObsoleteFolding},
      {"a space before the colon", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Reason::SpaceAroundFieldName},
      {"an empty name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", Reason::BadFieldName},
      {"NUL in the phrase", "HTTP/1.1 200 O\0K\r\n\r\n"sv, Reason::ControlCharacter},
  }};
  for (const auto& [name, bytes, expected] : cases) {
    SCOPED_TRACE(name);
    const ResponseReading reading(bytes);
    ASSERT_TRUE(reading.refusal()) << reading.text();
    EXPECT_EQ(base::name_of(*reading.refusal()), base::name_of(expected));
    expect_same_in_pieces(bytes, reading, {});
  }
}

TEST(ResponseParser, HasTheSameLimits) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n";
  const Splits whole = fuzz::in_one_piece(bytes.size());
  for (const Splits& splits : {whole, fuzz::byte_by_byte(bytes.size())}) {
    EXPECT_TRUE(ResponseReading(bytes, splits, {.head_bytes_max = bytes.size()}).whole());
    EXPECT_EQ(ResponseReading(bytes, splits, {.head_bytes_max = bytes.size() - 1}).refusal(), Reason::HeadTooLarge);
    EXPECT_TRUE(ResponseReading(bytes, splits, {.fields_max = 2}).whole());
    EXPECT_EQ(ResponseReading(bytes, splits, {.fields_max = 1}).refusal(), Reason::TooManyFields);
  }
}

TEST(ResponseParser, AFinalResponseFollowsAnInterimOne) {
  const base::Limits limits;
  ResponseParser parser(limits);
  ResponseHead head;
  const std::string_view bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  ASSERT_TRUE(*parser.parse(bytes, head));
  EXPECT_EQ(head.status, 100U);
  ASSERT_TRUE(*parser.parse(bytes.substr(head.bytes.size()), head));
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(fuzz::list_fields(head.fields), "a: b\n");
}

}  // namespace
}  // namespace sidegate::http
