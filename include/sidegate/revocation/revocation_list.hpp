#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/revocation/credential.hpp>
#include <sidegate/revocation/rule.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::revocation {

/// An index of rules, made once and never changed after; any thread may look into it. A look allocates nothing.
class RevocationList {
 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  template <class Value>
  using ByName = boost::unordered_flat_map<std::string, Value, Hash, std::equal_to<>>;

 public:
  /// The rules for the credentials of one authenticator.
  class Rules {
   public:
    void add(const Rule& rule);

    /// Which kind of rule refuses `credential` at `now`; nothing where none does.
    std::optional<Rule::Kind> find(const Credential& credential, base::UnixTime now) const noexcept;

    /// Whether a credential's digest is looked at.
    bool needs_digest() const noexcept { return !digests_.empty(); }

   private:
    struct Cut {
      base::UnixTime issued_before;
      base::UnixTime expires;
    };

    bool revokes_subject(const Credential& credential, base::UnixTime now) const noexcept;

    ByName<base::UnixTime> jtis_;  ///< with the moment from which they do not count
    ByName<base::UnixTime> digests_;
    ByName<std::vector<Cut>> subjects_;
  };

  RevocationList() = default;
  /// `rules` are tidy.
  explicit RevocationList(const std::vector<Rule>& rules);

  /// Null where there is no rule. As long as the list.
  const Rules* rules_of(std::string_view authenticator) const noexcept;

  /// Whether any rule refuses `credential`, which has a digest, at `now`.
  bool revokes(const Credential& credential, base::UnixTime now) const noexcept;

 private:
  ByName<Rules> authenticators_;
};

}  // namespace sidegate::revocation
