#include "explain_command.hpp"

#include <sidegate/authority/authority.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/explain/explain.hpp>
#include <sidegate/revocation/revocations.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <latch>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "configuration.hpp"

namespace sidegate::app {
namespace {

using base::Message;
using base::OrMessage;

constexpr int kForwarded = 0;
constexpr int kRefused = 1;
constexpr int kWrongWords = 2;

struct Options {
  std::string config_file;
  explain::Query query;
  std::string data_file;
  bool json = false;
};

OrMessage<std::uint64_t> count_bytes(std::istream& in) {
  std::array<char, std::size_t{64} * 1024> piece{};
  std::uint64_t bytes = 0;
  while (in) {
    in.read(piece.data(), piece.size());
    bytes += static_cast<std::uint64_t>(in.gcount());
  }
  if (in.bad()) return Message{std::generic_category().message(errno)};
  return bytes;
}

/// How long the body is. What it says decides nothing.
OrMessage<std::uint64_t> count_bytes_of(const std::string& path) {
  if (path == "-") return count_bytes(std::cin);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open()) return Message{std::generic_category().message(errno)};
  return count_bytes(in);
}

int fail(const Message& message) {
  std::fprintf(stderr, "sidegate explain: %s\n", message.text.c_str());
  return kWrongWords;
}

/// The parser would repeat in its message a word that it did not expect, and one may hold a token: so they are taken,
/// and only the names of options are told.
std::string unknown_word(const CLI::App& command) {
  const auto words = command.remaining();
  if (words.empty()) return {};
  const std::string& first = words.front();
  return first.starts_with('-') ? "unknown option " + first.substr(0, first.find('=')) : "too many words";
}

/// Asks the issuers for their keys, as the gateway has done when a request comes to it. One that does not answer in
/// time is one that the gateway would have no keys of.
void fetch_keys(authority::Authority& authority, const std::vector<std::shared_ptr<token::IssuerKeys>>& issuers) {
  std::latch answers(static_cast<std::ptrdiff_t>(issuers.size()));
  for (const auto& issuer : issuers) {
    authority.ask(issuer, [&answers] { answers.count_down(); });
  }
  answers.wait();
}

/// Asks the service, as the gateway would, and waits for the answer.
policy::GivenAnswer ask(authority::Authority& authority, inquiry::Question question) {
  policy::GivenAnswer given{.service = question.service.get(), .key = question.key};
  std::latch answered(1);
  authority.ask(std::move(question), [&](inquiry::AnswerPtr answer, base::CacheResult from) {
    given.answer = std::move(answer);
    given.from = from;
    answered.count_down();
  });
  answered.wait();
  return given;
}

/// Explains, and asks whom it takes to do so.
OrMessage<explain::Explanation> explain_all(const config::Config& config, policy::Policy& policy,
                                            const explain::Query& query, authority::Authority& authority,
                                            base::UnixTime now) {
  std::vector<policy::GivenAnswer> answers;
  while (true) {
    auto explanation = explain::explain(config, policy, query, now, answers);
    const bool is_last = !explanation || !explanation->question || answers.size() == explain::kQuestionsMax;
    if (is_last) return explanation;
    answers.push_back(ask(authority, std::move(*explanation->question)));
  }
}

base::UnixTime civil_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

int run(const CLI::App& command, Options& options) {
  if (const auto unknown = unknown_word(command); !unknown.empty()) return fail({unknown});
  const auto configuration = find_configuration(options.config_file, config::process_environment());
  if (!configuration.ok()) {
    print_diagnostics(configuration.diagnostics);
    return kWrongWords;
  }
  if (!options.data_file.empty()) {
    const auto bytes = count_bytes_of(options.data_file);
    if (!bytes) return fail({"cannot read " + options.data_file + ": " + bytes.error().text});
    options.query.body_bytes = *bytes;
  }
  const auto revocations = std::make_shared<revocation::Revocations>();
  if (const auto read = revocations->follow(configuration.config.revocations.file, civil_now()); !read) {
    return fail(read.error());
  }
  token::IssuerBoard issuers;
  inquiry::ServiceBoard services;
  const auto policy =
      compile_policy(configuration.config, {.issuers = &issuers, .services = &services, .revocations = revocations});
  authority::Authority authority;
  const auto followed = issuers.keep(configuration.config);
  authority.follow(followed, services.keep(configuration.config));
  fetch_keys(authority, followed);
  const auto explanation = explain_all(configuration.config, *policy, options.query, authority, civil_now());
  if (!explanation) return fail(explanation.error());
  const auto text = options.json ? explain::to_json(*explanation) + '\n' : explain::to_text(*explanation);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return explanation->forwarded() ? kForwarded : kRefused;
}

}  // namespace

void add_explain_command(CLI::App& app, int& exit_status) {
  auto* const command =
      app.add_subcommand("explain", "What would happen to a request, step by step; nothing is forwarded");
  const auto options = std::make_shared<Options>();
  explain::Query& query = options->query;
  command->allow_extras();
  command->add_option("--config", options->config_file, "the configuration file, found as for `run`")
      ->type_name("FILE");
  command->add_option("--listener", query.listener, "the listener that it comes to (default: the first)")
      ->type_name("NAME");
  command->add_option("--client-ip", query.client_ip, "who sends it (default: 127.0.0.1)")->type_name("IP");
  command->add_flag("--json", options->json, "print one JSON object");
  command->add_option("METHOD", query.method, "GET, POST, …")->type_name("")->required();
  command->add_option("URL", query.url, "https://host/path, or a path only, then of localhost")
      ->type_name("")
      ->required();
  command->add_option("-H,--header", query.headers, "a header, as often as there are any")
      ->type_name("'Name: value'")
      ->allow_extra_args(false);
  command->add_option("--data", options->data_file, "the body, or - for standard input; only its length counts")
      ->type_name("FILE");
  command->callback([command, options, &exit_status] { exit_status = run(*command, *options); });
}

}  // namespace sidegate::app
