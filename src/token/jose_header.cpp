#include "jose_header.hpp"

#include <sidegate/base/text.hpp>

#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <optional>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Reason;

/// The text of an optional member, empty where it is missing; nothing where it is no string.
std::optional<std::string_view> optional_text(const json::object& header, std::string_view name) noexcept {
  const json::value* const value = header.if_contains(name);
  if (value == nullptr) return std::string_view{};
  if (!value->is_string()) return std::nullopt;
  return std::string_view(value->get_string().data(), value->get_string().size());
}

std::string_view without_application(std::string_view type) noexcept {
  constexpr std::string_view kPrefix = "application/";
  const bool has_prefix = base::equals_ignoring_case(type.substr(0, kPrefix.size()), kPrefix);
  return has_prefix ? type.substr(kPrefix.size()) : type;
}

}  // namespace

bool same_type(std::string_view left, std::string_view right) noexcept {
  return base::equals_ignoring_case(without_application(left), without_application(right));
}

base::Result<void> read_header(const json::object& header, const JwsRules& rules, JoseHeader& out, CheckList* checks) {
  const auto refuse = [checks](Reason reason, std::string_view why) {
    return fail(checks, CheckName::Header, reason, why);
  };
  if (header.contains("crit"))
    return refuse(Reason::Malformed, "it asks for extensions (crit), and none is understood");
  if (const json::value* const encoded = header.if_contains("b64");
      encoded != nullptr && *encoded != json::value(true)) {
    return refuse(Reason::Malformed, "it asks for a payload that is not encoded (b64)");
  }
  const auto algorithm_name = optional_text(header, "alg");
  const auto type = optional_text(header, "typ");
  const auto key_id = optional_text(header, "kid");
  if (!algorithm_name || algorithm_name->empty() || !type || !key_id) {
    return refuse(Reason::Malformed, "alg is missing, or alg, typ or kid is no text");
  }
  pass(checks, CheckName::Header, [&] { return key_id->empty() ? "no kid" : "kid is " + in_quotes(*key_id); });
  if (!rules.type.empty() && !same_type(*type, rules.type)) {
    return fail(checks, CheckName::Type, Reason::Malformed,
                [&] { return in_quotes(*type) + " is not the type that is wanted, " + in_quotes(rules.type); });
  }
  pass(checks, CheckName::Type, [&] { return rules.type.empty() ? "any type will do" : in_quotes(*type); });
  const auto algorithm = find_algorithm(*algorithm_name);
  if (!algorithm || !rules.algorithms.contains(*algorithm)) {
    return fail(checks, CheckName::Algorithm, Reason::BadSignature,
                [&] { return in_quotes(*algorithm_name) + " is none of the algorithms that are accepted"; });
  }
  pass(checks, CheckName::Algorithm, name_of(*algorithm));
  out.algorithm = *algorithm;
  out.key_id.assign(*key_id);
  return {};
}

}  // namespace sidegate::token
