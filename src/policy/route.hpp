#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/http/head.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/policy/trace.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "header_template.hpp"
#include "issuer_dispatch.hpp"
#include "path_rewrite.hpp"
#include "route_pattern.hpp"

namespace sidegate::policy {

/// A header to inject, ready to be written.
struct InjectedLine {
  std::string name;
  HeaderTemplate value;
};

/// A route, compiled.
struct Route {
  RouteFacts facts;
  config::Route::Authenticate authenticate = config::Route::Authenticate::Required;
  std::vector<std::size_t> authenticators;
  IssuerDispatch dispatch;               ///< which of them a token is for
  std::optional<std::size_t> user_info;  ///< its place in the configuration
  std::vector<PathPattern> paths;
  std::vector<HostPattern> hosts;    ///< empty: any
  std::vector<std::string> methods;  ///< empty: any; HEAD stands beside GET
  std::vector<InjectedLine> inject;
  bool forward_credential = true;
  bool check_cross_site = true;
  bool close_at_expiry = true;
  bool keep_encoded_slash = false;
  bool keep_path_parameters = false;
  PathRewrite rewrite;
  std::string forwarded_host;  ///< the value of Host on the forwarded request; empty: the caller's

  bool has_path(std::string_view path) const noexcept;
  bool has_host(std::string_view host) const noexcept;
  bool has_place(std::string_view host, std::string_view path) const noexcept {
    return has_path(path) && has_host(host);
  }
  bool has_method(std::string_view method) const noexcept;

  /// The first of these that keeps the route from a request.
  Mismatch mismatch(std::string_view host, std::string_view path, std::string_view method) const noexcept;
};

/// The routes of one listener, in order.
struct RouteTable {
  struct Match {
    const Route* route = nullptr;
    bool place_found = false;  ///< some route has the place, though not for this method
  };

  std::vector<const Route*> routes;

  Match find(std::string_view host, std::string_view path, std::string_view method, Trace* trace = nullptr) const;

  /// Appends the `Allow` line (RFC 9110 section 10.2.1) of a place.
  void append_allow(std::string_view host, std::string_view path, std::string& out) const;
};

/// Compiles all routes; a route that an earlier one leaves nothing for is an error.
std::vector<Route> compile_routes(const config::Config& config, config::Diagnostics& diagnostics);

}  // namespace sidegate::policy
