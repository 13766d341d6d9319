#pragma once

#include <string>
#include <string_view>

namespace sidegate::config {

/// `text` as a YAML double-quoted scalar that reads back as exactly `text`: on one line, with `${` escaped.
std::string yaml_quoted(std::string_view text);

/// Without quotes where nothing can be mistaken, for names and words that people read.
std::string yaml_scalar(std::string_view text);

}  // namespace sidegate::config
