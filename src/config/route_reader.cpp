#include "readers.hpp"

#include <sidegate/base/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace sidegate::config {
namespace {

constexpr std::size_t kRoutesMax = 10'000;
constexpr std::uint64_t kBodyBytesMax = std::uint64_t{1} << 50U;
constexpr std::string_view kAuthenticateForms = "none, optional or a list of authenticators";

std::vector<Located<std::string>> read_texts(const std::vector<Cursor>& items) {
  std::vector<Located<std::string>> texts;
  for (const Cursor& item : items) {
    if (auto text = item.located_text()) texts.push_back(*std::move(text));
  }
  return texts;
}

/// RFC 9110 section 9.1: methods are case-sensitive, so `get` would match nothing.
void read_methods(const Cursor& cursor, Route& route) {
  const auto items = cursor.items();
  if (cursor.is_list() && items.empty()) cursor.error("an empty list matches no method; leave it out for all of them");
  for (const Cursor& item : items) {
    auto method = item.located_text();
    if (!method) continue;
    const bool has_small_letters =
        std::any_of(method->value.begin(), method->value.end(), [](char c) { return base::to_upper(c) != c; });
    if (!base::is_token(method->value)) {
      item.error_unlike("a method");
    } else if (has_small_letters) {
      item.error_unlike("a method in capital letters");
    } else {
      route.methods.push_back(*std::move(method));
    }
  }
}

void read_authenticator_names(const Cursor& cursor, Route& route) {
  const auto items = cursor.items();
  if (items.empty()) {
    cursor.error("an empty list would let nobody in; write none to let everybody through");
    return;
  }
  for (const Cursor& item : items) {
    if (item.is_map()) {
      Block(item).not_yet({"any_of", "all_of"});
      continue;
    }
    auto name = item.located_text();
    if (!name) continue;
    const auto is_same = [&name](const Located<std::string>& other) { return other.value == name->value; };
    if (name->value == "none" || name->value == "optional") {
      item.error(fmt::format("{} is no authenticator: write authenticate: {}", name->value, name->value));
    } else if (std::any_of(route.authenticators.begin(), route.authenticators.end(), is_same)) {
      item.error(fmt::format("{} is listed twice", shown(name->value)));
    } else {
      route.authenticators.push_back(*std::move(name));
    }
  }
}

void read_authenticate(const Cursor& cursor, const Config& config, Route& route) {
  if (cursor.is_list()) {
    read_authenticator_names(cursor, route);
  } else if (cursor.is_map()) {
    Block block(cursor);
    if (!block.not_yet({"any_of", "all_of"})) cursor.error_unlike(kAuthenticateForms);
  } else if (cursor.word() == "none") {
    route.authenticate = Route::Authenticate::None;
  } else if (cursor.word() == "optional") {
    route.authenticate = Route::Authenticate::Optional;
    if (config.authenticators.empty()) cursor.error("optional needs at least one authenticator");
    for (const Authenticator& each : config.authenticators) route.authenticators.push_back({each.name, cursor.where()});
  } else {
    cursor.error_unlike(fmt::format("{} such as [{}]", kAuthenticateForms,
                                    config.authenticators.empty() ? "staff" : config.authenticators.front().name));
  }
}

void read_csrf(const Cursor& cursor, Route& route) {
  if (cursor.word() == "none") {
    route.check_cross_site = false;
  } else if (cursor.word() != "on-cookie") {
    cursor.error_unlike("on-cookie or none");
  }
}

void read_keep(Block& block, std::string_view key, bool& keep) {
  if (const auto at = block.find(key)) {
    if (const auto word = at->one_of({"reject", "keep"})) keep = *word == "keep";
  }
}

void read_rewrite(const Cursor& cursor, Rewrite& rewrite) {
  Block block(cursor);
  if (const auto at = block.find("strip_prefix")) rewrite.strip_prefix = at->located_text();
  if (const auto at = block.find("prefix")) rewrite.prefix = at->located_text();
  if (const auto at = block.find("host")) rewrite.host = at->located_text();
  block.finish();
}

Route read_route(const Cursor& cursor, std::size_t place, const Config& config) {
  Route route;
  route.name = fmt::format("route-{}", place);
  route.where = cursor.where();
  Block block(cursor);
  if (const auto at = block.find("name")) {
    assign(route.name, at->text());
    check_name(route.name, at->where(), cursor.context().diagnostics);
  }
  if (const auto at = block.find("listener")) route.listener = at->located_text();
  if (const auto at = block.find("host")) route.hosts = read_texts(at->one_or_more());
  if (const auto at = block.require("path", "a pattern, or a list of them; /** for every path")) {
    route.paths = read_texts(at->one_or_more());
  }
  if (const auto at = block.find("methods")) read_methods(*at, route);
  if (const auto at = block.require("authenticate", kAuthenticateForms)) read_authenticate(*at, config, route);
  if (const auto at = block.require("upstream", "the name of one")) assign(route.upstream, at->located_text());
  if (const auto at = block.find("inject")) route.inject = read_inject(*at);
  if (const auto at = block.find("timeout")) {
    route.timeout = at->duration(std::chrono::milliseconds(1), std::chrono::hours(24));
  }
  if (const auto at = block.find("max_body")) route.max_body_bytes = at->size(0, kBodyBytesMax);
  if (const auto at = block.find("forward_credential")) assign(route.forward_credential, at->boolean());
  if (const auto at = block.find("csrf")) read_csrf(*at, route);
  block.only("retry", "false");
  if (const auto at = block.find("close_at_expiry")) assign(route.close_at_expiry, at->boolean());
  read_keep(block, "encoded_slash", route.keep_encoded_slash);
  read_keep(block, "path_parameters", route.keep_path_parameters);
  if (const auto at = block.find("rewrite")) read_rewrite(*at, route.rewrite);
  block.only("shadow", "false");
  block.only("open_relay", "false");
  if (const auto at = block.find("user_info")) {
    route.user_info = at->located_text();
    if (route.authenticate == Route::Authenticate::None) {
      at->error("with authenticate: none there is nobody to be looked up");
    }
  }
  block.not_yet({"authorize", "rate_limit", "cors", "credential"});
  block.finish();
  return route;
}

void check_route_names(const std::vector<Route>& routes, Diagnostics& diagnostics) {
  std::map<std::string_view, const Route*> seen;
  for (const Route& route : routes) {
    const auto [first, is_new] = seen.emplace(route.name, &route);
    if (is_new) continue;
    diagnostics.error(route.where,
                      fmt::format("the route {} is also on line {}", shown(route.name), first->second->where.line));
  }
}

}  // namespace

void read_routes(Block& top, Config& config) {
  const auto cursor = top.require("routes", "a list; the first that matches decides");
  if (!cursor) return;
  const auto items = cursor->items();
  if (cursor->is_list() && items.empty()) cursor->error("at least one is needed");
  if (items.size() > kRoutesMax) cursor->error(fmt::format("at most {} routes are allowed", kRoutesMax));
  config.routes.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) config.routes.push_back(read_route(items[i], i + 1, config));
  check_route_names(config.routes, cursor->context().diagnostics);
}

}  // namespace sidegate::config
