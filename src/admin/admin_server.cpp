#include "host_rule.hpp"

#include <sidegate/admin/admin_server.hpp>
#include <sidegate/base/text.hpp>
#include <sidegate/telemetry/log.hpp>
#include <sidegate/web/server.hpp>

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace sidegate::admin {
namespace {

constexpr web::ServerLimits kLimits{.head_bytes_max = 8 * 1024,
                                    .body_bytes_max = std::size_t{64} * 1024,
                                    .connections_max = 64,
                                    .timeout = std::chrono::seconds(10)};

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
/// The text format of Prometheus.
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
/// RFC 9512.
constexpr std::string_view kYaml = "application/yaml";
constexpr std::string_view kJson = "application/json";

web::Response text_response(unsigned status, std::string_view type, std::string body) {
  return {status, std::string(type), std::move(body)};
}

/// A 405, with what would be allowed.
web::Response only(std::string_view methods) {
  auto refusal = web::error_response(405, "Method not allowed");
  refusal.fields.push_back({"Allow", std::string(methods)});
  return refusal;
}

/// `application/json`, whatever its parameters. A form in a foreign page cannot send it without asking first.
bool is_json(const web::Request& request) {
  const auto type = request.find("Content-Type");
  if (!type) return false;
  return base::equals_ignoring_case(base::trim_blanks(type->substr(0, type->find(';'))), kJson);
}

/// The one token of `Authorization: Bearer TOKEN`; nothing for anything else.
std::optional<std::string_view> bearer_token(const web::Request& request) {
  static constexpr std::string_view kScheme = "bearer ";
  if (request.count("Authorization") != 1) return std::nullopt;
  const auto value = *request.find("Authorization");
  if (!base::equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return base::trim_blanks(value.substr(kScheme.size()));
}

/// Decides and answers; knows no sockets.
class Endpoints {
 public:
  Endpoints(config::Address address, Surface surface, Actions actions)
      : address_(std::move(address)), surface_(surface), actions_(std::move(actions)) {}

  void operator()(const web::Request& request, web::Respond respond) const {
    if (surface_ == Surface::Admin) {
      if (is_foreign(request)) {
        note_refusal(request, "it comes from a page, or names a host that is not ours");
        return respond(web::error_response(403, "Forbidden"));
      }
      if (!is_authorised(request)) {
        note_refusal(request, "it does not show the token");
        auto refusal = web::error_response(401, "Authentication required");
        refusal.fields.push_back({"WWW-Authenticate", "Bearer realm=\"sidegate admin\""});
        return respond(std::move(refusal));
      }
    }
    const bool reads = request.method == "GET" || request.method == "HEAD";
    const auto path = request.path();
    if (is_for_probes(path)) return reads ? answer_probe(path, std::move(respond)) : respond(only("GET, HEAD"));
    if (surface_ == Surface::Admin && is_state(path)) {
      return reads ? answer_state(path, std::move(respond)) : respond(only("GET, HEAD"));
    }
    if (surface_ == Surface::Admin && is_command(path)) {
      if (request.method != "POST") return respond(only("POST"));
      if (!is_json(request)) return respond(web::error_response(415, "Send JSON: Content-Type: application/json"));
      return obey(path, request.body, std::move(respond));
    }
    respond(web::error_response(404, "Not found"));
  }

 private:
  /// A web page open in an operator's browser reaches loopback too. It cannot choose what it sends as `Host`, and its
  /// scripts cannot leave out `Origin` where they could read the answer.
  bool is_foreign(const web::Request& request) const {
    if (request.find("Origin")) return true;
    return request.count("Host") != 1 || !is_own_host(*request.find("Host"), address_);
  }

  void note_refusal(const web::Request& request, std::string_view why) const {
    telemetry::audit(telemetry::Level::Warning, "a request to the admin API was refused",
                     {{"method", request.method}, {"path", request.path()}, {"because", why}});
  }

  bool is_authorised(const web::Request& request) const {
    const auto wanted = actions_.token();
    if (!wanted) return is_local(address_);
    const auto shown = bearer_token(request);
    return shown && base::equal_in_constant_time(*shown, wanted->reveal());
  }

  static bool is_for_probes(std::string_view path) noexcept {
    return path == "/healthz" || path == "/readyz" || path == "/metrics";
  }
  static bool is_state(std::string_view path) noexcept {
    return path == "/config" || path == "/routes" || path == "/upstreams" || path == "/authenticators" ||
           path == "/health/integrations";
  }
  static bool is_command(std::string_view path) noexcept {
    return path == "/explain" || path == "/reload" || path == "/revocations" || path == "/cache/purge";
  }

  void answer_probe(std::string_view path, web::Respond respond) const {
    if (path == "/healthz") return respond(text_response(200, kPlainText, "ok"));
    if (path == "/readyz") {
      const bool ready = actions_.ready();
      return respond(text_response(ready ? 200 : 503, kPlainText, ready ? "ready" : "not ready"));
    }
    actions_.metrics([respond = std::move(respond)](std::string metrics) {
      respond(text_response(200, kMetricsText, std::move(metrics)));
    });
  }

  void answer_state(std::string_view path, web::Respond respond) const {
    if (path == "/config") return respond(text_response(200, kYaml, actions_.config()));
    if (path == "/health/integrations") return actions_.integrations(in_json(std::move(respond)));
    const auto& state = path == "/routes"      ? actions_.routes
                        : path == "/upstreams" ? actions_.upstreams
                                               : actions_.authenticators;
    state([respond = std::move(respond)](std::string json) { respond(text_response(200, kJson, std::move(json))); });
  }

  static std::function<void(Outcome)> in_json(web::Respond respond) {
    return [respond = std::move(respond)](Outcome outcome) {
      respond(text_response(outcome.status, kJson, std::move(outcome.json)));
    };
  }

  void obey(std::string_view path, const std::string& body, web::Respond respond) const {
    const auto answer = in_json(std::move(respond));
    if (path == "/explain") return actions_.explain(body, answer);
    if (path == "/revocations") return actions_.revoke(body, answer);
    if (path == "/cache/purge") return actions_.purge(body, answer);
    actions_.reload(answer);
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
  auto server = web::Server::open(io, address, kLimits, Endpoints(address, surface, std::move(actions)));
  if (!server) return server.error();
  return std::unique_ptr<AdminServer>(std::make_unique<BeastAdminServer>(std::move(*server)));
}

}  // namespace sidegate::admin
