#pragma once

#include <sidegate/base/reason.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::token {

/// One check that a token has to pass. Service is for tokens that somebody else decides on, whose own checks nobody
/// sees.
enum class CheckName : std::uint8_t {
  Size,
  Service,
  Form,
  Header,
  Type,
  Algorithm,
  Signature,
  Claims,
  RequiredClaims,
  Issuer,
  Audience,
  NotBefore,
  IssuedAt,
  MaxAge,
  Expiry,
  Subject,
  Revocation,
};

/// All of them, in the order in which they are made.
inline constexpr std::array kCheckNames{
    CheckName::Size,      CheckName::Service,   CheckName::Form,     CheckName::Header,         CheckName::Type,
    CheckName::Algorithm, CheckName::Signature, CheckName::Claims,   CheckName::RequiredClaims, CheckName::Issuer,
    CheckName::Audience,  CheckName::NotBefore, CheckName::IssuedAt, CheckName::MaxAge,         CheckName::Expiry,
    CheckName::Subject,   CheckName::Revocation};

/// A stable word for people and programs: `exp`, `required_claims`.
std::string_view name_of(CheckName name) noexcept;

/// A check as it was made. The detail is for people: it tells what a header or claim says, never the token's own text
/// and nothing of a key.
struct Check {
  CheckName name;
  bool passed;
  std::string detail;
};

/// The checks of one token as they are made, for whoever wants to know why it was refused. Whoever does not passes a
/// null pointer down, which costs a comparison a check.
using CheckList = std::vector<Check>;

/// A detail is a text, or a function that makes one and is called only where somebody listens.
template <class Detail>
void note(CheckList* list, CheckName name, bool passed, Detail&& detail) {
  if (list == nullptr) [[likely]]
    return;
  if constexpr (std::invocable<Detail>) {
    list->push_back({name, passed, std::forward<Detail>(detail)()});
  } else {
    list->push_back({name, passed, std::string(std::forward<Detail>(detail))});
  }
}

template <class Detail>
void pass(CheckList* list, CheckName name, Detail&& detail) {
  note(list, name, true, std::forward<Detail>(detail));
}

/// Notes the check as failed and gives `reason` back, to be returned.
template <class Detail>
base::Reason fail(CheckList* list, CheckName name, base::Reason reason, Detail&& detail) {
  note(list, name, false, std::forward<Detail>(detail));
  return reason;
}

/// What somebody else wrote, in quotes, as it may be shown to people: control characters escaped, long texts cut off.
std::string in_quotes(std::string_view text);

}  // namespace sidegate::token
