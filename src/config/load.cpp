#include "available_cpus.hpp"
#include "document.hpp"
#include "file.hpp"
#include "log_override.hpp"
#include "readers.hpp"
#include "substitution.hpp"

#include <sidegate/config/load.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

namespace sidegate::config {
namespace {

void read_version(Block& top) {
  const auto version = top.require("version", "version: 1");
  if (version && version->word() != "1") version->error_unlike("version 1, the only one there is");
}

void read_workers(Block& top, Config& config) {
  const auto workers = top.find("workers");
  if (workers) {
    assign(config.workers, workers->number(1, kWorkersMax));
  } else {
    config.workers = available_cpus("/", cpus_by_affinity());
  }
}

void read_all(const Cursor& root, Config& config) {
  Block top(root);
  read_version(top);
  read_workers(top, config);
  read_listeners(top, config);
  read_admin(top, config);
  read_health(top, config);
  read_startup_timeout(top, config);
  read_shutdown(top, config);
  read_limits(top, config);
  read_log(top, config);
  read_access_log(top, config);
  read_revocations(top, config);
  read_upstreams(top, config);
  read_authenticators(top, config);
  read_user_info(top, config);
  read_session_refresh(top, config);
  if (const auto inject = top.find("inject")) config.inject = read_inject(*inject);
  read_strip(top, config);
  read_routes(top, config);
  if (const auto watch = top.find("watch")) assign(config.watch, watch->boolean());
  top.not_yet({"errors", "rate_limits"});
  top.finish();
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

Config load_file(const std::string& path, const Environment& environment, Diagnostics& diagnostics) {
  auto text = read_file(path, kDocumentBytesMax);
  if (!text) {
    diagnostics.error({}, fmt::format("cannot read the file: {}", text.error().text));
    return {};
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  Config config = load_text(*text, folder, environment, diagnostics);
  config.file = path;
  base::wipe(*text);
  return config;
}

Config load_text(const std::string& text, const std::string& folder, const Environment& environment,
                 Diagnostics& diagnostics) {
  Config config;
  config.text = base::Secret(text);
  config.folder = folder;
  auto document = parse_document(text, diagnostics);
  if (!document) return config;
  substitute_all(*document, environment, diagnostics);
  std::error_code ignored;  // a folder that has gone leaves the names relative
  auto start = std::filesystem::absolute(folder.empty() ? "." : folder, ignored);
  Context context{diagnostics, environment, ignored ? std::filesystem::path(folder) : std::move(start)};
  read_all(Cursor(*document, std::string(), context), config);
  override_log(config.log, environment, diagnostics);
  check_references(config, diagnostics);
  return config;
}

Config load_again(const Config& earlier, const Environment& environment, Diagnostics& diagnostics) {
  Config config = load_text(std::string(earlier.text.reveal()), earlier.folder, environment, diagnostics);
  config.file = earlier.file;
  return config;
}

std::vector<std::string> secret_files(const Config& config) {
  std::vector<std::string> files;
  const auto add = [&files](const SecretReference& secret) {
    if (secret.kind == SecretReference::Kind::File) files.push_back(secret.name);
  };
  const auto add_of = [&add](const Endpoint& endpoint) {
    add(endpoint.credential.secret);
    for (const auto* const file : {&endpoint.tls.ca, &endpoint.tls.certificate, &endpoint.tls.private_key}) {
      if (*file) add(**file);
    }
  };
  if (config.admin.token) add(*config.admin.token);
  for (const Authenticator& authenticator : config.authenticators) {
    for (const Key& key : authenticator.jwt.keys) {
      add(key.secret);
      if (key.issuer && key.issuer->ca) add(*key.issuer->ca);
    }
    add(authenticator.service.client.secret);
    add_of(authenticator.service.endpoint);
  }
  for (const UserInfo& info : config.user_info) add_of(info.endpoint);
  if (config.session_refresh) add_of(config.session_refresh->endpoint);
  return files;
}

}  // namespace sidegate::config
