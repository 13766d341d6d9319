#include <sidegate/http/cookies.hpp>

#include <algorithm>

namespace sidegate::http {

namespace {

/// PHP's way with names, which others share in part.
constexpr char fold(char c) noexcept {
  return c == '.' || c == ' ' || c == '[' || c == '+' ? '_' : c;
}

}  // namespace

bool is_cookie_twin(std::string_view given, std::string_view name) noexcept {
  if (given == name) return false;
  // Whatever is no token character may be a blank to somebody, be it one of Unicode's.
  while (!given.empty() && !base::is_token_char(given.front())) given.remove_prefix(1);
  while (!given.empty() && !base::is_token_char(given.back())) given.remove_suffix(1);
  return std::equal(given.begin(), given.end(), name.begin(), name.end(),
                    [](char a, char b) { return fold(a) == fold(b); });
}

base::Result<std::optional<std::string_view>> find_cookie(const std::vector<Field>& fields, std::string_view name) {
  std::optional<std::string_view> found;
  bool ambiguous = false;
  for_each_cookie(fields, [&](std::string_view cookie, std::string_view value, std::string_view) {
    if (cookie != name) {
      ambiguous = ambiguous || is_cookie_twin(cookie, name);
      return;
    }
    ambiguous = ambiguous || (found && *found != value);
    found = value;
  });
  if (ambiguous) return base::Reason::AmbiguousCookie;
  if (!found || found->empty()) return std::optional<std::string_view>{};
  if (found->front() == '"') return base::Reason::QuotedCookie;
  return found;
}

bool append_cookies_without(const std::vector<Field>& fields, const std::vector<std::string_view>& names,
                            std::string& out, std::string_view added) {
  const auto is_named = [&](std::string_view cookie) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return cookie == name || is_cookie_twin(cookie, name); });
  };
  bool any = false;
  for_each_cookie(fields,
                  [&](std::string_view cookie, std::string_view, std::string_view) { any = any || is_named(cookie); });
  if (!any) return false;
  std::string_view separator = "Cookie: ";
  for_each_cookie(fields, [&](std::string_view cookie, std::string_view, std::string_view pair) {
    if (is_named(cookie)) return;
    out += separator;
    out += pair;
    separator = "; ";
  });
  if (!added.empty()) {
    out += separator;
    out += added;
    separator = "; ";
  }
  if (separator == "; ") out += "\r\n";
  return true;
}

}  // namespace sidegate::http
