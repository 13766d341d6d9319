#include "redaction.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/http/cookies.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace sidegate::explain {
namespace {

/// Whether one of the words of a header's name is what credentials are called.
bool sounds_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 11> kWords{"authorization", "key",         "apikey", "token",
                                                           "secret",        "password",    "passwd", "signature",
                                                           "credential",    "credentials", "session"};
  while (!name.empty()) {
    const auto end = std::min(name.find_first_of("-_"), name.size());
    const auto word = name.substr(0, end);
    if (std::any_of(kWords.begin(), kWords.end(),
                    [&](std::string_view secret) { return base::equals_ignoring_case(word, secret); })) {
      return true;
    }
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

bool holds_credential(std::string_view name, const config::Config& config) {
  if (sounds_secret(name)) return true;
  return std::any_of(config.authenticators.begin(), config.authenticators.end(), [&](const auto& authenticator) {
    const auto& places = authenticator.jwt.token;
    return std::any_of(places.begin(), places.end(), [&](const config::TokenSource& place) {
      return place.kind == config::TokenSource::Kind::Bearer && base::equals_ignoring_case(place.name, name);
    });
  });
}

std::string redacted_cookies(std::string_view value) {
  const std::vector<http::Field> fields{
      {.name = "Cookie", .value = value, .line = {}, .known = http::FieldName::Cookie}};
  std::string text;
  http::for_each_cookie(fields, [&](std::string_view name, std::string_view, std::string_view) {
    if (!text.empty()) text += "; ";
    if (!name.empty()) text.append(name) += '=';
    text += kRedacted;
  });
  return text;
}

}  // namespace

std::string redacted_line(std::string_view line, const config::Config& config) {
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  if (colon == std::string_view::npos) return std::string(line);
  const std::string begin = std::string(name) + ": ";
  if (http::field_name_of(name) == http::FieldName::Cookie) {
    return begin + redacted_cookies(base::trim_blanks(line.substr(colon + 1)));
  }
  return holds_credential(name, config) ? begin + std::string(kRedacted) : std::string(line);
}

}  // namespace sidegate::explain
