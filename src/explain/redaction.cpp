#include "redaction.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/http/cookies.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace sidegate::explain {
namespace {

bool holds_credential(std::string_view name, const config::Config& config) {
  if (sounds_secret(name)) return true;
  return std::any_of(config.authenticators.begin(), config.authenticators.end(), [&](const auto& authenticator) {
    const auto& places = authenticator.token();
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

// By a part of it, or by its last word.
bool sounds_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 11> kParts{"authorization", "token",  "jwt",       "secret",
                                                           "passw",         "apikey", "signature", "credential",
                                                           "session",       "cookie", "bearer"};
  static constexpr std::array<std::string_view, 8> kLastWords{"key", "keys", "auth", "pass",
                                                              "pwd", "pin",  "otp",  "sid"};
  const std::string lower = base::lower_case(name);
  const auto last = std::string_view(lower).substr(lower.find_last_of("-_") + 1);
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; }) ||
         std::find(kLastWords.begin(), kLastWords.end(), last) != kLastWords.end();
}

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
