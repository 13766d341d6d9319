#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/config/diagnostics.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "route_pattern.hpp"

namespace sidegate::policy {

/// The path that an origin is asked for, in place of the canonical one that the route matched: leading segments taken
/// off, others put before. Whole segments only, and every path of the route begins with those that are taken off, so
/// that what comes out is canonical too and nothing can climb out of `prefix`.
class PathRewrite {
 public:
  /// Changes nothing.
  PathRewrite() = default;

  /// Reports what no path of the route begins with, and prefixes that no canonical path can have.
  static PathRewrite compile(const config::Rewrite& rewrite, const std::vector<PathPattern>& paths,
                             config::Diagnostics& diagnostics);

  bool changes_paths() const noexcept { return stripped_segments_ > 0 || !prefix_.empty(); }

  /// A view into `path` or into `storage`; never empty.
  std::string_view apply(std::string_view path, std::string& storage) const;

 private:
  std::size_t stripped_segments_ = 0;
  std::string prefix_;  ///< begins with a slash and does not end with one, or is empty
};

}  // namespace sidegate::policy
