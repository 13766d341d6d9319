#pragma once

#include "cursor.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::config {

/// A map whose keys are known: ask for each with `find` or `require`, name those that are still to come with `not_yet`
/// and `only`, then `finish` reports every key that nobody asked for.
class Block {
 public:
  explicit Block(const Cursor& cursor);

  const Cursor& cursor() const { return cursor_; }

  std::optional<Cursor> find(std::string_view key);

  /// Reports an absent key; `hint` says how it may look.
  std::optional<Cursor> require(std::string_view key, std::string_view hint = {});

  /// Reports each of `keys` that is there as "not supported yet". Whether one was.
  bool not_yet(std::initializer_list<std::string_view> keys);

  /// The same for a key of which only the value that changes nothing is supported; `[]` stands for an empty list.
  void only(std::string_view key, std::string_view value);

  void finish() const;

 private:
  std::optional<Cursor> take(std::string_view key);
  std::string advice(const std::string& key) const;

  Cursor cursor_;
  std::vector<NamedValue> entries_;
  std::vector<std::string> known_;
  std::vector<std::string> suggested_;  ///< those of them that can be used
};

}  // namespace sidegate::config
