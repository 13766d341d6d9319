#include "rule_text.hpp"

#include <sidegate/base/text.hpp>
#include <sidegate/token/inspection.hpp>
#include <sidegate/token/json_reader.hpp>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "members.hpp"

namespace sidegate::revocation {
namespace {

namespace json = boost::json;
using base::Message;
using base::OrMessage;

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kDigestBytes = kDigestPrefix.size() + 64;
constexpr token::JsonLimits kLimits{.bytes_max = kFileBytesMax, .members_max = kRulesMax * 4 + 1, .depth_max = 3};

Message about_entry(std::size_t index, std::string_view what) {
  return {"entry " + std::to_string(index + 1) + ": " + std::string(what)};
}

/// The text of every entry: the objects in the list of a text that is JSON.
std::vector<std::string_view> entries_of(std::string_view text) {
  std::vector<std::string_view> entries;
  std::size_t depth = 0;
  std::size_t begin = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '"') {
      in_string = true;
    } else if (text[i] == '{') {
      if (++depth == 2) begin = i;
    } else if (text[i] == '}') {
      if (depth-- == 2) entries.push_back(text.substr(begin, i + 1 - begin));
    }
  }
  return entries;
}

/// Why the whole could not be read.
Message fault_of(std::string_view text) {
  if (text.size() > kFileBytesMax) return {"it is larger than " + std::to_string(kFileBytesMax) + " bytes"};
  json::error_code error;
  json::parse({text.data(), text.size()}, error);
  if (error) return {"it is not JSON: " + error.message()};
  const auto entries = entries_of(text);
  token::JsonReader reader({.bytes_max = kFileBytesMax, .members_max = kRulesMax, .depth_max = 1});
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!reader.read_object(entries[i])) return about_entry(i, "it has a member twice, or lists within it");
  }
  return {R"(it is not {"revocations": […]}, or holds more than )" + std::to_string(kRulesMax) + " rules"};
}

/// The 64 digits of `sha256:…`.
std::optional<std::string> read_digest(Members& members) {
  const auto text = members.text("digest", kDigestBytes);
  if (!text) return std::nullopt;
  const bool has_form =
      text->size() == kDigestBytes && text->starts_with(kDigestPrefix) &&
      std::all_of(text->begin() + kDigestPrefix.size(), text->end(), [](char c) { return base::hex_value(c) >= 0; });
  if (!has_form) {
    members.complain("\"digest\" must be sha256: and 64 hexadecimal digits");
    return std::nullopt;
  }
  return base::lower_case(std::string_view(*text).substr(kDigestPrefix.size()));
}

OrMessage<Rule> read_rule(const json::object& entry) {
  Members members(entry);
  const auto authenticator = members.text("authenticator", kNameBytesMax);
  auto jti = members.text("jti", kNameBytesMax);
  auto subject = members.text("subject", kNameBytesMax);
  auto digest = read_digest(members);
  const auto issued_before = members.time("issued_before");
  const auto expires = members.time("expires");
  const int kinds = (members.has("jti") ? 1 : 0) + (members.has("subject") ? 1 : 0) + (members.has("digest") ? 1 : 0);
  if (!members.has("authenticator")) members.complain("\"authenticator\" is missing");
  if (kinds != 1) members.complain("exactly one of \"jti\", \"subject\" and \"digest\" must be there");
  if (members.has("issued_before") != members.has("subject")) {
    members.complain("\"subject\" and \"issued_before\" belong together");
  }
  if (!members.has("expires")) members.complain("\"expires\" is missing");
  if (auto mistake = members.finish()) return *std::move(mistake);
  Rule rule;
  rule.authenticator = *authenticator;
  rule.kind = jti ? Rule::Kind::Jti : subject ? Rule::Kind::Subject : Rule::Kind::Token;
  rule.name = *std::move(jti ? jti : subject ? subject : digest);
  rule.issued_before = issued_before.value_or(base::UnixTime{});
  rule.expires = *expires;
  return rule;
}

}  // namespace

OrMessage<std::vector<Rule>> parse_rules(std::string_view text) {
  const auto object = token::JsonReader(kLimits).read_object(text);
  if (!object) return fault_of(text);
  const auto* const list = object->if_contains("revocations");
  if (object->size() != 1 || list == nullptr || !list->is_array()) {
    return Message{R"(it is not {"revocations": […]})"};
  }
  const json::array& entries = list->get_array();
  if (entries.size() > kRulesMax) return Message{"it holds more than " + std::to_string(kRulesMax) + " rules"};
  std::vector<Rule> rules;
  rules.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!entries[i].is_object()) return about_entry(i, "it is no object");
    auto rule = read_rule(entries[i].get_object());
    if (!rule) return about_entry(i, rule.error().text);
    rules.push_back(std::move(*rule));
  }
  return rules;
}

std::string text_of(const std::vector<Rule>& rules) {
  std::string text = "{\"revocations\":[";
  for (const Rule& rule : rules) {
    json::object entry{{"authenticator", rule.authenticator}};
    const bool is_token = rule.kind == Rule::Kind::Token;
    entry[is_token ? "digest" : name_of(rule.kind)] = is_token ? std::string(kDigestPrefix) + rule.name : rule.name;
    if (rule.kind == Rule::Kind::Subject) entry["issued_before"] = token::rfc3339(rule.issued_before);
    entry["expires"] = token::rfc3339(rule.expires);
    text += &rule == &rules.front() ? "\n" : ",\n";
    text += json::serialize(entry);
  }
  return text + "\n]}\n";
}

}  // namespace sidegate::revocation
