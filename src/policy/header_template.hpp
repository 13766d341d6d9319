#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/policy/identity.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sidegate::policy {

/// The value of an injected header: text with placeholders, `{subject}`, `{claims.user_type|staff}`, `{roles}`,
/// `{user.email|}`, `{authenticator}`, compiled once.
class HeaderTemplate {
 public:
  static base::OrMessage<HeaderTemplate> compile(std::string_view text);

  /// Whether it speaks of the caller, and so is never set where there is none.
  bool needs_identity() const noexcept { return needs_identity_; }

  /// Appends the value. `identity` may be null where `needs_identity()` is false. Malformed where a value holds a
  /// control character; false, and then the header is to be left out, where that is one of user information. What could
  /// be read as something else in a header (`%`, bytes above 0x7E, a comma inside an item of a list, spaces at the
  /// ends) is percent-encoded.
  base::Result<bool> render(const Identity* identity, std::string& out) const;

 private:
  enum class Source { Literal, Subject, Claim, User, Roles, Authenticator };
  struct Piece {
    Source source = Source::Literal;
    std::string text;      ///< the literal, or the name of the claim or of what is known of the user
    std::string fallback;  ///< for authenticated callers without a value
  };

  static base::OrMessage<Piece> compile_placeholder(std::string_view inside);

  std::vector<Piece> pieces_;
  bool needs_identity_ = false;
};

}  // namespace sidegate::policy
