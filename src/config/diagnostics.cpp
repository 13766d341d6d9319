#include <sidegate/base/text.hpp>
#include <sidegate/config/diagnostics.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace sidegate::config {

void Diagnostics::error(const Location& where, std::string message) {
  entries_.push_back({Severity::Error, where, std::move(message)});
  ++error_count_;
}

void Diagnostics::error_about(const Located<std::string>& text, std::string message) {
  if (!text.where.holds_variable) return error(text.where, std::move(message));
  error(text.where, "this cannot be used with what a variable puts into it, which is not shown here");
}

void Diagnostics::warning(const Location& where, std::string message) {
  entries_.push_back({Severity::Warning, where, std::move(message)});
}

std::vector<std::string> Diagnostics::lines(std::optional<Severity> only) const {
  std::vector<const Entry*> ordered;
  ordered.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    if (!only || entry.severity == *only) ordered.push_back(&entry);
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const Entry* left, const Entry* right) {
    return std::tie(left->where.line, left->where.column) < std::tie(right->where.line, right->where.column);
  });

  std::vector<std::string> lines;
  lines.reserve(ordered.size());
  for (const Entry* entry : ordered) {
    std::string line = file_;
    if (entry->where.line > 0 && file_ != kEnvironmentFile) {
      line += fmt::format(":{}:{}", entry->where.line, entry->where.column);
    }
    if (!entry->where.path.empty()) line += fmt::format(": at {}", entry->where.path);
    line += entry->severity == Severity::Warning ? ": warning: " : ": ";
    line += entry->message;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string did_you_mean(std::string_view given, const std::vector<std::string>& known) {
  const std::string lower = base::lower_case(given);
  const std::size_t allowed = std::max<std::size_t>(2, given.size() / 3);
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const std::string& name : known) {
    const std::size_t distance = base::edit_distance(lower, base::lower_case(name));
    // Half of a short name changed is another name, not a slip of the finger.
    if (distance > allowed || distance * 2 > std::max(given.size(), name.size())) continue;
    if (best == nullptr || distance < best_distance) {
      best = &name;
      best_distance = distance;
    }
  }
  return best == nullptr ? std::string() : fmt::format(" (did you mean \"{}\"?)", *best);
}

}  // namespace sidegate::config
