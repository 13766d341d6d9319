#include "request.hpp"

#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

TEST(Request, WithoutABody) {
  const Request request{.url = *parse_url("https://auth.test:8443/x?y"), .fields = base::Secret("A: b\r\n")};
  EXPECT_EQ(bytes_of(request, Afterwards::Keep).reveal(),
            "GET /x?y HTTP/1.1\r\nHost: auth.test:8443\r\nUser-Agent: sidegate\r\nAccept: application/json\r\n"
            "Accept-Encoding: identity\r\nA: b\r\n\r\n");
}

TEST(Request, WithOne) {
  const Request request{.method = "POST",
                        .url = *parse_url("http://127.0.0.1/"),
                        .content_type = "application/json",
                        .body = base::Secret("{}")};
  EXPECT_EQ(bytes_of(request, Afterwards::Close).reveal(),
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: sidegate\r\nAccept: application/json\r\n"
            "Accept-Encoding: identity\r\nConnection: close\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}");
}

}  // namespace
}  // namespace sidegate::authority
