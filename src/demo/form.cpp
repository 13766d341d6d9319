#include "form.hpp"

#include <sidegate/base/text.hpp>

namespace sidegate::demo {
namespace {

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && i + 2 < text.size() && base::hex_value(text[i + 1]) >= 0 && base::hex_value(text[i + 2]) >= 0;
    if (escaped) {
      decoded += static_cast<char>(base::hex_value(text[i + 1]) * 16 + base::hex_value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

/// Calls `visit(item)` for each part of `text` between `separator`s.
template <class Visit>
void for_each_part(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const auto end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::map<std::string, std::string, std::less<>> parse_form(std::string_view text) {
  std::map<std::string, std::string, std::less<>> fields;
  for_each_part(text, '&', [&](std::string_view part) {
    const auto equals = part.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    if (!part.empty()) fields.emplace(decode(part.substr(0, equals)), decode(value));
  });
  return fields;
}

std::optional<std::string_view> find_cookie(const web::Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const web::Field& field : request.fields) {
    if (!base::equals_ignoring_case(field.name, "Cookie")) continue;
    for_each_part(field.value, ';', [&](std::string_view part) {
      const auto equals = part.find('=');
      if (found || equals == std::string_view::npos || base::trim_blanks(part.substr(0, equals)) != name) return;
      const auto value = base::trim_blanks(part.substr(equals + 1));
      if (!value.empty()) found = value;
    });
  }
  return found;
}

std::optional<std::string_view> find_bearer(const web::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto value = request.find("Authorization");
  if (!value || !base::equals_ignoring_case(value->substr(0, kScheme.size()), kScheme)) return std::nullopt;
  const auto token = base::trim_blanks(value->substr(kScheme.size()));
  if (token.empty()) return std::nullopt;
  return token;
}

std::string_view media_type(const web::Request& request) {
  const auto value = request.find("Content-Type").value_or("");
  return base::trim_blanks(value.substr(0, value.find(';')));
}

bool comes_from_another_site(const web::Request& request) {
  const auto origin = request.find("Origin");
  if (!origin) return false;
  const std::string host(request.find("Host").value_or(""));
  return *origin != "http://" + host && *origin != "https://" + host;
}

}  // namespace sidegate::demo
