#pragma once

#include <sidegate/base/reason.hpp>
#include <sidegate/policy/policy.hpp>

#include <cstdint>
#include <string_view>

namespace sidegate::proxy {

/// Makes a refusal of a decision to forward a body that is longer than its route allows.
void limit_body(policy::Decision& decision, std::uint64_t body_bytes) noexcept;

/// The further lines of the answer to a request refused for `reason`; `decision` is null where none was made.
std::string_view refusal_lines(base::Reason reason, const policy::Decision* decision) noexcept;

}  // namespace sidegate::proxy
