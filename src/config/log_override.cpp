#include "log_override.hpp"

#include "cursor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sidegate::config {
namespace {

void override_word(std::string& target, std::string_view name, std::initializer_list<std::string_view> words,
                   const Environment& environment, Diagnostics& diagnostics) {
  auto value = variable(environment, name);
  if (!value) return;
  if (std::find(words.begin(), words.end(), *value) == words.end()) {
    diagnostics.error({}, fmt::format("{} is {}; expected one of {}", name, shown(*value), fmt::join(words, ", ")));
    return;
  }
  target = *std::move(value);
}

}  // namespace

void override_log(Log& log, const Environment& environment, Diagnostics& diagnostics) {
  override_word(log.level, "SIDEGATE_LOG_LEVEL", {"debug", "info", "warning", "error"}, environment, diagnostics);
  override_word(log.format, "SIDEGATE_LOG_FORMAT", {"json", "text"}, environment, diagnostics);
}

std::optional<std::string> variable(const Environment& environment, std::string_view name) {
  auto value = environment(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

}  // namespace sidegate::config
