#include <sidegate/config/address.hpp>

#include "available_cpus.hpp"
#include "cursor.hpp"
#include "log_override.hpp"
#include "yaml_text.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/config/load.hpp>

#include <fmt/format.h>

#include <array>
#include <utility>

/// The built-in sidecar: variables are checked here, where a message can name them, and then become a configuration
/// like any other.
namespace sidegate::config {
namespace {

constexpr std::string_view kSigningKey = "DJANGO_JWT_SIGNING_KEY";
constexpr std::string_view kAllowWeak = "SIDEGATE_ALLOW_WEAK_SECRET";
constexpr std::string_view kAuthService = "AUTH_SERVICE_URL";
constexpr std::string_view kApiKey = "AUTH_API_KEY";
constexpr std::string_view kRefreshUrl = "AUTH_REFRESH_URL";
constexpr std::string_view kValidatePath = "/api/v1/users/token/validate/";

/// What the sidecar needs to know, checked.
struct Sidecar {
  bool is_remote = false;  ///< the Auth Service validates tokens
  bool has_api_key = false;
  std::string auth_service;  ///< without a slash at its end
  std::string refresh_url;   ///< empty: sessions are not renewed
  std::uint64_t refresh_threshold = 300;
  std::string algorithm = "HS256";
  bool allow_weak = false;
  std::string upstream = "http://127.0.0.1:8000";
  std::string listen = "[::]:8080";
  std::string admin = "127.0.0.1:9901";
  std::string health = "[::]:9902";
  std::vector<std::string> public_paths{"/public/**"};
  std::optional<std::uint64_t> workers;
  Log log;
};

class SidecarReader {
 public:
  SidecarReader(const Environment& environment, Diagnostics& diagnostics)
      : environment_(environment), diagnostics_(diagnostics) {}

  Sidecar read() {
    refuse_what_is_to_come();
    read_auth_service();
    read_signing_key();
    read_refresh();
    read_addresses();
    read_public_paths();
    read_workers();
    override_log(sidecar_.log, environment_, diagnostics_);
    return std::move(sidecar_);
  }

 private:
  std::optional<std::string> get(std::string_view name) const { return variable(environment_, name); }

  template <class... Parts>
  void error(fmt::format_string<Parts...> text, Parts&&... parts) {
    diagnostics_.error({}, fmt::format(text, std::forward<Parts>(parts)...));
  }

  void refuse_what_is_to_come() {
    constexpr std::array<std::string_view, 2> kLater{"SIDEGATE_EGRESS_LISTEN", "SIDEGATE_CORS_ORIGINS"};
    for (const std::string_view name : kLater) {
      if (get(name)) error("{} is not supported yet; unset it", name);
    }
  }

  /// Nothing where the variable is not set, or holds no URL, which is reported.
  std::optional<HttpUrl> read_url(std::string_view name) {
    const auto text = get(name);
    if (!text) return std::nullopt;
    const auto url = parse_http_url(*text);
    if (url) return *url;
    error("{}: {}", name, url.error().text);
    return std::nullopt;
  }

  void warn_of_plain_http(std::string_view name, const HttpUrl& url) {
    if (url.encrypted || is_local(url.address)) return;
    diagnostics_.warning(
        {}, fmt::format("{} is plain http:// to another host, so tokens sent there can be read on the way", name));
  }

  void read_auth_service() {
    sidecar_.has_api_key = get(kApiKey).has_value();
    const auto url = read_url(kAuthService);
    if (!url) return;
    if (url->rest.find_first_of("?#") != std::string::npos) {
      return error("{} is a base URL, with no query and no fragment", kAuthService);
    }
    sidecar_.auth_service = *get(kAuthService);
    while (sidecar_.auth_service.ends_with('/')) sidecar_.auth_service.pop_back();
    warn_of_plain_http(kAuthService, *url);
  }

  void read_refresh() {
    if (const auto threshold = get("TOKEN_REFRESH_THRESHOLD")) {
      constexpr std::uint64_t kSecondsMax = 86'400;
      const auto seconds = base::parse_decimal(*threshold);
      if (!seconds || *seconds < 1 || *seconds > kSecondsMax) {
        return error("TOKEN_REFRESH_THRESHOLD is {}; expected a whole number of seconds from 1 to {}, such as 300",
                     shown(*threshold), kSecondsMax);
      }
      sidecar_.refresh_threshold = *seconds;
    }
    const auto url = read_url(kRefreshUrl);
    if (!url) return;
    if (url->rest.find('#') != std::string::npos) return error("{} has no fragment", kRefreshUrl);
    if (sidecar_.is_remote) {
      return error("{} needs {}: without it nobody here can tell a token that has expired from one that never held",
                   kRefreshUrl, kSigningKey);
    }
    sidecar_.refresh_url = *get(kRefreshUrl);
    const auto service = parse_http_url(sidecar_.auth_service);
    // One warning for the service is enough.
    if (!service || service->address != url->address) warn_of_plain_http(kRefreshUrl, *url);
  }

  void read_signing_key() {
    if (const auto allow = get(kAllowWeak)) {
      if (*allow != "1") error("{} is {}; it may only be 1", kAllowWeak, shown(*allow));
      sidecar_.allow_weak = *allow == "1";
    }
    const auto key = get(kSigningKey);
    if (!key) {
      sidecar_.is_remote = get(kAuthService).has_value();
      if (sidecar_.is_remote) return;
      return error(
          "there is no configuration file, and neither {} nor {} is set; set {} to the secret that tokens are signed "
          "with, or {} to have the Auth Service validate them",
          kSigningKey, kAuthService, kSigningKey, kAuthService);
    }
    if (auto algorithm = get("JWT_ALGORITHM")) sidecar_.algorithm = *std::move(algorithm);
    // RFC 7518 section 3.2: the key has at least the size of the hash.
    constexpr std::array<std::pair<std::string_view, std::size_t>, 3> kHashBytes{
        {{"HS256", 32}, {"HS384", 48}, {"HS512", 64}}};
    for (const auto& [name, bytes] : kHashBytes) {
      if (sidecar_.algorithm != name) continue;
      if (key->size() >= bytes || sidecar_.allow_weak) return;
      return error("{} has {} bytes, fewer than the {} of {}; use a longer one, or accept the risk with {}=1",
                   kSigningKey, key->size(), bytes, name, kAllowWeak);
    }
    error("JWT_ALGORITHM is {}; with the shared secret in {} it is one of HS256, HS384, HS512",
          shown(sidecar_.algorithm), kSigningKey);
  }

  void read_address(std::string_view name, std::string& target) {
    auto text = get(name);
    if (!text) return;
    const auto address = parse_address(*text);
    if (!address) return error("{}: {}", name, address.error().text);
    target = *std::move(text);
  }

  void read_addresses() {
    if (auto text = get("SIDEGATE_UPSTREAM")) {
      const auto server = parse_server(*text);
      if (!server) error("SIDEGATE_UPSTREAM: {}", server.error().text);
      sidecar_.upstream = *std::move(text);
    }
    read_address("SIDEGATE_LISTEN", sidecar_.listen);
    read_address("SIDEGATE_ADMIN", sidecar_.admin);
    read_address("SIDEGATE_HEALTH", sidecar_.health);
    if (!is_local(*parse_address(sidecar_.admin))) {
      error(
          "SIDEGATE_ADMIN: the admin API off loopback needs a token, which only a configuration file can name; listen "
          "on 127.0.0.1, [::1] or a unix socket");
    }
    const std::array<std::pair<std::string_view, std::string_view>, 3> all{{{"SIDEGATE_LISTEN", sidecar_.listen},
                                                                            {"SIDEGATE_ADMIN", sidecar_.admin},
                                                                            {"SIDEGATE_HEALTH", sidecar_.health}}};
    for (std::size_t later = 1; later < all.size(); ++later) {
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        if (!collide(*parse_address(all[earlier].second), *parse_address(all[later].second))) continue;
        error("{} and {} are the same address: {} and {}", all[earlier].first, all[later].first, all[earlier].second,
              all[later].second);
      }
    }
  }

  void read_public_paths() {
    // Unlike the others, set but empty means something: no path is public.
    const auto text = environment_("SIDEGATE_PUBLIC");
    if (!text) return;
    sidecar_.public_paths.clear();
    base::for_each_list_item(*text, [this](std::string_view path) {
      if (!path.starts_with('/')) error("SIDEGATE_PUBLIC: {} is no path; a path begins with /", shown(path));
      sidecar_.public_paths.emplace_back(path);
    });
  }

  void read_workers() {
    const auto text = get("SIDEGATE_WORKERS");
    if (!text) return;
    sidecar_.workers = base::parse_decimal(*text);
    if (sidecar_.workers && *sidecar_.workers >= 1 && *sidecar_.workers <= kWorkersMax) return;
    error("SIDEGATE_WORKERS is {}; expected a whole number from 1 to {}", shown(*text), kWorkersMax);
  }

  const Environment& environment_;
  Diagnostics& diagnostics_;
  Sidecar sidecar_;
};

std::string own_credential(const Sidecar& sidecar) {
  if (!sidecar.has_api_key) return {};
  return fmt::format("credential: {{api_key: {{header: X-API-Key, value: {{env: {}}}}}}}\n", kApiKey);
}

/// `http://` goes to wherever the variable says; a warning was given. `indent` stands before the next line.
std::string allow_http(std::string_view url, std::string_view indent) {
  return url.starts_with("http:") ? fmt::format("allow_http: true\n{}", indent) : std::string();
}

std::string jwt_text(const Sidecar& sidecar) {
  return fmt::format(
      "authenticators:\n"
      "  jwt:\n"
      "    jwt:\n"
      "      token: [{{cookie: access_token}}, {{bearer: Authorization}}]\n"
      "      keys:\n"
      "        - secret: {{env: {}}}\n{}"
      "      algorithms: [{}]\n"
      "      require_claims: [exp, user_id]\n"
      "      subject: user_id\n",
      kSigningKey, sidecar.allow_weak ? "          allow_weak: true\n" : "", sidecar.algorithm);
}

std::string remote_text(const Sidecar& sidecar) {
  std::string out = fmt::format(
      "authenticators:\n"
      "  session:\n"
      "    remote:\n"
      "      token: [{{cookie: access_token}}, {{bearer: Authorization}}]\n"
      "      url: {}\n"
      "      {}send_as: {{cookie: access_token}}\n"
      "      subject: user_id\n",
      yaml_quoted(sidecar.auth_service + std::string(kValidatePath)), allow_http(sidecar.auth_service, "      "));
  if (sidecar.has_api_key) out += "      " + own_credential(sidecar);
  return out;
}

std::string refresh_text(const Sidecar& sidecar) {
  if (sidecar.refresh_url.empty()) return {};
  std::string out =
      fmt::format("session_refresh:\n  for: [jwt]\n  url: {}\n  {}threshold: {}s\n", yaml_quoted(sidecar.refresh_url),
                  allow_http(sidecar.refresh_url, "  "), sidecar.refresh_threshold);
  if (sidecar.has_api_key) out += "  " + own_credential(sidecar);
  return out;
}

std::string to_text(const Sidecar& sidecar) {
  std::string out = "# Made from environment variables, since there is no configuration file.\nversion: 1\n";
  if (sidecar.workers) out += fmt::format("workers: {}\n", *sidecar.workers);
  out += fmt::format("listeners:\n  public:\n    address: {}\n", yaml_quoted(sidecar.listen));
  out += fmt::format("admin:\n  address: {}\n", yaml_quoted(sidecar.admin));
  out += fmt::format("health:\n  address: {}\n", yaml_quoted(sidecar.health));
  out += fmt::format("log:\n  level: {}\n  format: {}\n", sidecar.log.level, sidecar.log.format);
  out += fmt::format("upstreams:\n  service:\n    servers:\n      - {}\n", yaml_quoted(sidecar.upstream));
  out += sidecar.is_remote ? remote_text(sidecar) : jwt_text(sidecar);
  out += refresh_text(sidecar);
  out +=
      "inject:\n"
      "  X-User-Id: \"{subject}\"\n"
      "  X-User-Type: \"{claims.user_type|staff}\"\n"
      "  X-Auth-Method: \"{authenticator}\"\n"
      "strip: [X-User-*, X-Auth-*]\n"
      "routes:\n";
  if (!sidecar.public_paths.empty()) {
    out += "  - name: public\n    path:\n";
    for (const std::string& path : sidecar.public_paths) out += fmt::format("      - {}\n", yaml_quoted(path));
    out += "    authenticate: none\n    upstream: service\n";
  }
  out += fmt::format("  - name: protected\n    path: /**\n    authenticate: [{}]\n    upstream: service\n",
                     sidecar.is_remote ? "session" : "jwt");
  return out;
}

}  // namespace

std::string sidecar_from_environment(const Environment& environment, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.entries().size();
  const Sidecar sidecar = SidecarReader(environment, diagnostics).read();
  for (std::size_t i = before; i < diagnostics.entries().size(); ++i) {
    if (diagnostics.entries()[i].severity == Diagnostics::Severity::Error) return {};
  }
  return to_text(sidecar);
}

}  // namespace sidegate::config
