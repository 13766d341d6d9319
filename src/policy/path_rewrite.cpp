#include "path_rewrite.hpp"

#include <sidegate/http/target.hpp>

#include <algorithm>
#include <optional>

namespace sidegate::policy {
namespace {

/// The prefix without a slash at its end; nothing, and a report, where it is none.
std::optional<std::string> read_prefix(const config::Located<std::string>& text, std::string_view key,
                                       config::Diagnostics& diagnostics) {
  std::string storage;
  const auto canonical = http::canonicalise(text.value, false, storage);
  const bool fine = text.value.starts_with('/') && canonical && canonical->path == text.value &&
                    !canonical->has_encoded_slash && !canonical->has_path_parameters &&
                    text.value.find('*') == std::string::npos;
  if (!fine) {
    diagnostics.error(text.where,
                      std::string(key) + " must be a path as requests have it after canonicalisation, such as /api");
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
    diagnostics.error(rewrite.strip_prefix->where,
                      "every path of the route must begin with the segments of strip_prefix, \"" + *stripped + "\"");
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
