#pragma once

#include <sidegate/base/text.hpp>
#include <sidegate/http/header_filter.hpp>

#include <algorithm>
#include <string>

#include "property.hpp"

namespace sidegate::fuzz {

inline bool drops(const http::HeaderFilter& filter, std::string_view name) {
  return filter.drops({.name = name, .value = "x", .line = {}, .known = http::field_name_of(name)});
}

/// `name` with other letter case and with `mark` for every character that is no letter or digit.
inline std::string twin_of(std::string_view name, char mark) {
  std::string twin(name);
  for (char& c : twin) {
    if (base::is_alpha(c)) {
      c = base::to_lower(c) == c ? base::to_upper(c) : base::to_lower(c);
    } else if (!base::is_digit(c)) {
      c = mark;
    }
  }
  return twin;
}

/// A name that is dropped is dropped however it is written. The input is a pattern, a line feed, and a field name.
inline Defect header_plan(std::string_view input) {
  const auto line_end = input.find('\n');
  if (line_end == std::string_view::npos) return {};
  const auto pattern = input.substr(0, line_end);
  const auto name = input.substr(line_end + 1);
  if (!base::is_token(name)) return {};
  http::HeaderFilter filter;
  filter.add_pattern(pattern);

  const std::string plain = http::normalise_field_name(name);
  if (http::normalise_field_name(plain) != plain) return "normalising is not done in one go";
  const bool dropped = drops(filter, plain);
  if (dropped && !drops(filter, name)) return "dropped is " + plain + " but not " + std::string(name);
  for (const char mark : std::string_view("-_.!~'`|^*+#$%&")) {
    const std::string twin = twin_of(name, mark);
    if (dropped && !drops(filter, twin)) return "dropped is " + plain + " but not " + twin;
    if (!dropped && mark == '-' && drops(filter, twin)) return "letter case alone drops " + twin;
  }

  const bool is_prefix = pattern.ends_with('*');
  const std::string wanted = http::normalise_field_name(is_prefix ? pattern.substr(0, pattern.size() - 1) : pattern);
  const bool matches = is_prefix ? plain.starts_with(wanted) : plain == wanted;
  if (matches && !dropped) return "the pattern " + std::string(pattern) + " does not drop " + plain;
  return !matches && dropped != drops(http::HeaderFilter(), plain) ? "the pattern drops what it does not match"
                                                                   : Defect{};
}

}  // namespace sidegate::fuzz
