#include "yaml_text.hpp"

#include "substitution.hpp"

#include <sidegate/base/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sidegate::config {
namespace {

/// What some YAML reader takes for something other than a text.
bool is_reserved_word(std::string_view text) {
  constexpr std::array<std::string_view, 8> kWords{"null", "true", "false", "yes", "no", "on", "off", "y"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [text](std::string_view word) { return base::equals_ignoring_case(text, word); });
}

}  // namespace

std::string yaml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : escape_substitution(text)) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20 || code == 0x7F) {
      out += fmt::format("\\x{:02x}", code);
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string yaml_scalar(std::string_view text) {
  const auto is_plain = [](char c) {
    return base::is_alpha(c) || base::is_digit(c) || c == '_' || c == '-' || c == '.';
  };
  const bool plain = !text.empty() && base::is_alpha(text.front()) && !is_reserved_word(text) &&
                     std::all_of(text.begin(), text.end(), is_plain);
  return plain ? std::string(text) : yaml_quoted(text);
}

}  // namespace sidegate::config
