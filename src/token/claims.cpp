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

/// The registered claims that a rule may speak of, found in one pass; null where one is missing.
struct RegisteredClaims {
  const json::value* issuer = nullptr;
  const json::value* audience = nullptr;
  const json::value* expires = nullptr;
  const json::value* not_before = nullptr;
  const json::value* issued = nullptr;
};

RegisteredClaims find_registered(const json::object& claims) noexcept {
  RegisteredClaims found;
  for (const auto& member : claims) {
    const std::string_view name = member.key();
    if (name.size() != 3) continue;
    if (name == "iss") found.issuer = &member.value();
    if (name == "aud") found.audience = &member.value();
    if (name == "exp") found.expires = &member.value();
    if (name == "nbf") found.not_before = &member.value();
    if (name == "iat") found.issued = &member.value();
  }
  return found;
}

/// A date that may be missing.
base::Result<std::optional<UnixTime>> optional_date(const json::value* value) noexcept {
  if (value == nullptr) return std::optional<UnixTime>{};
  const auto date = read_numeric_date(*value);
  if (!date) return date.error();
  return std::optional<UnixTime>{*date};
}

bool is_missing(const json::value* claim) noexcept {
  return claim == nullptr || claim->is_null();
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

bool lacks_needed_claim(const json::object& claims, const RegisteredClaims& registered,
                        const ClaimRules& rules) noexcept {
  if (std::any_of(rules.require_claims.begin(), rules.require_claims.end(),
                  [&](const std::string& name) { return is_missing(claims.if_contains(name)); })) {
    return true;
  }
  return (!rules.issuer.empty() && is_missing(registered.issuer)) ||
         (!rules.audience.empty() && is_missing(registered.audience)) ||
         (rules.max_age && is_missing(registered.issued));
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
  const RegisteredClaims registered = find_registered(claims);
  const auto expires = optional_date(registered.expires);
  const auto not_before = optional_date(registered.not_before);
  const auto issued = optional_date(registered.issued);
  if (!expires || !not_before || !issued) return Reason::Malformed;
  const json::value* const audience = registered.audience;
  if (audience != nullptr && !is_audience(*audience)) return Reason::Malformed;

  if (lacks_needed_claim(claims, registered, rules)) return Reason::MissingClaim;
  if (!rules.issuer.empty()) {
    const json::value& issuer = *registered.issuer;
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
