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

void append_private_cache_control(const std::vector<http::Field>& fields, std::string& out) {
  bool is_strict = false;
  std::string all;
  std::string mended = "private";
  for (const http::Field& field : fields) {
    if (!base::equals_ignoring_case(field.name, "cache-control")) continue;
    base::for_each_list_item(field.value, [&](std::string_view directive) {
      // With names behind it `private` speaks of these fields only.
      is_strict = is_strict || base::equals_ignoring_case(directive, "no-store") ||
                  base::equals_ignoring_case(directive, "private");
      all.append(all.empty() ? "" : ", ") += directive;
      if (!is_for_shared_caches(directive)) mended.append(", ") += directive;
    });
  }
  out += "Cache-Control: " + (is_strict ? all : mended) + "\r\n";
}

}  // namespace sidegate::proxy
