#include <sidegate/app/command_line.hpp>
#include <sidegate/config/load.hpp>
#include <sidegate/demo/demo.hpp>
#include <sidegate/telemetry/log.hpp>

#include <malloc.h>

#include <CLI/CLI.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

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

/// A block of this size or more, such as the buffer of a connection, is mapped by itself, so that it goes back to the
/// system alone. Out of the heap it would stay resident until everything behind it is free too.
constexpr int kMappedBytes = 16 * 1024;

int run(const std::string& file) {
  ::mallopt(M_MMAP_THRESHOLD, kMappedBytes);
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
    if (name == "DEMO_API_KEY") return (*demo)->api_key();
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

/// What cannot be understood, without a value: a token or a key may be among the words.
std::string unknown_word(const CLI::App& app) {
  const auto words = app.remaining(true);
  const auto option = std::find_if(words.begin(), words.end(), [](const auto& word) { return word.starts_with("-"); });
  if (option != words.end()) return "there is no option " + option->substr(0, option->find('='));
  return "there are more words than this command knows";
}

/// `chek`: close to a command, so that it is no secret and may be repeated.
std::string misspelt_command(const CLI::App& app, std::string_view word) {
  std::vector<std::string> names;
  for (const auto* const command : app.get_subcommands({})) names.push_back(command->get_name());
  if (std::find(names.begin(), names.end(), word) != names.end()) return {};
  const auto meant = config::did_you_mean(word, names);
  return meant.empty() ? std::string() : "there is no command \"" + std::string(word) + "\"" + meant;
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

  app.add_subcommand("help", "Print this")->callback([&] { std::fputs(app.help().c_str(), stdout); });
  app.add_subcommand("version", "Print the version")->callback([&] { std::printf("%s\n", version.c_str()); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    std::fprintf(stderr, "sidegate: %s; see sidegate COMMAND --help\n", unknown_word(app).c_str());
    return kWrongWords;
  } catch (const CLI::ConversionError&) {
    std::fputs("sidegate: the value of an option is of the wrong kind; see sidegate COMMAND --help\n", stderr);
    return kWrongWords;
  } catch (const CLI::RequiredError& error) {
    const auto misspelt = argc > 1 ? misspelt_command(app, argv[1]) : std::string();
    if (misspelt.empty()) return app.exit(error) == 0 ? kFine : kWrongWords;
    std::fprintf(stderr, "sidegate: %s\n", misspelt.c_str());
    return kWrongWords;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kWrongWords;
  } catch (const std::exception& error) {
    return fail({error.what()});
  }
  return exit_status;
}

}  // namespace sidegate::app
