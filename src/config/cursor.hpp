#pragma once

#include "document.hpp"

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/diagnostics.hpp>
#include <sidegate/config/load.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::config {

/// What every reader needs beside the value that it reads. Lives as long as one load.
struct Context {
  Diagnostics& diagnostics;
  const Environment& environment;
  std::filesystem::path folder;  ///< absolute; relative file names start here
};

struct NamedValue;

/// A value of the configuration with its place and path, and the one way to read it.
///
/// Each reader gives the value, or reports what is wrong at this place and gives nothing; so all mistakes of a file are
/// found in one pass. Refers to a node and a context that outlive it.
class Cursor {
 public:
  Cursor(const Node& node, std::string path, Context& context)
      : node_(&node), path_(std::move(path)), context_(&context) {}

  Location where() const { return {node_->line, node_->column, path_, !node_->written.empty()}; }
  Context& context() const { return *context_; }
  bool is_text() const { return node_->kind == Node::Kind::Text; }
  bool is_list() const { return node_->kind == Node::Kind::List; }
  bool is_map() const { return node_->kind == Node::Kind::Map; }

  /// The scalar as it stands, for comparing with a word; empty for whatever is no text.
  std::string_view word() const { return node_->text; }

  void error(std::string message) const { context_->diagnostics.error(where(), std::move(message)); }
  void warning(std::string message) const { context_->diagnostics.warning(where(), std::move(message)); }

  /// Reports `expected`, and what stands here instead. What a variable put here is not shown, since it may be secret.
  void error_unlike(std::string_view expected) const;

  std::optional<std::string> text() const;           ///< not empty, no control characters
  std::optional<std::string> text_or_empty() const;  ///< no control characters
  std::optional<Located<std::string>> located_text() const;
  std::optional<bool> boolean() const;
  std::optional<std::uint64_t> number(std::uint64_t least, std::uint64_t most) const;
  std::optional<std::chrono::milliseconds> duration(std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most) const;
  std::optional<std::chrono::seconds> whole_seconds(std::chrono::seconds least, std::chrono::seconds most) const;
  std::optional<std::uint64_t> size(std::uint64_t least, std::uint64_t most) const;
  std::optional<base::UnixTime> time() const;
  std::optional<std::string> one_of(std::initializer_list<std::string_view> words) const;

  /// A text as `parse` reads it; its message is reported without what was found.
  template <class T>
  std::optional<T> parsed(base::OrMessage<T> (*parse)(std::string_view)) const {
    const auto value = text();
    if (!value) return std::nullopt;
    auto result = parse(*value);
    if (result) return *std::move(result);
    error(result.error().text);
    return std::nullopt;
  }

  std::vector<Cursor> items() const;        ///< of a list
  std::vector<Cursor> one_or_more() const;  ///< a single text, or a list that is not empty

  /// The pairs of a map in the order of the text; a key that comes again is reported and left out.
  std::vector<NamedValue> entries() const;

 private:
  const Node* node_;
  std::string path_;
  Context* context_;
};

/// A key, where the key stands, and its value.
struct NamedValue {
  std::string name;
  Location where;
  Cursor value;
};

/// Sets `target` where there is a value, and leaves its default otherwise.
template <class T, class U>
void assign(T& target, std::optional<U> value) {
  if (value) target = static_cast<T>(*std::move(value));
}

/// `text` in double quotes, safe to print: control characters escaped, cut when long.
std::string shown(std::string_view text);

}  // namespace sidegate::config
