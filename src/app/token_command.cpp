#include "token_command.hpp"

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/base/text.hpp>
#include <sidegate/token/claims.hpp>
#include <sidegate/token/inspection.hpp>
#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/jws_verifier.hpp>
#include <sidegate/token/key_material.hpp>
#include <sidegate/token/signer.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace sidegate::app {
namespace {

namespace json = boost::json;
using base::OrMessage;
using base::Reason;

constexpr std::size_t kInputBytesMax = std::size_t{1} << 20U;  // a token, a key file

constexpr int kFine = 0;
constexpr int kRefused = 1;
constexpr int kWrongWords = 2;

/// A command that ends here, with what to say and the status to end with.
struct Stop {
  int status;
  std::string text;
};

[[noreturn]] void wrong_words(std::string text) {
  throw Stop{kWrongWords, std::move(text)};
}

/// The value, or the end of the command for a wrong word.
template <class T>
T take(OrMessage<T> result, const std::string& what) {
  if (!result) wrong_words(what + result.error().text);
  return std::move(*result);
}

struct Options {
  std::string key_file;
  std::string algorithms;
  std::string claims;
  std::string ttl;
  std::string key_id;
  std::vector<std::string> tokens;
  bool any_payload = false;
};

base::UnixTime now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// At most `kInputBytesMax` and one more, so that too much can be told from enough.
std::string read_all(std::istream& in) {
  std::string bytes(kInputBytesMax + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

base::Secret read_key_bytes(const std::string& path) {
  const auto fail = [&](const std::string& why) { wrong_words("cannot read the key file " + path + ": " + why); };
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  base::Secret bytes(in ? read_all(in) : std::string());
  if (in.bad() || !in.is_open()) fail(std::generic_category().message(errno));
  if (bytes.size() > kInputBytesMax) fail("it is longer than 1 MiB");
  return bytes;
}

/// The token that was given, or the one on standard input for `-`.
std::string read_token(const Options& options) {
  if (options.tokens.size() != 1) wrong_words("give exactly one token, or - to read it from standard input");
  std::string text = options.tokens.front();
  if (text == "-") {
    text = read_all(std::cin);
    if (text.ends_with('\n')) text.pop_back();
  }
  if (text.size() > kInputBytesMax) wrong_words("the token is longer than 1 MiB");
  return text;
}

std::chrono::seconds read_ttl(const std::string& text) {
  constexpr std::array<std::pair<char, std::int64_t>, 3> kUnits{{{'s', 1}, {'m', 60}, {'h', 3600}}};
  constexpr std::uint64_t kCountMax = 1'000'000;
  for (const auto& [letter, length] : kUnits) {
    if (!text.ends_with(letter)) continue;
    const auto count = base::parse_decimal(std::string_view(text).substr(0, text.size() - 1));
    if (!count || *count == 0 || *count > kCountMax) break;
    return std::chrono::seconds(static_cast<std::int64_t>(*count) * length);
  }
  wrong_words("--ttl is a duration such as 30s, 10m or 1h");
}

/// RFC 7518 section 3.2. A person who tries things out is warned; a configuration is refused. `key` is that of the
/// algorithms, or the half of a pair, which was weighed when it was read.
template <class Pair>
void warn_of_weak_key(const std::variant<base::Secret, Pair>& key, token::AlgorithmSet algorithms) {
  const auto* const secret = std::get_if<base::Secret>(&key);
  if (secret == nullptr) return;
  for (const token::Algorithm algorithm : token::kAlgorithms) {
    if (!algorithms.contains(algorithm) || secret->size() >= token::hash_bytes(algorithm)) continue;
    std::cerr << "warning: the key is " << secret->size() << " bytes long; " << token::name_of(algorithm)
              << " needs at least " << token::hash_bytes(algorithm) << " (RFC 7518 section 3.2)\n";
  }
}

/// The one key to sign with: the one that `--kid` names, or the only one.
token::SigningKey choose_key(std::vector<token::SigningKey> keys, const std::string& key_id) {
  if (keys.size() == 1) return std::move(keys.front());
  const auto same_id = [&](const token::SigningKey& key) { return key.id == key_id; };
  const auto found = std::find_if(keys.begin(), keys.end(), same_id);
  if (key_id.empty() || found == keys.end()) wrong_words("the key file holds several keys; choose one with --kid");
  return std::move(*found);
}

int mint(const Options& options) {
  const auto algorithm = take(token::parse_algorithm(options.algorithms), "--alg: ");
  const auto bytes = read_key_bytes(options.key_file);
  const auto key = choose_key(take(token::read_signing_keys(bytes.reveal()), "the key file " + options.key_file + ": "),
                              options.key_id);
  auto claims = token::JsonReader().read_object(options.claims);
  if (!claims) wrong_words("--claims must be one JSON object in which no member stands twice");
  if (!options.ttl.empty()) {
    if (claims->contains("iat") || claims->contains("exp")) {
      wrong_words("--ttl adds iat and exp, so --claims must not have them");
    }
    const auto issued = now();
    claims->emplace("iat", issued.time_since_epoch().count());
    claims->emplace("exp", (issued + read_ttl(options.ttl)).time_since_epoch().count());
  }
  warn_of_weak_key(key.key, {algorithm});
  const std::string& key_id = options.key_id.empty() ? key.id : options.key_id;
  std::cout << take(token::sign_jwt(*claims, algorithm, key, key_id), "") << '\n';
  return kFine;
}

/// JSON for reading: one member or item a line.
void print_indented(std::ostream& out, const json::value& value, std::size_t depth) {
  const auto* const object = value.if_object();
  const auto* const array = value.if_array();
  if ((object == nullptr || object->empty()) && (array == nullptr || array->empty())) {
    out << json::serialize(value);
    return;
  }
  const std::string indent(2 * (depth + 1), ' ');
  const char* separator = "\n";
  out << (object != nullptr ? '{' : '[');
  const auto print_item = [&](const std::string& name, const json::value& item) {
    out << std::exchange(separator, ",\n") << indent << name;
    print_indented(out, item, depth + 1);
  };
  if (object != nullptr) {
    for (const auto& member : *object) print_item(json::serialize(member.key()) + ": ", member.value());
  } else {
    for (const json::value& item : *array) print_item({}, item);
  }
  out << '\n' << std::string(2 * depth, ' ') << (object != nullptr ? '}' : ']');
}

void print_times(const json::object& claims) {
  const auto moment = now();
  for (const std::string_view name : {"iat", "nbf", "exp", "auth_time"}) {
    const json::value* const value = claims.if_contains(name);
    if (value == nullptr) continue;
    const auto date = token::read_numeric_date(*value);
    std::cout << name << ": " << (date ? token::time_in_words(*date, moment) : "not a date: " + json::serialize(*value))
              << '\n';
  }
}

int inspect(const Options& options) {
  auto result = token::inspect(read_token(options));
  if (!result) throw Stop{kRefused, "the token cannot be read: " + result.error().text};
  const token::Inspection& inspection = *result;
  std::cout << "header: ";
  print_indented(std::cout, inspection.header, 0);
  if (inspection.claims) {
    std::cout << "\nclaims: ";
    print_indented(std::cout, *inspection.claims, 0);
    std::cout << '\n';
    print_times(*inspection.claims);
  } else {
    std::cout << "\npayload: " << inspection.payload.size() << " bytes that are not a JSON object\n";
  }
  std::cout << "signature: " << inspection.signature_bytes << " bytes\n"
            << "Nothing of this was verified: anybody can write such a token.\n";
  return kFine;
}

std::string_view sentence_for(Reason reason) {
  switch (reason) {
    case Reason::Malformed:
      return "the token cannot be read in exactly one way: its three parts, its header or its claims are not "
             "well-formed";
    case Reason::BadSignature:
      return "none of the keys made the signature, or its algorithm is not one that was asked for";
    case Reason::Expired:
      return "the signature is good, but the token has expired";
    case Reason::NotYetValid:
      return "the signature is good, but the token is not valid yet (`nbf` or `iat` lies in the future)";
    case Reason::MissingClaim:
      return "the signature is good, but the token has no `exp`; with --jws claims are not checked";
    default:
      return "the token is not accepted";
  }
}

[[noreturn]] void refuse(Reason reason) {
  throw Stop{kRefused, std::string(base::name_of(reason)) + ": " + std::string(sentence_for(reason))};
}

token::JwsVerifier make_verifier(const Options& options) {
  token::AlgorithmSet algorithms;
  base::for_each_list_item(options.algorithms, [&](std::string_view name) {
    algorithms.insert(take(token::parse_algorithm(name), "--alg: "));
  });
  if (algorithms.empty()) wrong_words("--alg names no algorithm");
  token::JwsVerifier verifier({algorithms, {}});
  bool usable = false;
  std::string problem;
  const auto bytes = read_key_bytes(options.key_file);
  const auto file = take(token::read_key_file(bytes.reveal()), "the key file " + options.key_file + ": ");
  for (const std::string& warning : file.warnings) std::cerr << "warning: " << warning << '\n';
  for (const token::KeyMaterial& key : file.keys) {
    const auto added = verifier.add_key(key);
    usable |= added.has_value();
    if (!added) problem = added.error().text;
    warn_of_weak_key(key.key, algorithms & token::algorithms_for(key));
  }
  if (!usable) wrong_words("the key file " + options.key_file + " has no key for --alg: " + problem);
  return verifier;
}

int verify(const Options& options) {
  auto verifier = make_verifier(options);
  const std::string text = read_token(options);
  const auto moment = now();
  const auto signature = verifier.verify(text, moment);
  if (!signature) refuse(signature.error());
  if (options.any_payload) {
    std::cout << signature->payload << '\n';
    return kFine;
  }
  const auto claims = token::JsonReader().read_object(signature->payload);
  if (!claims) refuse(claims.error());
  if (const auto valid = token::check_claims(*claims, {}, moment); !valid) refuse(valid.error());
  std::cout << json::serialize(*claims) << '\n';
  return kFine;
}

/// Words that the parser did not expect would be repeated in its message, and one of them may be a token: so they are
/// taken, and only the names of options are told.
void refuse_unknown_words(const CLI::App& command) {
  for (const std::string& word : command.remaining()) {
    const bool is_option = word.starts_with('-');
    wrong_words(is_option ? "unknown option " + word.substr(0, word.find('=')) : "too many words");
  }
}

void run(const CLI::App& command, const std::function<int()>& work, int& exit_status) {
  try {
    refuse_unknown_words(command);
    exit_status = work();
    std::cout.flush();
  } catch (const Stop& stop) {
    std::cerr << (stop.status == kWrongWords ? "sidegate token " + command.get_name() + ": " : "") << stop.text << '\n';
    exit_status = stop.status;
  }
}

CLI::App& add_command(CLI::App& parent, const char* name, const char* description,
                      const std::shared_ptr<Options>& options, int (*work)(const Options&), int& exit_status) {
  CLI::App* const command = parent.add_subcommand(name, description);
  command->allow_extras();
  command->callback([command, options, work, &exit_status] {
    run(
        *command, [&] { return work(*options); }, exit_status);
  });
  return *command;
}

}  // namespace

void add_token_commands(CLI::App& app, int& exit_status) {
  CLI::App* const token = app.add_subcommand("token", "Make, read and verify JSON Web Tokens");
  token->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* description, int (*work)(const Options&)) -> CLI::App& {
    return add_command(*token, name, description, options, work, exit_status);
  };
  const std::string raw = "or raw bytes for HS*, of which one newline at the end is dropped";
  const char* const token_help = "The token, or - to read it from standard input";

  CLI::App& mint_command = add("mint", "Sign claims and print the token", mint);
  mint_command.add_option("--key", options->key_file, "The key: a private JWK or PEM, a JWK Set, " + raw)
      ->type_name("FILE")
      ->required();
  mint_command
      .add_option("--alg", options->algorithms, "HS256, RS256, PS256, ES256, EdDSA, or another of these families")
      ->type_name("ALG")
      ->required();
  mint_command.add_option("--claims", options->claims, "The claims, a JSON object")->type_name("JSON")->required();
  mint_command.add_option("--ttl", options->ttl, "Adds iat, now, and exp, so much later: 30s, 10m, 1h")
      ->type_name("DURATION");
  mint_command.add_option("--kid", options->key_id, "The key's id, for the header; default the JWK's own")
      ->type_name("ID");

  CLI::App& inspect_command = add("inspect", "Show what a token says, verifying nothing", inspect);
  inspect_command.add_option("TOKEN", options->tokens, token_help)->type_name("")->required();

  CLI::App& verify_command = add("verify", "Verify a token and print its claims", verify);
  verify_command
      .add_option("--key", options->key_file, "The key: a JWK, a JWK Set, a PEM public key or certificate, " + raw)
      ->type_name("FILE")
      ->required();
  verify_command.add_option("--alg", options->algorithms, "The algorithms to accept, separated by commas")
      ->type_name("ALG[,ALG]")
      ->required();
  verify_command.add_flag("--jws", options->any_payload, "Allow any payload and check no claim");
  verify_command.add_option("TOKEN", options->tokens, token_help)->type_name("")->required();
}

}  // namespace sidegate::app
