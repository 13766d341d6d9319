#include "path_rewrite.hpp"

#include <sidegate/http/target.hpp>

#include <algorithm>
#include <optional>

namespace sidegate::policy {
namespace {

/// Why `text` is no path that could be taken off another one, or put before it; empty where it is one. An asterisk may
/// stand in a path, but here it is most likely meant as a pattern.
std::string why_no_prefix(const std::string& text) {
  if (!text.starts_with('/')) return "must begin with \"/\"";
  if (text.find_first_of("*{}") != std::string::npos) return "is literal: \"*\" and \"{…}\" are for patterns";
  std::string storage;
  const auto canonical = http::canonicalise(text, false, storage);
  if (!canonical || canonical->has_encoded_slash || canonical->has_path_parameters || !canonical->query.empty()) {
    return "holds what no canonical path can have";
  }
  if (canonical->path != text) return "is not canonical: write \"" + std::string(canonical->path) + "\"";
  return {};
}

/// The prefix without a slash at its end; nothing, and a report, where it is none.
std::optional<std::string> read_prefix(const config::Located<std::string>& text, std::string_view key,
                                       config::Diagnostics& diagnostics) {
  if (const auto why = why_no_prefix(text.value); !why.empty()) {
    diagnostics.error_about(text, std::string(key) + " " + why);
    return std::nullopt;
  }
  std::string prefix = text.value;
  if (prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

}  // namespace

PathRewrite PathRewrite::compile(const config::Rewrite& rewrite, const std::vector<PathPattern>& paths,
                                 config::Diagnostics& diagnostics) {
  PathRewrite compiled;
  if (rewrite.prefix) compiled.prefix_ = read_prefix(*rewrite.prefix, "prefix", diagnostics).value_or("");
  if (!rewrite.strip_prefix) return compiled;
  const auto stripped = read_prefix(*rewrite.strip_prefix, "strip_prefix", diagnostics);
  if (!stripped) return compiled;
  const bool all_begin =
      std::all_of(paths.begin(), paths.end(), [&](const PathPattern& path) { return path.begins_with(*stripped); });
  if (!all_begin) {
    diagnostics.error_about(
        *rewrite.strip_prefix,
        "every path of the route must begin with the segments of strip_prefix, \"" + *stripped + "\"");
    return compiled;
  }
  compiled.stripped_segments_ = static_cast<std::size_t>(std::count(stripped->begin(), stripped->end(), '/'));
  return compiled;
}

std::string_view PathRewrite::apply(std::string_view path, std::string& storage) const {
  std::string_view rest = path;
  for (std::size_t i = 0; i < stripped_segments_; ++i) rest.remove_prefix(std::min(rest.find('/', 1), rest.size()));
  if (prefix_.empty()) return rest.empty() ? std::string_view("/") : rest;
  storage = prefix_;
  storage += rest;
  return storage;
}

}  // namespace sidegate::policy
