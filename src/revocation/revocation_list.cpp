#include <sidegate/revocation/revocation_list.hpp>

#include <algorithm>

namespace sidegate::revocation {
namespace {

/// Whether `rules` has `name` in a rule that has not expired.
template <class Rules>
bool holds(const Rules& rules, std::string_view name, base::UnixTime now) noexcept {
  if (name.empty()) return false;
  const auto found = rules.find(name);
  return found != rules.end() && now < found->second;
}

}  // namespace

void RevocationList::Rules::add(const Rule& rule) {
  switch (rule.kind) {
    case Rule::Kind::Jti:
      jtis_.insert_or_assign(rule.name, rule.expires);
      return;
    case Rule::Kind::Token:
      digests_.insert_or_assign(rule.name, rule.expires);
      return;
    case Rule::Kind::Subject:
      subjects_[rule.name].push_back({rule.issued_before, rule.expires});
      return;
  }
}

std::optional<Rule::Kind> RevocationList::Rules::find(const Credential& credential, base::UnixTime now) const noexcept {
  if (holds(jtis_, credential.jti, now)) return Rule::Kind::Jti;
  if (revokes_subject(credential, now)) return Rule::Kind::Subject;
  if (holds(digests_, credential.digest, now)) return Rule::Kind::Token;
  return std::nullopt;
}

bool RevocationList::Rules::revokes_subject(const Credential& credential, base::UnixTime now) const noexcept {
  const auto cuts = subjects_.find(credential.subject);
  if (cuts == subjects_.end()) return false;
  return std::any_of(cuts->second.begin(), cuts->second.end(), [&](const Cut& cut) {
    // One that does not say when it was issued may be as old as any.
    return now < cut.expires && (!credential.issued || *credential.issued < cut.issued_before);
  });
}

RevocationList::RevocationList(const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) authenticators_[rule.authenticator].add(rule);
}

const RevocationList::Rules* RevocationList::rules_of(std::string_view authenticator) const noexcept {
  const auto found = authenticators_.find(authenticator);
  return found != authenticators_.end() ? &found->second : nullptr;
}

bool RevocationList::revokes(const Credential& credential, base::UnixTime now) const noexcept {
  const Rules* const rules = rules_of(credential.authenticator);
  return rules != nullptr && rules->find(credential, now).has_value();
}

}  // namespace sidegate::revocation
