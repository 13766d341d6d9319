#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/revocation/rule.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The text of a file of revocations:
/// `{"revocations":[{"authenticator":"staff","jti":"…","expires":"2026-12-31T00:00:00Z"},
/// {"authenticator":"staff","subject":"…","issued_before":"…","expires":"…"},
/// {"authenticator":"staff","digest":"sha256:…","expires":"…"}]}`
namespace sidegate::revocation {

/// More than the largest file of usual rules.
inline constexpr std::size_t kFileBytesMax = std::size_t{64} * 1024 * 1024;

/// The message names the entry that is wrong, counted from 1.
base::OrMessage<std::vector<Rule>> parse_rules(std::string_view text);

/// One line for each rule, so that people and tools that compare lines can read it.
std::string text_of(const std::vector<Rule>& rules);

}  // namespace sidegate::revocation
