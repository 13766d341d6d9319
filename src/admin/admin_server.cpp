#include "host_rule.hpp"

#include <sidegate/admin/admin_server.hpp>
#include <sidegate/web/server.hpp>

#include <chrono>
#include <string_view>
#include <utility>

namespace sidegate::admin {
namespace {

constexpr web::ServerLimits kLimits{
    .head_bytes_max = 8 * 1024, .body_bytes_max = 0, .connections_max = 64, .timeout = std::chrono::seconds(10)};

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
/// The text format of Prometheus.
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
/// RFC 9512.
constexpr std::string_view kYaml = "application/yaml";

web::Response text_response(unsigned status, std::string_view type, std::string body) {
  return {status, std::string(type), std::move(body)};
}

/// Decides and answers; knows no sockets.
class Endpoints {
 public:
  Endpoints(config::Address address, Surface surface, Actions actions)
      : address_(std::move(address)), surface_(surface), actions_(std::move(actions)) {}

  void operator()(const web::Request& request, web::Respond respond) const {
    if (surface_ == Surface::Admin && is_foreign(request)) return respond(web::error_response(403, "Forbidden"));
    const auto path = request.path();
    if (!offers(path)) return respond(web::error_response(404, "Not found"));
    if (request.method != "GET" && request.method != "HEAD") {
      auto refusal = web::error_response(405, "Method not allowed");
      refusal.fields.push_back({"Allow", "GET, HEAD"});
      return respond(std::move(refusal));
    }
    if (path == "/healthz") return respond(text_response(200, kPlainText, "ok"));
    if (path == "/readyz") {
      const bool ready = actions_.ready();
      return respond(text_response(ready ? 200 : 503, kPlainText, ready ? "ready" : "not ready"));
    }
    if (path == "/config") return respond(text_response(200, kYaml, actions_.config()));
    actions_.metrics([respond = std::move(respond)](std::string metrics) {
      respond(text_response(200, kMetricsText, std::move(metrics)));
    });
  }

 private:
  /// A web page open in an operator's browser reaches loopback too. It cannot choose what it sends as `Host`, and its
  /// scripts cannot leave out `Origin` where they could read the answer.
  bool is_foreign(const web::Request& request) const {
    if (request.find("Origin")) return true;
    return request.count("Host") != 1 || !is_own_host(*request.find("Host"), address_);
  }

  bool offers(std::string_view path) const noexcept {
    return path == "/healthz" || path == "/readyz" || path == "/metrics" ||
           (path == "/config" && surface_ == Surface::Admin);
  }

  config::Address address_;
  Surface surface_;
  Actions actions_;
};

class BeastAdminServer final : public AdminServer {
 public:
  explicit BeastAdminServer(std::unique_ptr<web::Server> server) : server_(std::move(server)) {}

  config::Address local_address() const override { return server_->local_address(); }
  void close() override { server_->close(); }

 private:
  std::unique_ptr<web::Server> server_;
};

}  // namespace

base::OrMessage<std::unique_ptr<AdminServer>> AdminServer::open(boost::asio::io_context& io,
                                                                const config::Address& address, Surface surface,
                                                                Actions actions) {
  if (surface == Surface::Admin && !is_local(address)) {
    return base::Message{"the admin API cannot listen on " + address.text() +
                         ": whoever reaches it reads the configuration; use a loopback address such as 127.0.0.1:9901, "
                         "or unix:/path"};
  }
  auto server = web::Server::open(io, address, kLimits, Endpoints(address, surface, std::move(actions)));
  if (!server) return server.error();
  return std::unique_ptr<AdminServer>(std::make_unique<BeastAdminServer>(std::move(*server)));
}

}  // namespace sidegate::admin
