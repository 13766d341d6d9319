#include <sidegate/app/command_line.hpp>
#include <sidegate/config/load.hpp>
#include <sidegate/demo/demo.hpp>
#include <sidegate/telemetry/log.hpp>

#include <CLI/CLI.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <string>
#include <thread>

#include "configuration.hpp"
#include "explain_command.hpp"
#include "gateway.hpp"
#include "token_command.hpp"
#include "version.hpp"

namespace sidegate::app {
namespace {

constexpr int kFine = 0;
constexpr int kFailed = 1;
constexpr int kWrongWords = 2;

int fail(const base::Message& message) {
  std::fprintf(stderr, "sidegate: %s\n", message.text.c_str());
  return kFailed;
}

int run(const std::string& file) {
  const auto environment = config::process_environment();
  auto configuration = find_configuration(file, environment);
  if (!configuration.ok()) {
    print_diagnostics(configuration.diagnostics);
    return kWrongWords;
  }
  const auto read = [environment](const config::Config& earlier) { return read_again(earlier, environment); };
  auto gateway = Gateway::open(std::move(configuration.config), {read, environment});
  if (!gateway) return fail(gateway.error());
  // The log is open now, and warnings belong in it.
  for (const auto& line : configuration.diagnostics.lines()) telemetry::log(telemetry::Level::Warning, line);
  (*gateway)->run();
  return kFine;
}

int check(const std::string& file, bool print) {
  const auto configuration = find_configuration(file, config::process_environment());
  print_diagnostics(configuration.diagnostics);
  if (!configuration.ok()) return kWrongWords;
  if (print) {
    std::fputs(config::to_yaml(configuration.config).c_str(), stdout);
  } else {
    std::printf("%s: the configuration is fine\n", configuration.diagnostics.file().c_str());
  }
  return kFine;
}

int demo(std::uint16_t port) {
  boost::asio::io_context io{1};
  auto demo = demo::Demo::start(io);
  if (!demo) return fail(demo.error());
  const config::Environment environment = [&](std::string_view name) -> std::optional<std::string> {
    if (name == "DEMO_SIGNING_KEY") return (*demo)->signing_key();
    return std::nullopt;
  };
  const auto text = (*demo)->gateway_yaml(port);
  auto configuration = read_configuration("demo", text, environment);
  print_diagnostics(configuration.diagnostics);
  if (!configuration.ok()) return kFailed;
  const auto read = [text, environment](const config::Config&) {
    return read_configuration("demo", text, environment);
  };
  auto gateway = Gateway::open(std::move(configuration.config), {read, environment});
  if (!gateway) return fail(gateway.error());
  const auto guard = boost::asio::make_work_guard(io);
  std::thread services([&io] { io.run(); });
  std::fputs((*demo)->instructions((*gateway)->addresses().front().port).c_str(), stdout);
  std::fflush(stdout);
  (*gateway)->run();
  io.stop();
  services.join();
  return kFine;
}

/// Commands that have a name already, so that nobody takes them for a misspelling.
void add_later_command(CLI::App& parent, const std::string& name, int& exit_status) {
  auto* const command = parent.add_subcommand(name, "not supported yet");
  command->prefix_command();
  command->callback([name, &exit_status] {
    std::fprintf(stderr, "sidegate: \"%s\" is not supported yet\n", name.c_str());
    exit_status = kWrongWords;
  });
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("Sidegate: an authenticating reverse proxy beside a service or in front of one", "sidegate");
  app.require_subcommand(1);
  const std::string version = "sidegate " + std::string(kVersion) + " (" + std::string(kCommit) + ")";
  app.set_version_flag("--version,-V", version);
  int exit_status = kFine;

  std::string file;
  bool print = false;
  std::uint16_t port = 8080;
  constexpr auto kConfigHelp =
      "the configuration file (default: $SIDEGATE_CONFIG, ./sidegate.yaml, /etc/sidegate/sidegate.yaml, "
      "else the built-in sidecar made from the environment)";

  auto* const run_command = app.add_subcommand("run", "Run in the foreground");
  run_command->add_option("--config", file, kConfigHelp)->type_name("FILE");
  run_command->callback([&] { exit_status = run(file); });

  auto* const check_command = app.add_subcommand("check", "Validate the configuration; nothing is started");
  check_command->add_option("--config", file, kConfigHelp)->type_name("FILE");
  check_command->add_flag("--print", print, "show the effective configuration, secrets redacted");
  check_command->callback([&] { exit_status = check(file, print); });

  auto* const demo_command =
      app.add_subcommand("demo", "A gateway with an Auth Service and an upstream of its own, on loopback");
  demo_command->add_option("--port", port, "the gateway's port")->type_name("N")->capture_default_str();
  demo_command->callback([&] { exit_status = demo(port); });

  add_token_commands(app, exit_status);
  add_explain_command(app, exit_status);
  add_later_command(app, "key", exit_status);

  app.add_subcommand("version", "Print the version")->callback([&] { std::printf("%s\n", version.c_str()); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    // They are not repeated: a token or a key may be among them.
    std::fputs("sidegate: there are more words or options than this command knows; see sidegate COMMAND --help\n",
               stderr);
    return kWrongWords;
  } catch (const CLI::ConversionError&) {
    std::fputs("sidegate: the value of an option is of the wrong kind; see sidegate COMMAND --help\n", stderr);
    return kWrongWords;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kWrongWords;
  } catch (const std::exception& error) {
    return fail({error.what()});
  }
  return exit_status;
}

}  // namespace sidegate::app
