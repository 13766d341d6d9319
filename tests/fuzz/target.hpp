#pragma once

#include <sidegate/base/text.hpp>
#include <sidegate/http/target.hpp>

#include <algorithm>
#include <string>

#include "property.hpp"

namespace sidegate::fuzz {

/// What may never stand in a canonical path, whoever reads it and however often it is decoded once more.
inline Defect path_is_plain(std::string_view path) {
  if (!path.starts_with('/')) return "the path has no root";
  for (const std::string_view part : {"//", "/./", "/../", "%5C", "%2E", "%7E", "\\", "#", "?"}) {
    if (path.find(part) != std::string_view::npos) return "the path holds " + std::string(part);
  }
  if (path.ends_with("/.") || path.ends_with("/..")) return "the path ends in dots";
  const auto is_visible = [](char c) { return c > 0x20 && c < 0x7F; };
  if (!std::all_of(path.begin(), path.end(), is_visible)) return "the path holds a control or foreign byte";
  for (std::size_t i = path.find('%'); i != std::string_view::npos; i = path.find('%', i + 1)) {
    if (i + 2 >= path.size()) return "the path is cut off in an encoding";
    const int high = base::hex_value(path[i + 1]);
    const int low = base::hex_value(path[i + 2]);
    if (high < 0 || low < 0 || base::to_upper(path[i + 1]) != path[i + 1] ||
        base::to_upper(path[i + 2]) != path[i + 2]) {
      return "the path holds a bad encoding";
    }
    const char decoded = static_cast<char>(high * 16 + low);
    const auto code = static_cast<unsigned char>(decoded);
    if (code < 0x20 || code == 0x7F) return "the path hides a control byte";
    if (base::is_alpha(decoded) || base::is_digit(decoded) || decoded == '-' || decoded == '_') {
      return "the path encodes what needs no encoding";
    }
  }
  return {};
}

/// The path as an origin reads it that decodes slashes first and then drops parameters, be their semicolon encoded or
/// not: no dot segment may come of it. What is to be decided on the route must be said.
inline Defect hides_nothing(const http::CanonicalTarget& canonical) {
  // One that stood in a segment which `..` has left is told of too.
  const bool has_encoded_slash = canonical.path.find("%2F") != std::string_view::npos;
  if (has_encoded_slash && !canonical.has_encoded_slash) return "an encoded slash is not told of";
  const bool has_parameters = canonical.path.find(';') != std::string_view::npos;
  if (has_parameters && !canonical.has_path_parameters) return "a parameter is not told of";
  std::string read;
  for (std::size_t i = 0; i < canonical.path.size(); ++i) {
    const auto triplet = canonical.path.substr(i, 3);
    const bool is_known = triplet == "%2F" || triplet == "%3B";
    read += triplet == "%2F" ? '/' : triplet == "%3B" ? ';' : canonical.path[i];
    if (is_known) i += 2;
  }
  for (std::size_t begin = 0; begin < read.size();) {
    const auto end = std::min(read.find('/', begin), read.size());
    const auto segment = read.substr(begin, end - begin);
    const auto name = segment.substr(0, segment.find(';'));
    if (name == "." || name == "..") return "the path hides dots";
    begin = end + 1;
  }
  return {};
}

inline Defect canonical_target(std::string_view input, bool is_options) {
  std::string storage;
  const auto canonical = http::canonicalise(input, is_options, storage);
  if (!canonical) return {};
  if (input == "*") return is_options && canonical->path == "*" ? Defect{} : "an asterisk is for OPTIONS only";
  if (auto defect = path_is_plain(canonical->path); !defect.empty()) return defect;
  if (auto defect = hides_nothing(*canonical); !defect.empty()) return defect;
  if (!canonical->query.empty() && !canonical->query.starts_with('?')) return "the query has no question mark";
  if (!input.ends_with(canonical->query)) return "the query is not the received one";
  const auto path_and_query = std::string(canonical->path) + std::string(canonical->query);
  if (!canonical->rewritten && path_and_query != input) return "it was rewritten and does not say so";
  if (canonical->authority.empty() != input.starts_with('/')) return "the authority is wrong";
  std::string storage_again;
  const auto again = http::canonicalise(path_and_query, is_options, storage_again);
  if (!again) return "the canonical target is refused: " + std::string(base::name_of(again.error()));
  if (again->path != canonical->path) return differ("the path is no fixed point", again->path, canonical->path);
  if (again->query != canonical->query) return differ("the query is no fixed point", again->query, canonical->query);
  return again->rewritten || !again->authority.empty() ? "the canonical target was rewritten" : Defect{};
}

/// A canonical target is canonical: made so once more it is the same, and nothing in it can be read in another way.
inline Defect target(std::string_view input) {
  auto defect = canonical_target(input, false);
  return defect.empty() ? canonical_target(input, true) : defect;
}

}  // namespace sidegate::fuzz
