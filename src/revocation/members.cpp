#include "members.hpp"

#include <sidegate/base/time_text.hpp>
#include <sidegate/token/claims.hpp>

#include <boost/json/string.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::revocation {
namespace {

// What RFC 3339 can write of the times of computers.
constexpr base::UnixTime kFirst{std::chrono::seconds(0)};
constexpr base::UnixTime kLast{std::chrono::seconds(253'402'300'799)};

std::string_view view(const boost::json::string& text) noexcept {
  return {text.data(), text.size()};
}

/// Anything else is not repeated: whoever puts a token there by mistake must not find it in a log.
bool looks_like_a_name(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 20;
  return text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

std::optional<base::UnixTime> read_time(const boost::json::value& value) {
  std::optional<base::UnixTime> moment;
  if (value.is_string()) {
    if (const auto time = base::parse_time(view(value.get_string()))) moment = *time;
  } else if (const auto seconds = token::read_numeric_date(value)) {
    moment = *seconds;
  }
  return moment && *moment >= kFirst && *moment <= kLast ? moment : std::nullopt;
}

}  // namespace

const boost::json::value* Members::find(std::string_view name) {
  asked_.push_back(name);
  return object_.if_contains(name);
}

std::optional<std::string> Members::text(std::string_view name, std::size_t bytes_max) {
  const auto* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string() || value->get_string().empty()) {
    complain("\"" + std::string(name) + "\" must be a text that is not empty");
    return std::nullopt;
  }
  if (value->get_string().size() > bytes_max) {
    complain("\"" + std::string(name) + "\" is longer than " + std::to_string(bytes_max) + " bytes");
    return std::nullopt;
  }
  return std::string(view(value->get_string()));
}

std::optional<base::UnixTime> Members::time(std::string_view name) {
  const auto* const value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto time = read_time(*value);
  if (!time) {
    complain("\"" + std::string(name) +
             "\" must be a time of RFC 3339, such as \"2026-12-31T00:00:00Z\", or the seconds since 1970");
  }
  return time;
}

void Members::complain(std::string what) {
  if (!mistake_) mistake_ = base::Message{std::move(what)};
}

std::optional<base::Message> Members::finish() {
  for (const auto& member : object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    complain(looks_like_a_name(name) ? "there is no member \"" + std::string(name) + "\"" : "it has an unknown member");
  }
  return mistake_;
}

}  // namespace sidegate::revocation
