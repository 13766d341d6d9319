#pragma once

#include <sidegate/base/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sidegate::policy {

/// A path pattern of a route: literal segments, `{name}` for one segment, and `/**` at the end for that folder and all
/// below it. Matched against canonical paths only; segments compare percent-decoded and exactly.
class PathPattern {
 public:
  static base::OrMessage<PathPattern> compile(std::string_view text);

  bool matches(std::string_view path) const noexcept;

  /// Whether every path that it matches begins with the literal segments of `prefix`, a canonical path without a slash
  /// at its end.
  bool begins_with(std::string_view prefix) const;

  /// Whether everything that `other` matches is matched by this one too.
  bool covers(const PathPattern& other) const;

 private:
  struct Segment {
    bool is_parameter = false;
    std::string text;  ///< decoded literal, or the parameter's name
  };

  std::vector<Segment> segments_;
  bool and_below_ = false;
};

/// A host pattern: a name, or `*.name` for every name below it. Without letter case, port and one trailing dot.
class HostPattern {
 public:
  static base::OrMessage<HostPattern> compile(std::string_view text);

  /// `host` is the value of a Host field.
  bool matches(std::string_view host) const noexcept;
  bool covers(const HostPattern& other) const;

 private:
  std::string name_;  ///< in lower case; with its leading dot where `below_`
  bool below_ = false;
};

}  // namespace sidegate::policy
