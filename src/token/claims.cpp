#include <sidegate/token/claims.hpp>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Reason;
using base::UnixTime;
using std::chrono::seconds;

// What RFC 3339 can write: 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
constexpr std::int64_t kDateMin = -62'167'219'200;
constexpr std::int64_t kDateMax = 253'402'300'799;

std::string_view view(const json::string& text) noexcept {
  return {text.data(), text.size()};
}

/// `moment` is a NumericDate, so only the far end can overflow.
UnixTime later(UnixTime moment, seconds by) noexcept {
  return by > UnixTime::max() - std::max(moment, UnixTime{}) ? UnixTime::max() : moment + by;
}

/// A member that may be missing.
base::Result<std::optional<UnixTime>> optional_date(const json::object& claims, std::string_view name) noexcept {
  const json::value* const value = claims.if_contains(name);
  if (value == nullptr) return std::optional<UnixTime>{};
  const auto date = read_numeric_date(*value);
  if (!date) return date.error();
  return std::optional<UnixTime>{*date};
}

bool is_missing(const json::object& claims, std::string_view name) noexcept {
  const json::value* const value = claims.if_contains(name);
  return value == nullptr || value->is_null();
}

bool is_audience(const json::value& value) noexcept {
  if (value.is_string() || value.is_null()) return true;
  const json::array* const list = value.if_array();
  return list != nullptr && std::all_of(list->begin(), list->end(), [](const json::value& i) { return i.is_string(); });
}

bool names_one_of(const json::value& audience, const std::vector<std::string>& wanted) noexcept {
  const auto is_wanted = [&](const json::value& item) {
    return std::find(wanted.begin(), wanted.end(), view(item.get_string())) != wanted.end();
  };
  if (audience.is_string()) return is_wanted(audience);
  const json::array& list = audience.get_array();
  return std::any_of(list.begin(), list.end(), is_wanted);
}

bool lacks_needed_claim(const json::object& claims, const ClaimRules& rules) noexcept {
  if (std::any_of(rules.require_claims.begin(), rules.require_claims.end(),
                  [&](const std::string& name) { return is_missing(claims, name); })) {
    return true;
  }
  return (!rules.issuer.empty() && is_missing(claims, "iss")) ||
         (!rules.audience.empty() && is_missing(claims, "aud")) || (rules.max_age && is_missing(claims, "iat"));
}

}  // namespace

base::Result<UnixTime> read_numeric_date(const json::value& value) noexcept {
  if (const auto* const whole = value.if_int64()) {
    if (*whole < kDateMin || *whole > kDateMax) return Reason::Malformed;
    return UnixTime(seconds(*whole));
  }
  if (const auto* const number = value.if_double()) {
    const double whole = std::floor(*number);
    // Written so that no number at all, NaN, is refused as well.
    const bool in_range = whole >= static_cast<double>(kDateMin) && whole <= static_cast<double>(kDateMax);
    if (!in_range) return Reason::Malformed;
    return UnixTime(seconds(static_cast<std::int64_t>(whole)));
  }
  return Reason::Malformed;
}

base::Result<UnixTime> check_claims(const json::object& claims, const ClaimRules& rules, UnixTime now) noexcept {
  const auto expires = optional_date(claims, "exp");
  const auto not_before = optional_date(claims, "nbf");
  const auto issued = optional_date(claims, "iat");
  if (!expires || !not_before || !issued) return Reason::Malformed;
  const json::value* const audience = claims.if_contains("aud");
  if (audience != nullptr && !is_audience(*audience)) return Reason::Malformed;

  if (lacks_needed_claim(claims, rules)) return Reason::MissingClaim;
  if (!rules.issuer.empty()) {
    const json::value& issuer = *claims.if_contains("iss");
    if (!issuer.is_string() || view(issuer.get_string()) != rules.issuer) return Reason::WrongIssuer;
  }
  if (!rules.audience.empty() && !names_one_of(*audience, rules.audience)) return Reason::WrongAudience;

  const UnixTime latest_start = later(now, rules.leeway);
  if (*not_before && **not_before > latest_start) return Reason::NotYetValid;
  if (*issued && **issued > latest_start) return Reason::NotYetValid;

  UnixTime end = UnixTime::max();
  if (rules.max_age) end = later(later(**issued, *rules.max_age), rules.leeway);
  if (*expires) end = std::min(end, later(**expires, rules.leeway));
  if (now >= end) return Reason::Expired;
  return end;
}

}  // namespace sidegate::token
