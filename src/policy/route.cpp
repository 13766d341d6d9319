#include "route.hpp"

#include <sidegate/http/framing.hpp>
#include <sidegate/http/header_filter.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::policy {
namespace {

using config::Diagnostics;
using Authenticate = config::Route::Authenticate;

template <class Pattern>
std::vector<Pattern> compile_patterns(const std::vector<config::Located<std::string>>& texts,
                                      Diagnostics& diagnostics) {
  std::vector<Pattern> patterns;
  for (const auto& text : texts) {
    auto pattern = Pattern::compile(text.value);
    if (pattern) {
      patterns.push_back(std::move(*pattern));
    } else {
      diagnostics.error_about(text, pattern.error().text);
    }
  }
  return patterns;
}

std::vector<std::string> compile_methods(const config::Route& route, Diagnostics& diagnostics) {
  std::vector<std::string> methods;
  for (const auto& method : route.methods) {
    if (method.value == "CONNECT") {
      diagnostics.error(method.where, "CONNECT is never forwarded");
    } else {
      methods.push_back(method.value);
    }
  }
  const auto has = [&](std::string_view name) {
    return std::find(methods.begin(), methods.end(), name) != methods.end();
  };
  if (has("GET") && !has("HEAD")) methods.emplace_back("HEAD");
  return methods;
}

/// The route's own headers and those of all routes that it does not replace.
std::vector<InjectedLine> compile_inject(const config::Config& config, const config::Route& route,
                                         Diagnostics& diagnostics, bool report_global) {
  std::vector<InjectedLine> lines;
  const auto add = [&](const config::InjectedHeader& header, bool report) {
    auto value = HeaderTemplate::compile(header.value.value);
    if (value) {
      lines.push_back({header.name.value, std::move(*value)});
    } else if (report) {
      diagnostics.error_about(header.value, value.error().text);
    }
  };
  for (const auto& header : config.inject) {
    const bool replaced = std::any_of(route.inject.begin(), route.inject.end(), [&](const auto& own) {
      return http::normalise_field_name(own.name.value) == http::normalise_field_name(header.name.value);
    });
    if (!replaced) add(header, report_global);
  }
  for (const auto& header : route.inject) add(header, true);
  return lines;
}

std::string compile_host(const config::Rewrite& rewrite, Diagnostics& diagnostics) {
  if (!rewrite.host) return {};
  if (!http::is_valid_host(rewrite.host->value)) {
    diagnostics.error_about(*rewrite.host,
                            "\"" + rewrite.host->value + "\" is no host such as app.internal or app.internal:8080");
  }
  return rewrite.host->value;
}

template <class T>
std::size_t index_of(const std::vector<T>& items, const std::string& name) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const T& item) { return item.name == name; });
  return static_cast<std::size_t>(found - items.begin());
}

bool covers_paths(const Route& route, const Route& other) {
  return std::all_of(other.paths.begin(), other.paths.end(), [&](const PathPattern& path) {
    return std::any_of(route.paths.begin(), route.paths.end(),
                       [&](const PathPattern& own) { return own.covers(path); });
  });
}

bool covers_hosts(const Route& route, const Route& other) {
  if (route.hosts.empty()) return true;
  return !other.hosts.empty() && std::all_of(other.hosts.begin(), other.hosts.end(), [&](const HostPattern& host) {
    return std::any_of(route.hosts.begin(), route.hosts.end(),
                       [&](const HostPattern& own) { return own.covers(host); });
  });
}

bool covers_methods(const Route& route, const Route& other) {
  if (route.methods.empty()) return true;
  return !other.methods.empty() && std::all_of(other.methods.begin(), other.methods.end(),
                                               [&](const std::string& method) { return route.has_method(method); });
}

/// What an earlier route leaves for a later one, and what a later one lets through that an earlier one guards.
void check_order(const std::vector<Route>& routes, const config::Config& config, Diagnostics& diagnostics) {
  const auto listener_of = [&](std::size_t i) {
    return config.routes[i].listener ? config.routes[i].listener->value : std::string{};
  };
  for (std::size_t later = 0; later < routes.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      if (listener_of(earlier) != listener_of(later)) continue;
      const Route& first = routes[earlier];
      const Route& second = routes[later];
      if (covers_paths(first, second) && covers_hosts(first, second) && covers_methods(first, second)) {
        diagnostics.error(config.routes[later].where,
                          "this route can never match: the route \"" + first.facts.name + "\" on line " +
                              std::to_string(config.routes[earlier].where.line) + " takes everything that it would");
        break;
      }
      const bool weaker = first.authenticate == Authenticate::Required && second.authenticate != Authenticate::Required;
      if (weaker && covers_paths(second, first) && covers_hosts(second, first)) {
        diagnostics.warning(config.routes[later].where,
                            "this route asks for less than the route \"" + first.facts.name +
                                "\" before it, and takes whatever that one's paths, hosts and methods leave");
      }
    }
  }
}

}  // namespace

bool Route::has_path(std::string_view path) const noexcept {
  return std::any_of(paths.begin(), paths.end(), [&](const PathPattern& pattern) { return pattern.matches(path); });
}

bool Route::has_host(std::string_view host) const noexcept {
  return hosts.empty() ||
         std::any_of(hosts.begin(), hosts.end(), [&](const HostPattern& pattern) { return pattern.matches(host); });
}

bool Route::has_method(std::string_view method) const noexcept {
  return methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end();
}

Mismatch Route::mismatch(std::string_view host, std::string_view path, std::string_view method) const noexcept {
  if (!has_path(path)) return Mismatch::Path;
  if (!has_host(host)) return Mismatch::Host;
  return has_method(method) ? Mismatch::None : Mismatch::Method;
}

RouteTable::Match RouteTable::find(std::string_view host, std::string_view path, std::string_view method,
                                   Trace* trace) const {
  Match match;
  for (const Route* route : routes) {
    const Mismatch mismatch = route->mismatch(host, path, method);
    if (trace != nullptr) trace->routes.push_back({route->facts.index, mismatch});
    match.place_found = match.place_found || mismatch == Mismatch::Method || mismatch == Mismatch::None;
    if (mismatch != Mismatch::None) continue;
    match.route = route;
    break;
  }
  return match;
}

void RouteTable::append_allow(std::string_view host, std::string_view path, std::string& out) const {
  std::vector<std::string_view> allowed;
  for (const Route* route : routes) {
    if (!route->has_place(host, path)) continue;
    for (const std::string& method : route->methods) {
      if (std::find(allowed.begin(), allowed.end(), method) == allowed.end()) allowed.emplace_back(method);
    }
  }
  out += "Allow: ";
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (i > 0) out += ", ";
    out += allowed[i];
  }
  out += "\r\n";
}

std::vector<Route> compile_routes(const config::Config& config, Diagnostics& diagnostics) {
  std::vector<Route> routes;
  bool report_global = true;
  for (const config::Route& source : config.routes) {
    Route route;
    route.facts.name = source.name;
    route.facts.index = routes.size();
    route.facts.upstream = index_of(config.upstreams, source.upstream.value);
    route.facts.timeout = source.timeout;
    route.facts.max_body_bytes = source.max_body_bytes;
    route.authenticate = source.authenticate;
    route.forward_credential = source.forward_credential;
    route.check_cross_site = source.check_cross_site;
    route.close_at_expiry = source.close_at_expiry;
    route.keep_encoded_slash = source.keep_encoded_slash;
    route.keep_path_parameters = source.keep_path_parameters;
    for (const auto& name : source.authenticators) {
      const auto index = index_of(config.authenticators, name.value);
      // A name that does not exist was reported when the configuration was read.
      if (index < config.authenticators.size()) route.authenticators.push_back(index);
    }
    if (source.user_info) {
      const auto place = index_of(config.user_info, source.user_info->value);
      if (place < config.user_info.size()) route.user_info = place;
    }
    route.dispatch = IssuerDispatch(config, source, route.authenticators, diagnostics);
    route.paths = compile_patterns<PathPattern>(source.paths, diagnostics);
    route.hosts = compile_patterns<HostPattern>(source.hosts, diagnostics);
    route.methods = compile_methods(source, diagnostics);
    route.rewrite = PathRewrite::compile(source.rewrite, route.paths, diagnostics);
    route.forwarded_host = compile_host(source.rewrite, diagnostics);
    route.inject = compile_inject(config, source, diagnostics, std::exchange(report_global, false));
    routes.push_back(std::move(route));
  }
  if (diagnostics.ok()) check_order(routes, config, diagnostics);
  return routes;
}

}  // namespace sidegate::policy
