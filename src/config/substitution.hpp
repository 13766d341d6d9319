#pragma once

#include "document.hpp"

#include <sidegate/base/result.hpp>
#include <sidegate/config/load.hpp>

#include <string>
#include <string_view>

namespace sidegate::config {

/// Puts environment variables into `text`: `${NAME}`, `${NAME:-default}` (also used where the variable is empty, as in
/// a shell), `$${` for a literal `${`. What a variable holds is not looked into again. A message names the variable,
/// never what it holds.
base::OrMessage<std::string> substitute(std::string_view text, const Environment& environment);

/// The same for every text below `node`, keys included. What cannot be replaced is reported and becomes Broken.
void substitute_all(Node& node, const Environment& environment, Diagnostics& diagnostics);

/// `text` written so that `substitute` gives it back as it is.
std::string escape_substitution(std::string_view text);

/// The path of the value `key` in the block at `path`.
std::string child_path(const std::string& path, std::string_view key);

/// The path of the item at the 0-based `index` of the list at `path`.
std::string item_path(const std::string& path, std::size_t index);

}  // namespace sidegate::config
