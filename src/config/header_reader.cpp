#include "header_name.hpp"
#include "readers.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace sidegate::config {

std::vector<InjectedHeader> read_inject(const Cursor& cursor) {
  std::vector<InjectedHeader> headers;
  std::map<std::string, std::string> seen;
  for (const NamedValue& entry : cursor.entries()) {
    Diagnostics& diagnostics = cursor.context().diagnostics;
    if (const auto reason = why_not_injected(entry.name)) diagnostics.error(entry.where, *reason);
    const auto [first, is_new] = seen.emplace(canonical_header(entry.name), entry.name);
    if (!is_new) diagnostics.error(entry.where, fmt::format("this is the same header as {}", shown(first->second)));
    if (auto value = entry.value.text_or_empty()) {
      headers.push_back({{entry.name, entry.where}, {*std::move(value), entry.value.where()}});
    }
  }
  return headers;
}

void read_strip(Block& top, Config& config) {
  const auto cursor = top.find("strip");
  if (!cursor) {
    config.strip = {{"X-User-*", {}}, {"X-Auth-*", {}}};
    return;
  }
  for (const Cursor& item : cursor->items()) {
    auto pattern = item.located_text();
    if (!pattern) continue;
    if (const auto reason = why_not_stripped(pattern->value)) item.error(*reason);
    config.strip.push_back(*std::move(pattern));
  }
}

}  // namespace sidegate::config
