#include <sidegate/config/address.hpp>

#include "cursor.hpp"

#include "scalar.hpp"
#include "substitution.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/base/time_text.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sidegate::config {
namespace {

constexpr std::size_t kShownBytesMax = 60;

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string found(const Node& node) {
  switch (node.kind) {
    case Node::Kind::List:
      return "a list";
    case Node::Kind::Map:
      return "a map";
    case Node::Kind::Nothing:
    case Node::Kind::Broken:
      return "nothing";
    case Node::Kind::Text:
      break;
  }
  if (!node.written.empty()) return fmt::format("what {} holds", shown(node.written));
  return has_url_credentials(node.text) ? std::string("a URL with credentials") : shown(node.text);
}

}  // namespace

void Cursor::error_unlike(std::string_view expected) const {
  if (node_->kind == Node::Kind::Broken) return;
  std::string message = fmt::format("expected {}, found {}", expected, found(*node_));
  // {subject} without quotes is a map in YAML, and the mistake that everybody makes once with templates.
  const bool is_template = is_map() && node_->items.size() == 2 && node_->items[1].kind == Node::Kind::Nothing;
  if (is_template) message += fmt::format("; a template is quoted: \"{{{}}}\"", node_->items[0].text);
  error(std::move(message));
}

std::optional<std::string> Cursor::text_or_empty() const {
  if (!is_text()) {
    error_unlike("a text");
    return std::nullopt;
  }
  if (has_control_character(node_->text)) {
    error("control characters and line breaks are not allowed here");
    return std::nullopt;
  }
  if (has_url_credentials(node_->text)) {
    error("credentials do not belong in a URL");
    return std::nullopt;
  }
  return node_->text;
}

std::optional<std::string> Cursor::text() const {
  auto value = text_or_empty();
  if (value && value->empty()) {
    error_unlike("a text that is not empty");
    return std::nullopt;
  }
  return value;
}

std::optional<Located<std::string>> Cursor::located_text() const {
  auto value = text();
  if (!value) return std::nullopt;
  return Located<std::string>{*std::move(value), where()};
}

std::optional<bool> Cursor::boolean() const {
  if (is_text() && word() == "true") return true;
  if (is_text() && word() == "false") return false;
  error_unlike("true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> Cursor::number(std::uint64_t least, std::uint64_t most) const {
  const auto value = is_text() ? base::parse_decimal(word()) : std::nullopt;
  if (!value || *value < least || *value > most) {
    error_unlike(fmt::format("a whole number from {} to {}", least, most));
    return std::nullopt;
  }
  return value;
}

std::optional<std::chrono::milliseconds> Cursor::duration(std::chrono::milliseconds least,
                                                          std::chrono::milliseconds most) const {
  const auto value = parse_duration(word());
  if (!is_text() || !value) {
    error_unlike("a duration with its unit, such as 250ms, 5s, 10m or 1h");
    return std::nullopt;
  }
  if (*value < least || *value > most) {
    error_unlike(fmt::format("a duration from {} to {}", duration_text(least), duration_text(most)));
    return std::nullopt;
  }
  return *value;
}

std::optional<std::chrono::seconds> Cursor::whole_seconds(std::chrono::seconds least, std::chrono::seconds most) const {
  const auto value = duration(least, most);
  if (!value) return std::nullopt;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*value);
  if (seconds == *value) return seconds;
  error_unlike("whole seconds");
  return std::nullopt;
}

std::optional<std::uint64_t> Cursor::size(std::uint64_t least, std::uint64_t most) const {
  const auto value = parse_size(word());
  if (!is_text() || !value) {
    error_unlike("a size with its unit, such as 512B, 64KiB or 10MiB");
    return std::nullopt;
  }
  if (*value < least || *value > most) {
    error_unlike(fmt::format("a size from {} to {}", size_text(least), size_text(most)));
    return std::nullopt;
  }
  return *value;
}

std::optional<base::UnixTime> Cursor::time() const {
  const auto value = base::parse_time(word());
  if (is_text() && value) return *value;
  error_unlike("a time of RFC 3339, such as \"2026-12-31T00:00:00Z\"");
  return std::nullopt;
}

std::optional<std::string> Cursor::one_of(std::initializer_list<std::string_view> words) const {
  if (is_text() && std::find(words.begin(), words.end(), word()) != words.end()) return node_->text;
  error_unlike(fmt::format("one of {}", fmt::join(words, ", ")));
  return std::nullopt;
}

std::vector<Cursor> Cursor::items() const {
  std::vector<Cursor> cursors;
  if (!is_list()) {
    const bool is_item = is_text() && base::is_token(word()) && node_->written.empty();
    error_unlike(is_item ? fmt::format("a list such as [{}]", word()) : std::string("a list"));
    return cursors;
  }
  cursors.reserve(node_->items.size());
  for (std::size_t i = 0; i < node_->items.size(); ++i) {
    cursors.emplace_back(node_->items[i], item_path(path_, i), *context_);
  }
  return cursors;
}

std::vector<Cursor> Cursor::one_or_more() const {
  if (is_text()) return {*this};
  if (!is_list() || node_->items.empty()) {
    error_unlike(is_list() ? "at least one" : "a text or a list of texts");
    return {};
  }
  return items();
}

std::vector<NamedValue> Cursor::entries() const {
  std::vector<NamedValue> entries;
  if (!is_map()) {
    error_unlike("a map");
    return entries;
  }
  for (std::size_t i = 0; i + 1 < node_->items.size(); i += 2) {
    const Node& key = node_->items[i];
    const Cursor at_key(key, path_, *context_);
    if (key.kind == Node::Kind::Broken) continue;
    if (key.kind != Node::Kind::Text || key.text.empty() || has_control_character(key.text)) {
      at_key.error("a key is a plain text");
      continue;
    }
    const auto first = std::find_if(entries.begin(), entries.end(),
                                    [&key](const NamedValue& entry) { return entry.name == key.text; });
    if (first != entries.end()) {
      at_key.error(fmt::format("duplicate key {}, first on line {}", found(key), first->where.line));
      continue;
    }
    std::string path = child_path(path_, key.written.empty() ? key.text : key.written);
    entries.push_back(
        {key.text, {key.line, key.column, path, !key.written.empty()}, Cursor(node_->items[i + 1], path, *context_)});
  }
  return entries;
}

std::string shown(std::string_view text) {
  std::string out = "\"";
  base::append_json_escaped(out, text.substr(0, kShownBytesMax));
  out += text.size() > kShownBytesMax ? "…\"" : "\"";
  return out;
}

}  // namespace sidegate::config
