#include <sidegate/base/text.hpp>
#include <sidegate/telemetry/access_log.hpp>

#include <gmock/gmock.h>

#include <functional>

namespace sidegate::telemetry {
namespace {

using base::Reason;
using std::chrono::microseconds;
using testing::HasSubstr;
using testing::Not;

/// 2026-01-31T23:59:59.000042Z
constexpr auto kTime = std::chrono::sys_time<microseconds>(microseconds(1'769'903'999'000'042));

AccessRecord full_record() {
  AccessRecord record;
  record.time = kTime;
  record.request_id = "7f3a";
  record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  record.route = "own-profile";
  record.method = "GET";
  record.path = "/users/42/";
  record.query = "page=2";
  record.status = 200;
  record.duration = microseconds(12'345);
  record.upstream = "tts";
  record.server = "http://127.0.0.1:8000";
  record.upstream_duration = microseconds(9'007);
  record.bytes_in = 0;
  record.bytes_out = 18'446'744'073'709'551'615U;
  record.client_ip = "192.0.2.7";
  record.subject = "42";
  record.authenticator = "staff";
  record.auth_outcome = Reason::Accepted;
  return record;
}

std::string json(const AccessRecord& record, bool with_query = false) {
  std::string line;
  append_json_line(line, record, with_query);
  return line;
}

std::string text(const AccessRecord& record, bool with_query = false) {
  std::string line;
  append_text_line(line, record, with_query);
  return line;
}

TEST(AccessLineJson, HasEveryFieldInOrder) {
  EXPECT_EQ(json(full_record(), true),
            R"({"time":"2026-01-31T23:59:59.000042Z","level":"info","msg":"request","request_id":"7f3a",)"
            R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","route":"own-profile","method":"GET",)"
            R"("path":"/users/42/","query":"page=2","status":200,"duration_ms":12.345,"upstream":"tts",)"
            R"("server":"http://127.0.0.1:8000","upstream_ms":9.007,"bytes_in":0,)"
            R"("bytes_out":18446744073709551615,"client_ip":"192.0.2.7","subject":"42","authenticator":"staff",)"
            R"("auth_outcome":"accepted"})"
            "\n");
}

TEST(AccessLineJson, TellsWhatTheCacheHad) {
  AccessRecord record = full_record();
  record.cache = base::CacheResult::Hit;
  EXPECT_THAT(json(record), HasSubstr(R"("auth_outcome":"accepted","cache":"hit"})"));
  EXPECT_THAT(text(record), HasSubstr(" auth=accepted cache=hit "));
  record.cache = base::CacheResult::Miss;
  record.auth_outcome = Reason::Expired;
  record.reason = Reason::Expired;
  EXPECT_THAT(json(record), HasSubstr(R"("auth_reason":"expired","cache":"miss","audit":true,)"));
}

TEST(AccessLineJson, LeavesOutWhatHasNoValue) {
  EXPECT_EQ(json(AccessRecord{.time = kTime}),
            R"({"time":"2026-01-31T23:59:59.000042Z","level":"info","msg":"request","status":0,"duration_ms":0.000,)"
            R"("bytes_in":0,"bytes_out":0})"
            "\n");
}

TEST(AccessLineJson, HasTheQueryOnlyWhenAsked) {
  EXPECT_THAT(json(full_record()), Not(HasSubstr("page=2")));
  EXPECT_THAT(text(full_record()), Not(HasSubstr("page=2")));
  EXPECT_THAT(text(full_record(), true), HasSubstr(R"( query="page=2")"));
}

TEST(AccessLineJson, EscapesWhatIsSpecialWhereverItStands) {
  for (std::size_t place = 0; place < 40; ++place) {
    for (unsigned code = 0; code < 256; ++code) {
      std::string path(40, 'x');
      path[place] = static_cast<char>(code);
      AccessRecord record = full_record();
      record.path = path;
      std::string escaped;
      base::append_json_escaped(escaped, path);
      ASSERT_THAT(json(record), HasSubstr("\"path\":\"" + escaped + "\",")) << place << ' ' << code;
    }
  }
}

TEST(AccessLineJson, Appends) {
  std::string lines = "before\n";
  append_json_line(lines, full_record(), false);
  append_text_line(lines, full_record(), false);
  EXPECT_TRUE(lines.starts_with("before\n{"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
}

TEST(AccessLineJson, SaysWhatWasRefusedAndWhy) {
  struct Case {
    const char* name;
    std::function<void(AccessRecord&)> change;
    const char* level;
    const char* end;  ///< from `authenticator` on
  };
  const Case cases[] = {
      {"no route", [](AccessRecord& r) { r.status = 404, r.reason = Reason::NoRoute; }, "info",
       R"(,"audit":true,"reason":"no_route"})"},
      {"no credential",
       [](AccessRecord& r) { r.status = 401, r.auth_outcome = Reason::Missing, r.reason = Reason::Missing; }, "info",
       R"(,"auth_outcome":"missing","audit":true,"reason":"missing"})"},
      {"a bad credential",
       [](AccessRecord& r) { r.status = 401, r.auth_outcome = Reason::Expired, r.reason = Reason::Expired; }, "info",
       R"(,"auth_outcome":"expired","auth_reason":"expired","audit":true,"reason":"expired"})"},
      {"authenticated, not authorised",
       [](AccessRecord& r) { r.status = 403, r.auth_outcome = Reason::Accepted, r.reason = Reason::NotAuthorized; },
       "info", R"(,"auth_outcome":"accepted","audit":true,"reason":"not_authorized"})"},
      {"no credential where none is needed", [](AccessRecord& r) { r.status = 200, r.auth_outcome = Reason::Missing; },
       "info", R"(,"auth_outcome":"missing"})"},
      {"our own 5xx", [](AccessRecord& r) { r.status = 504, r.reason = Reason::OriginTimeout; }, "warning",
       R"(,"audit":true,"reason":"origin_timeout"})"},
      {"the origin's own 5xx", [](AccessRecord& r) { r.status = 502; }, "info", R"("bytes_out":0})"},
      {"the origin broke off its answer", [](AccessRecord& r) { r.status = 200, r.reason = Reason::OriginBroken; },
       "info", R"("bytes_out":0,"reason":"origin_broken"})"},
      {"a bad chunk after the answer began", [](AccessRecord& r) { r.status = 200, r.reason = Reason::BadChunk; },
       "info", R"(,"audit":true,"reason":"bad_chunk"})"},
      {"the client left", [](AccessRecord& r) { r.status = 0, r.reason = Reason::ClientGone; }, "info",
       R"("bytes_out":0,"reason":"client_gone"})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    AccessRecord record{.time = kTime};
    c.change(record);
    const std::string line = json(record);
    EXPECT_THAT(line, testing::EndsWith(std::string(c.end) + "\n"));
    EXPECT_THAT(line, HasSubstr(std::string(R"("level":")") + c.level + '"'));
  }
}

TEST(AccessLine, HostileTextsStayOneLine) {
  using namespace std::string_view_literals;
  struct Case {
    std::string_view text;
    std::string_view escaped;
  };
  const Case cases[] = {
      {"a\"b\\c"sv, R"(a\"b\\c)"},
      {"a\r\n{\"status\":200}"sv, R"(a\u000d\u000a{\"status\":200})"},
      {"\x1b[2J\x07\x7f\0"sv, R"(\u001b[2J\u0007\u007f\u0000)"},
      {"\xff\xc3\x28 \xed\xa0\x80"sv, R"(\ufffd\ufffd( \ufffd\ufffd\ufffd)"},
      {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"sv, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"},
      {"caf\xc3"sv, R"(caf\ufffd)"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.escaped));
    AccessRecord record{.time = kTime};
    record.request_id = record.trace_id = record.route = record.method = record.path = record.query = c.text;
    record.upstream = record.server = record.client_ip = record.subject = record.authenticator = c.text;
    const std::string expected(c.escaped);
    for (const std::string& line : {json(record, true), text(record, true)}) {
      EXPECT_EQ(line.find('\n'), line.size() - 1);
      EXPECT_EQ(line.find_first_of("\r\x1b\x07\x7f\xff"), std::string::npos);
      EXPECT_THAT(line, HasSubstr('"' + expected + '"'));
    }
    EXPECT_THAT(json(record, true), HasSubstr(R"(","subject":")" + expected + R"(","authenticator":")"));
  }
}

TEST(AccessLineText, IsForPeople) {
  EXPECT_EQ(
      text(full_record()),
      "2026-01-31T23:59:59.000042Z 200 GET /users/42/ 12.345ms client=192.0.2.7 subject=42 by=staff auth=accepted "
      "route=own-profile upstream=tts server=http://127.0.0.1:8000 upstream_time=9.007ms in=0 "
      "out=18446744073709551615 id=7f3a trace=4bf92f3577b34da6a3ce929d0e0e4736\n");
  AccessRecord unreadable{.time = kTime, .status = 400, .reason = Reason::BadHost};
  EXPECT_EQ(text(unreadable), "2026-01-31T23:59:59.000042Z 400 - - 0.000ms in=0 out=0 refused=bad_host\n");
  unreadable.status = 0;
  unreadable.reason = Reason::ClientGone;
  EXPECT_THAT(text(unreadable), HasSubstr(" ended=client_gone\n"));
}

TEST(AccessLine, TimesAndDurations) {
  struct Case {
    std::int64_t time;
    std::int64_t duration;
    const char* expected_time;
    const char* expected_duration;
  };
  const Case cases[] = {
      {0, 0, "1970-01-01T00:00:00.000000Z", "0.000"},
      {1'709'210'096'789'000, 1, "2024-02-29T12:34:56.789000Z", "0.001"},
      {-1, 999, "1969-12-31T23:59:59.999999Z", "0.999"},
      {4'102'444'799'999'999, 3'600'000'000, "2099-12-31T23:59:59.999999Z", "3600000.000"},
      {0, -5, "1970-01-01T00:00:00.000000Z", "0.000"},
  };
  for (const Case& c : cases) {
    AccessRecord record;
    record.time = std::chrono::sys_time<microseconds>(microseconds(c.time));
    record.duration = microseconds(c.duration);
    const std::string line = json(record);
    EXPECT_THAT(line, HasSubstr(std::string(R"({"time":")") + c.expected_time + '"'));
    EXPECT_THAT(line, HasSubstr(std::string(R"("duration_ms":)") + c.expected_duration + ','));
  }
}

}  // namespace
}  // namespace sidegate::telemetry
