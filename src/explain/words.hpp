#pragma once

#include <sidegate/base/reason.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/http/header_filter.hpp>
#include <sidegate/http/message_writer.hpp>
#include <sidegate/policy/trace.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sidegate::explain {

/// What is wrong with a request that was refused for `reason`, for people. Empty where the reason's own check says it
/// better.
std::string_view sentence_for(base::Reason reason) noexcept;

/// Why a route does not match: what it wants instead.
std::string why_not(policy::Mismatch mismatch, const config::Route& route);

/// `cookie access_token`, `bearer Authorization`.
std::string name_of(const config::TokenSource& source);

/// A word for programs and a sentence for people.
struct Cause {
  std::string_view word;
  std::string_view sentence;
};
Cause cause_of(http::Removal removal, http::HeaderFilter::Cause filter) noexcept;

/// `a, b, c`.
std::string joined(const std::vector<std::string>& items);

}  // namespace sidegate::explain
