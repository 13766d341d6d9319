#pragma once

#include <sidegate/token/claims.hpp>
#include <sidegate/token/json_reader.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "property.hpp"

namespace sidegate::fuzz {

/// Rules and a time, as the first line of the input gives them.
struct ClaimsCase {
  token::ClaimRules rules;
  base::UnixTime now;
};

/// `{"now": seconds, "leeway": seconds, "max_age": seconds, "iss": text, "aud": [text], "require": [text]}`, all of
/// them optional; nothing where a configuration could not say it.
inline std::optional<ClaimsCase> read_case(std::string_view line) {
  using std::chrono::seconds;
  constexpr std::int64_t kLeewayMax = 3600;
  constexpr std::int64_t kMaxAgeMax = std::int64_t{3600} * 24 * 3660;
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  const auto object = token::JsonReader().read_object(line);
  if (!object) return std::nullopt;
  const auto number = [&](std::string_view name, std::int64_t least, std::int64_t most) -> std::optional<seconds> {
    const auto* const value = object->if_contains(name);
    const auto* const whole = value == nullptr ? nullptr : value->if_int64();
    if (whole == nullptr || *whole < least || *whole > most) return std::nullopt;
    return seconds(*whole);
  };
  const auto texts = [&](std::string_view name) {
    std::vector<std::string> list;
    const auto* const value = object->if_contains(name);
    const auto* const items = value == nullptr ? nullptr : value->if_array();
    if (items == nullptr) return list;
    for (const auto& item : *items) {
      if (item.is_string() && !item.get_string().empty()) list.emplace_back(item.get_string());
    }
    return list;
  };
  ClaimsCase read;
  read.now = base::UnixTime(number("now", 0, kYear10000 - 1).value_or(seconds(1000)));
  read.rules.leeway = number("leeway", 0, kLeewayMax).value_or(seconds(0));
  read.rules.max_age = number("max_age", 1, kMaxAgeMax);
  read.rules.audience = texts("aud");
  read.rules.require_claims = texts("require");
  const auto* const issuer = object->if_contains("iss");
  if (issuer != nullptr && issuer->is_string()) read.rules.issuer = std::string(issuer->get_string());
  return read;
}

inline std::string text_of(const base::Result<token::Validity>& result) {
  if (!result) return std::string(base::name_of(result.error()));
  return "from " + std::to_string(result->from.time_since_epoch().count()) + " until " +
         std::to_string(result->until.time_since_epoch().count());
}

/// Claims that pass do so from just when on and until just when they say.
inline Defect validity_holds(const boost::json::object& claims, const ClaimsCase& given,
                             const token::Validity& validity) {
  constexpr std::chrono::seconds kOne(1);
  const std::string here = text_of(validity);
  const auto at = [&](base::UnixTime now) { return text_of(token::check_claims(claims, given.rules, now)); };
  if (!validity.holds(given.now)) return "they do not hold now: " + here;
  if (at(validity.from) != here) return differ("at the start", here, at(validity.from));
  if (at(validity.until - kOne) != here) return differ("in the last second", here, at(validity.until - kOne));
  if (validity.until != base::UnixTime::max() && at(validity.until) != base::name_of(base::Reason::Expired)) {
    return differ("at the end", here, at(validity.until));
  }
  if (validity.from != base::UnixTime::min() && at(validity.from - kOne) != base::name_of(base::Reason::NotYetValid)) {
    return differ("before the start", here, at(validity.from - kOne));
  }
  return {};
}

/// Claims that are refused stay so: for ever, or towards where they have been refused.
inline Defect refusal_holds(const boost::json::object& claims, const ClaimsCase& given, base::Reason reason) {
  using base::Reason;
  const auto at = [&](base::UnixTime now) { return token::check_claims(claims, given.rules, now); };
  const auto is_same = [&](const auto& result) { return !result && result.error() == reason; };
  if (reason != Reason::Expired && !is_same(at(base::UnixTime::min()))) return "they were better at the beginning";
  if (reason != Reason::NotYetValid && !is_same(at(base::UnixTime::max()))) return "they become better in the end";
  return {};
}

inline bool is_text(const boost::json::value& value, std::string_view text) {
  return value.is_string() && std::string_view(value.get_string()) == text;
}

/// What claims that pass say, as far as the rules speak of it.
inline Defect rules_hold(const boost::json::object& claims, const token::ClaimRules& rules) {
  for (const std::string& name : rules.require_claims) {
    const auto* const claim = token::find_claim(claims, name);
    if (claim == nullptr || claim->is_null()) return "a required claim is not there";
  }
  const auto* const issuer = claims.if_contains("iss");
  if (!rules.issuer.empty() && (issuer == nullptr || !is_text(*issuer, rules.issuer))) return "another issued them";
  if (rules.audience.empty()) return {};
  const auto* const audience = claims.if_contains("aud");
  if (audience == nullptr) return "they are for nobody";
  for (const std::string& wanted : rules.audience) {
    if (is_text(*audience, wanted)) return {};
    if (!audience->is_array()) continue;
    for (const auto& item : audience->get_array()) {
      if (is_text(item, wanted)) return {};
    }
  }
  return "they are for others";
}

/// Claims are accepted just while they say so. The input is a line with the rules and the time, and the claims.
inline Defect claims(std::string_view input) {
  const auto line_end = input.find('\n');
  if (line_end == std::string_view::npos) return {};
  const auto given = read_case(input.substr(0, line_end));
  const auto object = token::JsonReader().read_object(input.substr(line_end + 1));
  if (!given || !object) return {};
  const auto result = token::check_claims(*object, given->rules, given->now);
  token::CheckList checks;
  const auto told = token::check_claims(*object, given->rules, given->now, &checks);
  if (text_of(told) != text_of(result)) return differ("with a list of checks", text_of(result), text_of(told));
  if (checks.empty() || checks.back().passed != result.has_value()) return "the last check is not what decided";
  if (!result) return refusal_holds(*object, *given, result.error());
  if (auto defect = rules_hold(*object, given->rules); !defect.empty()) return defect;
  return validity_holds(*object, *given, *result);
}

}  // namespace sidegate::fuzz
