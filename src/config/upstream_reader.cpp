#include <sidegate/config/address.hpp>

#include "readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace sidegate::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::size_t kUpstreamsMax = 1024;
constexpr std::size_t kServersMax = 256;

std::optional<Server> read_server_url(const Cursor& cursor) {
  if (!cursor.is_text()) {
    cursor.error_unlike("http://host:port, unix:/path or {url: …}");
    return std::nullopt;
  }
  auto address = cursor.parsed(&parse_server);
  if (!address) return std::nullopt;
  return Server{std::string(cursor.word()), *std::move(address), cursor.where()};
}

std::optional<Server> read_server(const Cursor& cursor) {
  if (!cursor.is_map()) return read_server_url(cursor);
  Block block(cursor);
  const auto url = block.require("url");
  block.only("weight", "1");
  block.finish();
  return url ? read_server_url(*url) : std::nullopt;
}

void read_servers(const Cursor& cursor, Upstream& upstream) {
  const auto items = cursor.items();
  if (cursor.is_list() && items.empty()) cursor.error("at least one server is needed");
  if (items.size() > kServersMax) cursor.error(fmt::format("at most {} servers are allowed", kServersMax));
  for (const Cursor& item : items) {
    auto server = read_server(item);
    if (!server) continue;
    const auto is_same = [&server](const Server& other) { return other.address.text() == server->address.text(); };
    if (std::any_of(upstream.servers.begin(), upstream.servers.end(), is_same)) {
      item.error("this server is listed twice");
      continue;
    }
    upstream.servers.push_back(*std::move(server));
  }
}

Upstream read_upstream(const NamedValue& entry) {
  Upstream upstream;
  upstream.name = entry.name;
  upstream.where = entry.where;
  Block block(entry.value);
  if (const auto at = block.require("servers", "a list such as [\"http://127.0.0.1:8000\"]"))
    read_servers(*at, upstream);
  const auto duration = [&block](std::string_view key, milliseconds& target, milliseconds least) {
    if (const auto at = block.find(key)) assign(target, at->duration(least, hours(24)));
  };
  duration("connect_timeout", upstream.connect_timeout, milliseconds(1));
  duration("response_timeout", upstream.response_timeout, milliseconds(1));
  duration("idle_timeout", upstream.idle_timeout, milliseconds(1));
  duration("resolve_interval", upstream.resolve_interval, std::chrono::seconds(1));
  if (const auto at = block.find("max_connections")) assign(upstream.max_connections, at->number(1, 65'536));
  block.only("balance", "round_robin");
  block.only("slow_start", "0s");
  block.not_yet({"hash_on", "tls", "health_check", "retry", "circuit_breaker"});
  block.finish();
  return upstream;
}

}  // namespace

void read_upstreams(Block& top, Config& config) {
  const auto cursor = top.require("upstreams", "a name and its servers for each");
  if (!cursor) return;
  for (const NamedValue& entry : read_names(*cursor, kUpstreamsMax)) config.upstreams.push_back(read_upstream(entry));
}

}  // namespace sidegate::config
