#include <sidegate/config/address.hpp>

#include "readers.hpp"
#include "scalar.hpp"
#include "secret_reader.hpp"

#include <fmt/format.h>

#include <utility>

namespace sidegate::config {
namespace {

constexpr std::size_t kListenersMax = 64;
constexpr std::string_view kAddressHint = "host:port, \"[v6]:port\" or unix:/path";

void read_trusted_proxies(const Cursor& cursor, Listener& listener) {
  const auto items = cursor.items();
  if (listener.address.kind == Address::Kind::Unix && !items.empty()) {
    return cursor.error("nobody can be trusted on a unix socket, where a caller has no address");
  }
  for (const Cursor& item : items) {
    const auto text = item.text();
    if (!text) continue;
    if (const auto range = base::IpRange::parse(*text)) {
      listener.trusted_proxies.push_back(*range);
    } else {
      item.error_unlike("an address or a block of them such as 10.0.0.0/8, with no bit set behind the prefix");
    }
  }
}

void read_proxy_protocol(const Cursor& cursor, bool trusts_somebody, Listener& listener) {
  assign(listener.proxy_protocol, cursor.boolean());
  if (listener.proxy_protocol && !trusts_somebody) {
    cursor.error("every connection would be closed: name those who may send the header in trusted_proxies");
  }
}

Listener read_listener(const NamedValue& entry) {
  Listener listener;
  listener.name = entry.name;
  listener.where = entry.where;
  Block block(entry.value);
  if (const auto address = block.require("address", kAddressHint)) {
    assign(listener.address, address->parsed(&parse_address));
  }
  if (const auto mode = block.find("mode")) assign(listener.mode, mode->parsed(&parse_mode));
  block.only("reuse_port", "false");
  const auto trusted = block.find("trusted_proxies");
  if (trusted) read_trusted_proxies(*trusted, listener);
  const bool trusts_somebody = trusted && !(trusted->is_list() && trusted->items().empty());
  if (const auto at = block.find("proxy_protocol")) read_proxy_protocol(*at, trusts_somebody, listener);
  block.not_yet({"tls"});
  block.finish();
  return listener;
}

}  // namespace

void read_listeners(Block& top, Config& config) {
  const auto cursor = top.require("listeners", "a name and an address for each");
  if (!cursor) return;
  for (const NamedValue& entry : read_names(*cursor, kListenersMax)) config.listeners.push_back(read_listener(entry));
}

void read_admin(Block& top, Config& config) {
  const auto cursor = top.find("admin");
  if (!cursor) return;
  Block block(*cursor);
  const auto token = block.find("token");
  if (token) config.admin.token = read_secret(*token);
  if (const auto at = block.require("address", kAddressHint)) {
    config.admin.where = at->where();
    assign(config.admin.address, at->parsed(&parse_address));
    if (!token && !is_local(config.admin.address)) {
      at->error(
          "whoever reaches the admin API reads the configuration; off loopback it needs a token: {env: NAME}, or "
          "listen "
          "on 127.0.0.1, [::1] or a unix socket");
    }
  }
  block.finish();
}

void read_health(Block& top, Config& config) {
  const auto cursor = top.find("health");
  if (!cursor) return;
  Block block(*cursor);
  if (const auto at = block.require("address", kAddressHint)) {
    if (auto address = at->parsed(&parse_address)) {
      if (collide(config.admin.address, *address)) {
        at->error(
            fmt::format("the address {} is taken already: admin has {}", address->text(), config.admin.address.text()));
      }
      config.health = Health{*std::move(address), at->where()};
    }
  }
  block.finish();
}

std::vector<NamedValue> read_names(const Cursor& cursor, std::size_t most) {
  if (!cursor.is_map()) {
    cursor.error_unlike("a name for each, with what it is below the name");
    return {};
  }
  std::vector<NamedValue> entries = cursor.entries();
  if (entries.empty()) cursor.error("at least one is needed");
  if (entries.size() > most) cursor.error(fmt::format("{} entries; at most {} are allowed", entries.size(), most));
  for (const NamedValue& entry : entries) check_name(entry.name, entry.where, cursor.context().diagnostics);
  return entries;
}

void check_name(const std::string& name, const Location& where, Diagnostics& diagnostics) {
  constexpr std::size_t kNameBytesMax = 128;
  if (name.size() > kNameBytesMax) diagnostics.error(where, fmt::format("a name has at most {} bytes", kNameBytesMax));
}

}  // namespace sidegate::config
