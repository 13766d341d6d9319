#include <sidegate/http/cookies.hpp>

#include <algorithm>

namespace sidegate::http {

base::Result<std::optional<std::string_view>> find_cookie(const std::vector<Field>& fields, std::string_view name) {
  std::optional<std::string_view> found;
  bool ambiguous = false;
  for_each_cookie(fields, [&](std::string_view cookie, std::string_view value, std::string_view) {
    if (cookie != name) return;
    ambiguous = ambiguous || (found && *found != value);
    found = value;
  });
  if (ambiguous) return base::Reason::AmbiguousCookie;
  if (!found || found->empty()) return std::optional<std::string_view>{};
  if (found->front() == '"') return base::Reason::QuotedCookie;
  return found;
}

bool append_cookies_without(const std::vector<Field>& fields, const std::vector<std::string_view>& names,
                            std::string& out) {
  const auto is_named = [&](std::string_view cookie) {
    return std::find(names.begin(), names.end(), cookie) != names.end();
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
  if (separator == "; ") out += "\r\n";
  return true;
}

}  // namespace sidegate::http
