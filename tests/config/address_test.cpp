
#include <gtest/gtest.h>
#include <sidegate/config/address.hpp>

#include <vector>

namespace sidegate::config {
namespace {

TEST(Address, Reads) {
  struct Case {
    std::string_view text;
    std::string_view host;
    unsigned port;
    std::string_view back;
  };
  const std::vector<Case> cases{
      {"0.0.0.0:8080", "0.0.0.0", 8080, "0.0.0.0:8080"},
      {"127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0"},
      {"localhost:65535", "localhost", 65535, "localhost:65535"},
      {"app-1.my_net.internal.:80", "app-1.my_net.internal.", 80, "app-1.my_net.internal.:80"},
      {"[::]:8080", "::", 8080, "[::]:8080"},
      {"[0:0:0:0:0:0:0:1]:1", "::1", 1, "[::1]:1"},
      {"[2001:DB8::1]:443", "2001:db8::1", 443, "[2001:db8::1]:443"},
  };
  for (const Case& each : cases) {
    const auto address = parse_address(each.text);
    ASSERT_TRUE(address) << each.text;
    EXPECT_EQ(address->kind, Address::Kind::Tcp);
    EXPECT_EQ(address->host, each.host);
    EXPECT_EQ(address->port, each.port);
    EXPECT_EQ(address->text(), each.back);
  }
  const auto socket = parse_address("unix:/run/app.sock");
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->kind, Address::Kind::Unix);
  EXPECT_EQ(socket->path, "/run/app.sock");
  EXPECT_EQ(socket->text(), "unix:/run/app.sock");
}

TEST(Address, Refuses) {
  for (const std::string_view text : {"",
                                      ":8080",
                                      "8080",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:80a",
                                      "127.0.0.1:000080",
                                      "127.0.0.256:80",
                                      "127.1:80",
                                      "1.2.3.4.5:80",
                                      "::1:80",
                                      "[::1]",
                                      "[::1]80",
                                      "[::g]:80",
                                      "[127.0.0.1]:80",
                                      "[::1:80",
                                      "http://127.0.0.1:80",
                                      "a b:80",
                                      "-a:80",
                                      ".a:80",
                                      "a..b:80",
                                      "a/b:80",
                                      "user@host:80",
                                      "unix:",
                                      "unix:run/app.sock",
                                      "unix:/run/",
                                      "*:80"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_TRUE(parse_address("unix:/" + std::string(106, 'x')));
  EXPECT_FALSE(parse_address("unix:/" + std::string(107, 'x')));
}

TEST(Address, ReadsServers) {
  struct Case {
    std::string_view url;
    std::string_view address;
  };
  const std::vector<Case> cases{
      {"http://127.0.0.1:8000", "127.0.0.1:8000"},
      {"http://app.internal", "app.internal:80"},
      {"http://app.internal/", "app.internal:80"},
      {"HTTP://App:81", "App:81"},
      {"http://[::1]", "[::1]:80"},
      {"http://[::1]:8001", "[::1]:8001"},
      {"unix:/run/app.sock", "unix:/run/app.sock"},
  };
  for (const Case& each : cases) {
    const auto address = parse_server(each.url);
    ASSERT_TRUE(address) << each.url;
    EXPECT_EQ(address->text(), each.address);
  }
  const std::vector<Case> refused{
      {"https://app", "https:// is not supported yet"},
      {"127.0.0.1:8000", "expected http://host:port or unix:/path"},
      {"ftp://app", "expected http://host:port or unix:/path"},
      {"http:/app", "expected http://host:port or unix:/path"},
      {"http://app/api", "a server is named by host and port only, with no path, query or fragment"},
      {"http://app?x", "a server is named by host and port only, with no path, query or fragment"},
      {"http://app#x", "a server is named by host and port only, with no path, query or fragment"},
      {"http://user:pass@app", "credentials do not belong in a URL"},
      {"http://token@app", "credentials do not belong in a URL"},
      {"http://", "the host is missing: \"[::]:PORT\" or 0.0.0.0:PORT is every address"},
      {"http://[::1", "between [ and ] goes an IPv6 address"},
      {"http://app:", "the port is a number from 0 to 65535"},
      {"http://app:0", "the port is a number from 1 to 65535"},
  };
  for (const Case& each : refused) {
    const auto address = parse_server(each.url);
    ASSERT_FALSE(address) << each.url;
    EXPECT_EQ(address.error().text, each.address) << each.url;
  }
}

TEST(Address, KnowsCredentialsInUrls) {
  for (const std::string_view text : {"http://a@b", "https://a:b@c/d", "redis://:x@h"})
    EXPECT_TRUE(has_url_credentials(text));
  for (const std::string_view text : {"http://a/b@c", "http://a?b@c", "a@b", "http://a", ""}) {
    EXPECT_FALSE(has_url_credentials(text)) << text;
  }
}

TEST(Address, KnowsWhatIsLocal) {
  for (const std::string_view text :
       {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "LocalHost:1", "unix:/a"}) {
    EXPECT_TRUE(is_local(*parse_address(text))) << text;
  }
  for (const std::string_view text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example:1", "localhost.example:1"}) {
    EXPECT_FALSE(is_local(*parse_address(text))) << text;
  }
}

TEST(Address, KnowsWhatCollides) {
  struct Case {
    std::string_view left;
    std::string_view right;
    bool collide;
  };
  const std::vector<Case> cases{
      {"127.0.0.1:80", "127.0.0.1:80", true},
      {"127.0.0.1:80", "127.0.0.1:81", false},
      {"127.0.0.1:80", "127.0.0.2:80", false},
      {"[::]:80", "0.0.0.0:80", true},
      {"[::]:80", "10.0.0.1:80", true},
      {"0.0.0.0:80", "10.0.0.1:80", true},
      {"0.0.0.0:80", "[::1]:80", false},
      {"[::1]:80", "[0::1]:80", true},
      {"App:80", "app:80", true},
      {"127.0.0.1:0", "127.0.0.1:0", false},
      {"unix:/a", "unix:/a", true},
      {"unix:/a", "unix:/b", false},
      {"unix:/a", "0.0.0.0:80", false},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(collide(*parse_address(each.left), *parse_address(each.right)), each.collide)
        << each.left << " " << each.right;
    EXPECT_EQ(collide(*parse_address(each.right), *parse_address(each.left)), each.collide)
        << each.left << " " << each.right;
  }
}

}  // namespace
}  // namespace sidegate::config
