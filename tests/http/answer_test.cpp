#include <sidegate/http/answer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "../fuzz/head_reading.hpp"

namespace sidegate::http {
namespace {

using base::Reason;

std::string written(const Answer& answer) {
  std::string out;
  write_answer(answer, out);
  return out;
}

TEST(Answer, IsJson) {
  EXPECT_EQ(written({.status = 404, .error = "No such route", .fields = {}, .keep_alive = true, .request_id = "abc"}),
            "HTTP/1.1 404 Not Found\r\n"
            "Content-Type: application/json\r\n"
            "Cache-Control: no-store\r\n"
            "Content-Length: 25\r\n"
            "X-Request-Id: abc\r\n"
            "\r\n"
            R"({"error":"No such route"})");
}

TEST(Answer, CarriesFurtherLinesAndCloses) {
  EXPECT_EQ(written({.status = 401,
                     .error = "Authentication required",
                     .fields = "WWW-Authenticate: Bearer\r\nRetry-After: 1\r\n",
                     .keep_alive = false,
                     .request_id = "1"}),
            "HTTP/1.1 401 Unauthorized\r\n"
            "Content-Type: application/json\r\n"
            "Cache-Control: no-store\r\n"
            "Content-Length: 35\r\n"
            "X-Request-Id: 1\r\n"
            "WWW-Authenticate: Bearer\r\nRetry-After: 1\r\n"
            "Connection: close\r\n"
            "\r\n"
            R"({"error":"Authentication required"})");
}

TEST(Answer, ToHeadHasTheFieldsOfItsBody) {
  const Answer to_get{
      .status = 403, .error = "Insufficient permissions", .fields = {}, .keep_alive = true, .request_id = "1"};
  Answer to_head = to_get;
  to_head.head_only = true;
  const std::string body = R"({"error":"Insufficient permissions"})";
  EXPECT_EQ(written(to_head) + body, written(to_get));
}

TEST(Answer, SaysThatAnHttp10ConnectionStays) {
  const auto has = [](const Answer& answer, std::string_view line) {
    return written(answer).find(line) != std::string::npos;
  };
  const Answer kept{
      .status = 400, .error = "x", .fields = {}, .keep_alive = true, .version = Version::Http10, .request_id = "1"};
  EXPECT_TRUE(has(kept, "\r\nConnection: keep-alive\r\n"));
  EXPECT_TRUE(written(kept).starts_with("HTTP/1.1 400 "));
  const Answer closed{
      .status = 400, .error = "x", .fields = {}, .keep_alive = false, .version = Version::Http10, .request_id = "1"};
  EXPECT_TRUE(has(closed, "\r\nConnection: close\r\n"));
  const Answer usual{
      .status = 400, .error = "x", .fields = {}, .keep_alive = true, .version = Version::Http11, .request_id = "1"};
  EXPECT_FALSE(has(usual, "Connection"));
}

TEST(Answer, IsAppended) {
  std::string out = "before";
  write_answer({.error = "x", .fields = {}, .request_id = "1"}, out);
  EXPECT_TRUE(out.starts_with("beforeHTTP/1.1 500 Internal Server Error\r\n"));
}

struct Case {
  Reason reason;
  std::string_view error;
};

// The bodies are part of the contract with callers, word by word.
TEST(Answer, EveryReasonHasItsWords) {
  constexpr std::array<Case, 22> cases{{{Reason::Missing, "Authentication required"},
                                        {Reason::Malformed, "Invalid token"},
                                        {Reason::Expired, "Invalid token"},
                                        {Reason::Revoked, "Invalid token"},
                                        {Reason::NotAuthorized, "Insufficient permissions"},
                                        {Reason::CrossSite, "Insufficient permissions"},
                                        {Reason::BadRequestLine, "Bad request"},
                                        {Reason::ConflictingFraming, "Bad request"},
                                        {Reason::AmbiguousCookie, "Bad request"},
                                        {Reason::NoRoute, "No such route"},
                                        {Reason::MethodNotAllowed, "Method not allowed"},
                                        {Reason::ConnectMethod, "Method not allowed"},
                                        {Reason::BodyTooLarge, "Request body too large"},
                                        {Reason::TargetTooLong, "Request target too long"},
                                        {Reason::HeadTooLarge, "Request header fields too large"},
                                        {Reason::OriginUnreachable, "Bad gateway"},
                                        {Reason::OriginBroken, "Bad gateway"},
                                        {Reason::Unavailable, "Auth service unavailable"},
                                        {Reason::OriginExhausted, "Service unavailable"},
                                        {Reason::Draining, "Service unavailable"},
                                        {Reason::OriginTimeout, "Gateway timeout"},
                                        {Reason::UnsupportedVersion, "HTTP version not supported"}}};
  for (const auto& [reason, error] : cases) EXPECT_EQ(error_text(reason), error) << base::name_of(reason);
}

TEST(Answer, EveryRefusalMakesAnAnswerThatCanBeRead) {
  for (std::size_t i = 0; i < base::kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    const unsigned status = base::status_of(reason);
    if (status == 0) continue;
    SCOPED_TRACE(base::name_of(reason));
    EXPECT_NE(error_text(reason), "Internal server error");
    EXPECT_NE(reason_phrase(status), "Internal Server Error");
    const std::string bytes = written({.status = status, .error = error_text(reason), .fields = {}, .request_id = "1"});
    const fuzz::ResponseReading reading(bytes);
    ASSERT_TRUE(reading.whole());
    EXPECT_EQ(reading.head().status, status);
    EXPECT_EQ(reading.head().reason_phrase, reason_phrase(status));
    const auto& fields = reading.head().fields;
    ASSERT_EQ(fields.at(2).known, FieldName::ContentLength);
    EXPECT_EQ(fields[2].value, std::to_string(bytes.size() - reading.end()));
  }
}

}  // namespace
}  // namespace sidegate::http
