#include <sidegate/revocation/rule.hpp>

#include <algorithm>
#include <tuple>

namespace sidegate::revocation {
namespace {

auto credentials_of(const Rule& rule) noexcept {
  return std::tie(rule.authenticator, rule.kind, rule.name);
}

/// Rules for the same credentials stand together, the strictest first.
bool comes_before(const Rule& left, const Rule& right) noexcept {
  if (credentials_of(left) != credentials_of(right)) return credentials_of(left) < credentials_of(right);
  return std::tie(right.issued_before, right.expires) < std::tie(left.issued_before, left.expires);
}

}  // namespace

std::string_view name_of(Rule::Kind kind) noexcept {
  switch (kind) {
    case Rule::Kind::Jti:
      return "jti";
    case Rule::Kind::Subject:
      return "subject";
    case Rule::Kind::Token:
      return "token";
  }
  return "";
}

void tidy(std::vector<Rule>& rules, base::UnixTime now) {
  std::erase_if(rules, [now](const Rule& rule) { return rule.expires <= now; });
  std::sort(rules.begin(), rules.end(), comes_before);
  // A less strict rule makes a difference only where it lasts longer than all that are stricter.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const bool is_first = kept == 0 || credentials_of(rules[kept - 1]) != credentials_of(rules[i]);
    if (!is_first && rules[i].expires <= rules[kept - 1].expires) continue;
    if (kept != i) rules[kept] = std::move(rules[i]);
    ++kept;
  }
  rules.resize(kept);
}

}  // namespace sidegate::revocation
