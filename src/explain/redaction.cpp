#include "redaction.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/http/cookies.hpp>

#include <algorithm>
#include <vector>

namespace sidegate::explain {
namespace {

bool holds_credential(std::string_view name, const config::Config& config) {
  const auto known = http::field_name_of(name);
  if (known == http::FieldName::Authorization || known == http::FieldName::ProxyAuthorization) return true;
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
