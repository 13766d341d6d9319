#include <sidegate/token/claims.hpp>
#include <sidegate/token/inspection.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// The other way; only the near end can be passed.
UnixTime earlier(UnixTime moment, seconds by) noexcept {
  constexpr UnixTime kFirst = UnixTime::min() + seconds(1);  // the distance to `min` itself overflows
  return by > std::min(moment, UnixTime{}) - kFirst ? UnixTime::min() : moment - by;
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
base::Result<std::optional<UnixTime>> optional_date(const json::value* value, CheckName name, CheckList* checks) {
  if (value == nullptr) return std::optional<UnixTime>{};
  const auto date = read_numeric_date(*value);
  if (!date) return fail(checks, name, date.error(), "it is no number of seconds since 1970, in the years 0 to 9999");
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

/// The first claim that must be there and is not; empty where all are.
std::string_view find_lacking_claim(const json::object& claims, const RegisteredClaims& registered,
                                    const ClaimRules& rules) noexcept {
  for (const std::string& name : rules.require_claims) {
    if (is_missing(find_claim(claims, name))) return name;
  }
  if (!rules.issuer.empty() && is_missing(registered.issuer)) return "iss";
  if (!rules.audience.empty() && is_missing(registered.audience)) return "aud";
  return rules.max_age && is_missing(registered.issued) ? "iat" : std::string_view{};
}

/// `iss` or `aud`, as it is told.
std::string shown(const json::value* claim) {
  if (claim == nullptr || claim->is_null()) return "there is none";
  return claim->is_string() ? in_quotes(view(claim->get_string())) : in_quotes(json::serialize(*claim));
}

std::string shown(const std::optional<UnixTime>& moment, UnixTime now) {
  return moment ? time_in_words(*moment, now) : "there is none";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string with_leeway(std::string text, seconds leeway) {
  return leeway.count() == 0 ? text : std::move(text) + ", leeway " + std::to_string(leeway.count()) + " s";
}

/// `nbf` or `iat`, which may not lie in the future: gives the moment from which it does not.
base::Result<UnixTime> check_start(CheckName name, const std::optional<UnixTime>& start, const ClaimRules& rules,
                                   UnixTime now, CheckList* checks) {
  const auto detail = [&] { return with_leeway(shown(start, now), rules.leeway); };
  const UnixTime from = start ? earlier(*start, rules.leeway) : UnixTime::min();
  if (now < from) return fail(checks, name, Reason::NotYetValid, detail);
  pass(checks, name, detail);
  return from;
}

}  // namespace

const json::value* find_claim(const json::object& claims, std::string_view name) noexcept {
  if (const auto* const whole = claims.if_contains(name)) return whole;
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const auto* const outer = claims.if_contains(name.substr(0, dot));
  if (outer == nullptr || !outer->is_object()) return nullptr;
  return find_claim(outer->get_object(), name.substr(dot + 1));
}

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

std::optional<UnixTime> date_in(const json::object& claims, std::string_view name) noexcept {
  const auto* const value = claims.if_contains(name);
  if (value == nullptr) return std::nullopt;
  const auto date = read_numeric_date(*value);
  return date ? std::optional(*date) : std::nullopt;
}

base::Result<Validity> check_claims(const json::object& claims, const ClaimRules& rules, UnixTime now,
                                    CheckList* checks) {
  const RegisteredClaims registered = find_registered(claims);
  const auto expires = optional_date(registered.expires, CheckName::Expiry, checks);
  const auto not_before = optional_date(registered.not_before, CheckName::NotBefore, checks);
  const auto issued = optional_date(registered.issued, CheckName::IssuedAt, checks);
  if (!expires || !not_before || !issued) return Reason::Malformed;
  const json::value* const audience = registered.audience;
  if (audience != nullptr && !is_audience(*audience)) {
    return fail(checks, CheckName::Audience, Reason::Malformed, "it is neither a text nor a list of texts");
  }

  if (const auto lacking = find_lacking_claim(claims, registered, rules); !lacking.empty()) {
    return fail(checks, CheckName::RequiredClaims, Reason::MissingClaim,
                [&] { return std::string(lacking) + " is not there"; });
  }
  pass(checks, CheckName::RequiredClaims,
       [&] { return rules.require_claims.empty() ? "none" : joined(rules.require_claims); });
  if (!rules.issuer.empty()) {
    const json::value& issuer = *registered.issuer;
    if (!issuer.is_string() || view(issuer.get_string()) != rules.issuer) {
      return fail(checks, CheckName::Issuer, Reason::WrongIssuer,
                  [&] { return shown(&issuer) + ", not " + in_quotes(rules.issuer); });
    }
  }
  pass(checks, CheckName::Issuer, [&] { return rules.issuer.empty() ? "any will do" : in_quotes(rules.issuer); });
  if (!rules.audience.empty() && !names_one_of(*audience, rules.audience)) {
    return fail(checks, CheckName::Audience, Reason::WrongAudience,
                [&] { return shown(audience) + ", which does not name " + joined(rules.audience); });
  }
  pass(checks, CheckName::Audience, [&] { return rules.audience.empty() ? "any will do" : shown(audience); });

  const auto valid_from = check_start(CheckName::NotBefore, *not_before, rules, now, checks);
  if (!valid_from) return valid_from.error();
  const auto issued_from = check_start(CheckName::IssuedAt, *issued, rules, now, checks);
  if (!issued_from) return issued_from.error();

  Validity validity{std::max(*valid_from, *issued_from), UnixTime::max()};
  if (rules.max_age) {
    validity.until = later(later(**issued, *rules.max_age), rules.leeway);
    const auto detail = [&] { return "until " + time_in_words(validity.until, now); };
    if (now >= validity.until) return fail(checks, CheckName::MaxAge, Reason::Expired, detail);
    pass(checks, CheckName::MaxAge, detail);
  } else {
    pass(checks, CheckName::MaxAge, "any will do");
  }
  const auto detail = [&] { return with_leeway(shown(*expires, now), rules.leeway); };
  if (*expires) validity.until = std::min(validity.until, later(**expires, rules.leeway));
  if (now >= validity.until) return fail(checks, CheckName::Expiry, Reason::Expired, detail);
  pass(checks, CheckName::Expiry, detail);
  return validity;
}

}  // namespace sidegate::token
