#include "route_pattern.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/http/framing.hpp>
#include <sidegate/http/target.hpp>

#include <algorithm>

namespace sidegate::policy {
namespace {

base::Message not_a_pattern(std::string_view text, std::string_view why) {
  return {"the path pattern \"" + std::string(text) + "\" " + std::string(why)};
}

bool is_parameter_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return base::is_alpha(c) || base::is_digit(c) || c == '_'; });
}

}  // namespace

base::OrMessage<PathPattern> PathPattern::compile(std::string_view text) {
  PathPattern pattern;
  if (text.find('?') != std::string_view::npos) return not_a_pattern(text, "has a query, which no route looks at");
  if (text.starts_with('^')) return not_a_pattern(text, "must begin with \"/\"; it is no regular expression");
  if (!text.starts_with('/')) return not_a_pattern(text, "must begin with \"/\"");
  std::string_view rest = text;
  if (rest == "/**" || rest.ends_with("/**")) {
    pattern.and_below_ = true;
    rest.remove_suffix(3);
  }
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    const auto segment = rest.substr(0, end);
    const bool is_last = end == rest.size();
    rest.remove_prefix(end);
    if (segment.starts_with('{') && segment.ends_with('}')) {
      const auto name = segment.substr(1, segment.size() - 2);
      if (!is_parameter_name(name))
        return not_a_pattern(text, "has a parameter that is no name: letters, digits and _");
      pattern.segments_.push_back({true, std::string(name)});
      continue;
    }
    if (segment.find('*') != std::string_view::npos) {
      return not_a_pattern(
          text, "may have \"**\" as its last segment only, and no other \"*\"; {name} stands for one segment");
    }
    if (segment.empty() && (!is_last || pattern.and_below_)) return not_a_pattern(text, "has an empty segment");
    // A literal that no canonical path can hold would never match; it is read by the rules of a request's own path.
    std::string storage;
    const auto canonical = http::canonicalise("/" + std::string(segment), false, storage);
    const auto decoded = http::percent_decode(segment);
    const bool fine = canonical && canonical->query.empty() && !canonical->has_encoded_slash &&
                      !canonical->has_path_parameters && decoded != "." && decoded != "..";
    if (!fine)
      return not_a_pattern(text, "has a segment that no canonical path can have: \"" + std::string(segment) + "\"");
    pattern.segments_.push_back({false, decoded});
  }
  return pattern;
}

bool PathPattern::matches(std::string_view path) const noexcept {
  for (const Segment& segment : segments_) {
    if (!path.starts_with('/')) return false;
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    const auto actual = path.substr(0, end);
    path.remove_prefix(end);
    if (segment.is_parameter ? actual.empty() : !http::decodes_to(actual, segment.text)) return false;
  }
  return path.empty() || (and_below_ && path.starts_with('/'));
}

bool PathPattern::begins_with(std::string_view prefix) const {
  for (const Segment& segment : segments_) {
    if (prefix.empty()) return true;
    prefix.remove_prefix(1);
    const auto end = std::min(prefix.find('/'), prefix.size());
    if (segment.is_parameter || !http::decodes_to(prefix.substr(0, end), segment.text)) return false;
    prefix.remove_prefix(end);
  }
  return prefix.empty();
}

bool PathPattern::covers(const PathPattern& other) const {
  if (segments_.size() > other.segments_.size()) return false;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Segment& ours = segments_[i];
    const Segment& theirs = other.segments_[i];
    if (ours.is_parameter ? !theirs.is_parameter && theirs.text.empty()
                          : theirs.is_parameter || theirs.text != ours.text) {
      return false;
    }
  }
  return and_below_ || (!other.and_below_ && segments_.size() == other.segments_.size());
}

base::OrMessage<HostPattern> HostPattern::compile(std::string_view text) {
  HostPattern pattern;
  std::string_view name = text;
  if (name.starts_with("*.")) {
    pattern.below_ = true;
    name.remove_prefix(1);
  }
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto bare = pattern.below_ && !name.empty() ? name.substr(1) : name;
  const bool is_literal = bare.starts_with('[') && bare.ends_with(']');
  if (!http::is_valid_host(bare) || (!is_literal && bare.find(':') != std::string_view::npos)) {
    return base::Message{"the host \"" + std::string(text) +
                         "\" must be a name, \"*.name\" or an address, with no port and no scheme"};
  }
  pattern.name_ = base::lower_case(name);
  return pattern;
}

bool HostPattern::matches(std::string_view host) const noexcept {
  const auto bracket = host.starts_with('[') ? host.find(']') : 0;
  const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  auto name = host.substr(0, colon);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (!below_) return base::equals_ignoring_case(name, name_);
  return name.size() > name_.size() && base::equals_ignoring_case(name.substr(name.size() - name_.size()), name_);
}

bool HostPattern::covers(const HostPattern& other) const {
  if (!below_) return !other.below_ && name_ == other.name_;
  return other.name_.size() > name_.size() ? other.name_.ends_with(name_) : other.below_ && other.name_ == name_;
}

}  // namespace sidegate::policy
