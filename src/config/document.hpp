#pragma once

#include <sidegate/config/diagnostics.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sidegate::config {

/// One value of the YAML text with its place. Scalars are kept as they were written: what type one has is decided by
/// who reads it, never guessed.
struct Node {
  enum class Kind {
    Nothing,  ///< `key:` with nothing after it, `~` or `null`
    Text,
    List,
    Map,
    Broken  ///< already reported; readers pass over it in silence
  };

  Kind kind = Kind::Nothing;
  std::string text;         ///< of a Text
  std::string written;      ///< the text before variables were put in; empty where none were
  std::vector<Node> items;  ///< of a List; of a Map: key, value, key, value, duplicates included
  int line = 0;
  int column = 0;
};

inline constexpr std::size_t kDocumentBytesMax = std::size_t{1024} * 1024;
inline constexpr std::size_t kDocumentNodesMax = 200'000;

/// Parses the one YAML document in `text`. Anchors, aliases, tags and a second document are refused: a configuration
/// says what it means where it says it, and cannot be made to grow. Nothing is returned where anything was reported.
std::optional<Node> parse_document(const std::string& text, Diagnostics& diagnostics);

}  // namespace sidegate::config
