#include "loading.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace sidegate::config {
namespace {

using std::chrono::milliseconds;

/// The one upstream of a configuration with so many empty lines within.
Upstream upstream_below(int lines) {
  return load(with_instead(std::string("upstreams:\n") + std::string(static_cast<std::size_t>(lines), '\n') +
                           "  app: {servers: [\"http://a:1\", \"unix:/run/b.sock\"]}\n"))
      .config.upstreams.at(0);
}

TEST(Upstream, IsTheSameWhereverItStands) {
  const Upstream one = upstream_below(0);
  const Upstream other = upstream_below(7);
  ASSERT_NE(one.where.line, other.where.line);
  ASSERT_NE(one.servers[0].where.line, other.servers[0].where.line);
  EXPECT_EQ(one, other);
}

TEST(Upstream, IsAnotherOneWhereAnythingThatItSaysIsDifferent) {
  struct Case {
    const char* what;
    std::function<void(Upstream&)> change;
  };
  const Case cases[] = {
      {"name", [](Upstream& upstream) { upstream.name = "other"; }},
      {"one server more", [](Upstream& upstream) { upstream.servers.push_back(upstream.servers[0]); }},
      {"order", [](Upstream& upstream) { std::swap(upstream.servers[0], upstream.servers[1]); }},
      {"url", [](Upstream& upstream) { upstream.servers[0].url = "http://A:1"; }},
      {"port", [](Upstream& upstream) { upstream.servers[0].address.port = 2; }},
      {"path", [](Upstream& upstream) { upstream.servers[1].address.path = "/run/c.sock"; }},
      {"connect_timeout", [](Upstream& upstream) { upstream.connect_timeout += milliseconds(1); }},
      {"response_timeout", [](Upstream& upstream) { upstream.response_timeout += milliseconds(1); }},
      {"idle_timeout", [](Upstream& upstream) { upstream.idle_timeout += milliseconds(1); }},
      {"max_connections", [](Upstream& upstream) { ++upstream.max_connections; }},
      {"resolve_interval", [](Upstream& upstream) { upstream.resolve_interval += milliseconds(1); }},
  };
  const Upstream original = upstream_below(0);
  for (const auto& [what, change] : cases) {
    Upstream changed = original;
    change(changed);
    EXPECT_NE(changed, original) << what;
  }
}

TEST(AccessLog, IsTheSameWhereItGoesToTheSamePlaceInTheSameWay) {
  const AccessLog original{.path = "stdout", .query = false, .where = {1, 1, "access_log.path"}};
  EXPECT_EQ(original, (AccessLog{.path = "stdout", .query = false, .where = {}}));
  EXPECT_NE(original, (AccessLog{.path = "stdout", .query = true, .where = {}}));
  EXPECT_NE(original, (AccessLog{.path = "stderr", .query = false, .where = {}}));
}

}  // namespace
}  // namespace sidegate::config
