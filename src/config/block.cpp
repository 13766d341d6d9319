#include "block.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sidegate::config {
namespace {

/// What keys are called elsewhere.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kOtherNames{{{"aud", "audience"},
                                                                                     {"iss", "issuer"},
                                                                                     {"alg", "algorithms"},
                                                                                     {"algorithm", "algorithms"},
                                                                                     {"sub", "subject"},
                                                                                     {"auth", "authenticate"},
                                                                                     {"listen", "address"},
                                                                                     {"headers", "inject"},
                                                                                     {"backend", "upstream"},
                                                                                     {"url", "servers"}}};

/// The large parts of the file. Indented by mistake, one of them lands in another part.
bool is_top_level(std::string_view key) {
  static constexpr std::array<std::string_view, 10> kParts{"listeners", "upstreams",  "authenticators", "routes",
                                                           "limits",    "access_log", "inject",         "strip",
                                                           "admin",     "health"};
  return std::find(kParts.begin(), kParts.end(), key) != kParts.end();
}

}  // namespace

Block::Block(const Cursor& cursor) : cursor_(cursor), entries_(cursor.entries()) {}

std::optional<Cursor> Block::find(std::string_view key) {
  suggested_.emplace_back(key);
  return take(key);
}

std::optional<Cursor> Block::take(std::string_view key) {
  known_.emplace_back(key);
  const auto entry =
      std::find_if(entries_.begin(), entries_.end(), [key](const NamedValue& other) { return other.name == key; });
  if (entry == entries_.end()) return std::nullopt;
  return entry->value;
}

std::optional<Cursor> Block::require(std::string_view key, std::string_view hint) {
  auto value = find(key);
  if (!value && cursor_.is_map()) {
    cursor_.error(hint.empty() ? fmt::format("\"{}\" is required", key)
                               : fmt::format("\"{}\" is required: {}", key, hint));
  }
  return value;
}

bool Block::not_yet(std::initializer_list<std::string_view> keys) {
  bool any = false;
  for (const std::string_view key : keys) {
    if (!take(key)) continue;
    for (const NamedValue& entry : entries_) {
      if (entry.name != key) continue;
      cursor_.context().diagnostics.error(entry.where, fmt::format("\"{}\" is not supported yet", key));
    }
    any = true;
  }
  return any;
}

void Block::only(std::string_view key, std::string_view value) {
  const auto given = take(key);
  if (!given) return;
  const bool is_default = value == "[]" ? given->is_list() && given->items().empty() : given->word() == value;
  if (!is_default) given->error(fmt::format("\"{}\" is not supported yet, except as {}", key, value));
}

std::string Block::advice(const std::string& key) const {
  const bool is_inside = !cursor_.where().path.empty();
  if (is_inside && is_top_level(key)) return "; it belongs at the left margin, a part of its own";
  for (const auto& [other, meant] : kOtherNames) {
    const bool can_be_meant = std::find(suggested_.begin(), suggested_.end(), meant) != suggested_.end();
    if (key == other && can_be_meant) return fmt::format(" (did you mean \"{}\"?)", meant);
  }
  return did_you_mean(key, suggested_);
}

void Block::finish() const {
  for (const NamedValue& entry : entries_) {
    if (std::find(known_.begin(), known_.end(), entry.name) != known_.end()) continue;
    const std::string name = entry.where.holds_variable ? ", which a variable names" : " " + shown(entry.name);
    cursor_.context().diagnostics.error({entry.where.line, entry.where.column, cursor_.where().path},
                                        "unknown key" + name + (entry.where.holds_variable ? "" : advice(entry.name)));
  }
}

}  // namespace sidegate::config
