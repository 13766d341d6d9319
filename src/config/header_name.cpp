#include "header_name.hpp"

#include <sidegate/base/text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sidegate::config {
namespace {

/// RFC 9110 section 7.6.1, RFC 9112 section 6: what frames a message and its connection.
constexpr std::array<std::string_view, 10> kFraming{
    "connection", "content-length",    "expect",  "host",          "keep-alive", "te",
    "trailer",    "transfer-encoding", "upgrade", "http2-settings"};

/// What describes the caller's content or connection; a value of ours would be a lie about it.
constexpr std::array<std::string_view, 7> kCallers{
    "content-encoding", "content-range", "content-type", "cookie", "date", "max-forwards", "proxy"};
constexpr std::array<std::string_view, 2> kCallersPrefixes{"proxy-", "sec-websocket-"};

/// What the proxy sets afresh on every forwarded request.
constexpr std::array<std::string_view, 6> kOwn{"forwarded",        "x-forwarded-for",   "x-forwarded-host",
                                               "x-forwarded-port", "x-forwarded-proto", "x-request-id"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::string_view kNoName = "a header name holds only letters, digits and !#$%&'*+-.^_`|~";

}  // namespace

std::string canonical_header(std::string_view name) {
  std::string canonical = base::lower_case(name);
  for (char& c : canonical) {
    if (!base::is_alpha(c) && !base::is_digit(c)) c = '-';
  }
  return canonical;
}

std::optional<std::string> why_not_injected(std::string_view name) {
  if (!base::is_token(name)) return std::string(kNoName);
  const std::string canonical = canonical_header(name);
  const bool is_callers = contains(kFraming, canonical) || contains(kCallers, canonical) ||
                          std::any_of(kCallersPrefixes.begin(), kCallersPrefixes.end(),
                                      [&canonical](std::string_view prefix) { return canonical.starts_with(prefix); });
  if (is_callers) return fmt::format("{} belongs to the message itself and cannot be injected", name);
  if (contains(kOwn, canonical)) return fmt::format("{} is set by the proxy itself and cannot be injected", name);
  return std::nullopt;
}

std::optional<std::string> why_not_stripped(std::string_view pattern) {
  const bool is_prefix = pattern.ends_with('*');
  const std::string_view name = is_prefix ? pattern.substr(0, pattern.size() - 1) : pattern;
  if (is_prefix && name.empty()) return "* alone would remove every header";
  if (!base::is_token(name) || name.find('*') != std::string_view::npos) {
    return fmt::format("{}, and * only at the end", kNoName);
  }
  const std::string canonical = canonical_header(name);
  for (const std::string_view field : kFraming) {
    const bool hit = is_prefix ? field.starts_with(canonical) : field == canonical;
    if (hit) return fmt::format("this would remove {}, which belongs to the message itself", field);
  }
  return std::nullopt;
}

}  // namespace sidegate::config
