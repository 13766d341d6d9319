#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/explain/explanation.hpp>
#include <sidegate/explain/query.hpp>
#include <sidegate/policy/policy.hpp>

#include <cstddef>
#include <span>

namespace sidegate::explain {

/// What would happen at `now` to the request that `query` describes. It is read, decided on and rewritten by the same
/// code as on a connection; nothing is sent, and nobody asked: whoever can ask the explanation's `question` does so and
/// explains again, with the answer among `answers`. A session is never renewed for it. `policy` was compiled from
/// `config`, and is used on the thread of the caller. The message says what of the query fits no request: a listener
/// that does not exist, a header that is none, an address that is none.
base::OrMessage<Explanation> explain(const config::Config& config, policy::Policy& policy, const Query& query,
                                     base::UnixTime now, std::span<const policy::GivenAnswer> answers = {});

/// So many questions one request asks at most.
inline constexpr std::size_t kQuestionsMax = 4;

}  // namespace sidegate::explain
