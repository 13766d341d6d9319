#include "private_answer.hpp"

#include <sidegate/base/text.hpp>

#include <string_view>

namespace sidegate::proxy {
namespace {

/// Directives that let shared caches keep it.
bool is_for_shared_caches(std::string_view directive) noexcept {
  const auto name = base::trim_blanks(directive.substr(0, directive.find('=')));
  return base::equals_ignoring_case(name, "public") || base::equals_ignoring_case(name, "s-maxage") ||
         base::equals_ignoring_case(name, "private");
}

}  // namespace

bool append_private_cache_control(const std::vector<http::Field>& fields, std::string& out) {
  bool is_strict = false;
  std::string others;
  for (const http::Field& field : fields) {
    if (!base::equals_ignoring_case(field.name, "cache-control")) continue;
    base::for_each_list_item(field.value, [&](std::string_view directive) {
      // With names behind it `private` speaks of these fields only.
      is_strict = is_strict || base::equals_ignoring_case(directive, "no-store") ||
                  base::equals_ignoring_case(directive, "private");
      if (!is_for_shared_caches(directive)) others.append(", ") += directive;
    });
  }
  if (is_strict) return false;
  out += "Cache-Control: private" + others + "\r\n";
  return true;
}

}  // namespace sidegate::proxy
