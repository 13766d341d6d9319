#include <sidegate/explain/query.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sidegate::explain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string head_of(const Query& query) {
  const auto head = request_head(query);
  return head ? *head : "wrong: " + head.error().text;
}

Query get(const std::string& url, std::vector<std::string> headers = {}) {
  return {
      .method = "GET", .url = url, .headers = std::move(headers), .body_bytes = {}, .client_ip = {}, .listener = {}};
}

TEST(Query, TheUrlSaysTheTargetAndTheHost) {
  struct Case {
    const char* url;
    const char* expected;
  };
  const Case cases[]{
      {"/x?y", "GET /x?y HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"http://h.example/x?y", "GET /x?y HTTP/1.1\r\nHost: h.example\r\n\r\n"},
      {"HTTPS://h.example:8443/x", "GET /x HTTP/1.1\r\nHost: h.example:8443\r\n\r\n"},
      {"http://h.example", "GET / HTTP/1.1\r\nHost: h.example\r\n\r\n"},
      {"http://h.example?y", "GET /?y HTTP/1.1\r\nHost: h.example\r\n\r\n"},
      {"http://[::1]:80/x#part", "GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"},
      {"http:///x", "GET /x HTTP/1.1\r\nHost: \r\n\r\n"},
      {"*", "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"ftp://h.example/", "GET ftp://h.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"/x#part", "GET /x#part HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"", "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n"},
  };
  for (const Case& each : cases) EXPECT_EQ(head_of(get(each.url)), each.expected) << each.url;
}

TEST(Query, HeadersAreSentAsTheyAre) {
  EXPECT_EQ(head_of(get("http://h/x", {"Accept:  a ", " folded: b", ":c"})),
            "GET /x HTTP/1.1\r\nHost: h\r\nAccept:  a \r\n folded: b\r\n:c\r\n\r\n");
  EXPECT_EQ(head_of(get("http://h/x", {"a: b", "HOST: other"})), "GET /x HTTP/1.1\r\na: b\r\nHOST: other\r\n\r\n");
  EXPECT_EQ(head_of(get("/x", {"a: b\nc: d"})), "GET /x HTTP/1.1\r\nHost: localhost\r\na: b\nc: d\r\n\r\n")
      << "a line feed alone is for the parser to refuse";
}

TEST(Query, ABodyHasALengthUnlessAHeaderFramesIt) {
  Query query = get("/x");
  query.body_bytes = 0;
  EXPECT_THAT(head_of(query), HasSubstr("\r\nContent-Length: 0\r\n\r\n"));
  query.body_bytes = 12;
  EXPECT_THAT(head_of(query), HasSubstr("\r\nContent-Length: 12\r\n\r\n"));
  for (const char* const header : {"content-length: 3", "Transfer-Encoding: chunked"}) {
    query.headers = {header};
    EXPECT_THAT(head_of(query), Not(HasSubstr("12"))) << header;
  }
}

TEST(Query, WhatCannotBeSentIsNamedAndNotShown) {
  Query injected = get("/x");
  injected.method = "GET / HTTP/1.1\r\nsecret: x\r\n";
  EXPECT_EQ(head_of(injected), "wrong: the method holds a line break");
  EXPECT_EQ(head_of(get("/x HTTP/1.1\r\nsecret: x")), "wrong: the URL holds a line break");
  EXPECT_EQ(head_of(get("/x", {"a: b", "secret"})), "wrong: header 2 is no \"Name: value\"");
  EXPECT_EQ(head_of(get("/x", {"a: b\r\nsecret: x"})), "wrong: header 1 holds a line break");
  EXPECT_EQ(head_of(get("http://me:secret@h/x")),
            "wrong: the URL holds a name or a password; say it in a header: Authorization");
}

TEST(Query, IsReadFromJson) {
  const auto query = read_query(
      R"({"method":"PUT","url":"/x","headers":{"A":"1","B":["2","3"]},"client_ip":"::1","listener":"public"})");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->method, "PUT");
  EXPECT_EQ(query->url, "/x");
  EXPECT_THAT(query->headers, ElementsAre("A: 1", "B: 2", "B: 3"));
  EXPECT_EQ(query->client_ip, "::1");
  EXPECT_EQ(query->listener, "public");
  EXPECT_FALSE(query->body_bytes);
  const auto least = read_query(R"({"method":"GET","url":"/"})");
  ASSERT_TRUE(least);
  EXPECT_TRUE(least->headers.empty() && least->client_ip.empty() && least->listener.empty());
}

TEST(Query, WhatIsWrongWithTheJsonIsNamed) {
  struct Case {
    const char* json;
    const char* says;
  };
  const Case cases[]{
      {"secret", "one JSON object"},
      {"[]", "one JSON object"},
      {R"({"method":"GET","method":"secret","url":"/"})", "one JSON object"},
      {R"({"url":"/"})", "\"method\" is required"},
      {R"({"method":"GET"})", "\"url\" is required"},
      {R"({"method":7,"url":"/"})", "\"method\" must be a text"},
      {R"({"method":"GET","url":null})", "\"url\" must be a text"},
      {R"({"method":"GET","url":"/","client_ip":1})", "\"client_ip\" must be a text"},
      {R"({"method":"GET","url":"/","listener":[]})", "\"listener\" must be a text"},
      {R"({"method":"GET","url":"/","headers":["A: secret"]})", "\"headers\" must be an object"},
      {R"({"method":"GET","url":"/","headers":{"A":7}})", "\"headers\" must be an object"},
      {R"({"method":"GET","url":"/","headers":{"A":["secret",7]}})", "\"headers\" must be an object"},
      {R"({"method":"GET","url":"/","secret":"x"})", "none of \"method\""},
  };
  for (const auto& [text, says] : cases) {
    const auto query = read_query(text);
    ASSERT_FALSE(query) << text;
    EXPECT_THAT(query.error().text, HasSubstr(says)) << text;
    EXPECT_THAT(query.error().text, Not(HasSubstr("secret"))) << text;
  }
}

}  // namespace
}  // namespace sidegate::explain
