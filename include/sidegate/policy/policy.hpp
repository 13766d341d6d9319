#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/base/clock.hpp>
#include <sidegate/base/limits.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/http/framing.hpp>
#include <sidegate/http/head.hpp>
#include <sidegate/http/header_filter.hpp>
#include <sidegate/http/target.hpp>
#include <sidegate/policy/identity.hpp>
#include <sidegate/policy/inquiries.hpp>
#include <sidegate/policy/shared.hpp>

#include <boost/json/monotonic_resource.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::token {
class IssuerKeys;
}

namespace sidegate::revocation {
struct HeldCredential;
}

namespace sidegate::policy {

struct Recognition;
struct Trace;

/// One request as it is decided on: its head, what the framing check found, and the one canonical target.
struct Request {
  const http::RequestHead* head = nullptr;
  const http::RequestFacts* facts = nullptr;
  const http::CanonicalTarget* target = nullptr;
  std::size_t listener = 0;  ///< its place in the configuration
  bool peer_is_trusted = false;
  base::SteadyTime moment = base::SteadyTime::max();  ///< now, by which answers of others are fresh; max: none is
  std::span<const GivenAnswer> answers{};             ///< what was asked for this request
};

/// Memory for one decision, used again for the next one, so that a warm decision allocates nothing.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Makes room for the next decision; everything that the last one handed out becomes void.
  void reset();

  std::string lines;                                ///< injected header lines, or the extra lines of a refusal
  std::string subject;                              ///< who the caller is
  std::optional<boost::json::object> claims;        ///< in `storage()`; of a token that no cache had
  std::optional<base::CacheResult> cache;           ///< what the cache had for the token, where one was asked
  std::string path;                                 ///< a rewritten one
  std::vector<std::string_view> cookies_to_remove;  ///< names
  std::string cookie_to_add;                        ///< a pair, in the place of one that is removed
  Inquiries inquiries;
  boost::json::storage_ptr storage() noexcept { return &arena_; }

 private:
  std::array<unsigned char, 6144> block_;
  boost::json::monotonic_resource arena_{block_.data(), block_.size()};
};

/// What the configuration says of a route once it is compiled; what the proxy needs to forward.
struct RouteFacts {
  std::string name;
  std::size_t index = 0;
  std::size_t upstream = 0;  ///< its place in the configuration
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::uint64_t> max_body_bytes;
};

/// What is to be done with a request.
struct Decision {
  enum class Kind { Forward, Refuse };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  Kind kind = Kind::Refuse;
  base::Reason reason = base::Reason::NoRoute;  ///< of Kind::Refuse
  const RouteFacts* route = nullptr;            ///< null: none matched
  std::size_t authenticator = kNone;            ///< the one that decided
  std::optional<base::Reason> outcome;          ///< how it decided; Missing where no credential was there
  std::string_view authenticator_name;
  std::optional<base::CacheResult> cache;  ///< what its cache had for the credential, where one was asked
  std::string_view subject;
  /// Forward: the lines to add. Refuse: further lines of the answer (WWW-Authenticate, Allow).
  std::string_view lines;
  std::string_view path;  ///< of Forward: what the origin is asked for in place of the target's path; empty: that
  std::string_view host;  ///< of Forward: the value of Host in place of the caller's; empty: the caller's
  bool forward_authorization = true;
  bool forward_cookie = true;  ///< false: what is left of the caller's cookies stands in `lines`
  /// Refuse: issuers whose keys might change that; whoever can ask them does so once, and then decides again. They live
  /// as long as the policy.
  std::span<const std::shared_ptr<token::IssuerKeys>> worth_asking;
  /// When what outlives its head (a tunnel, an event stream) is ended.
  base::UnixTime ends = base::UnixTime::max();
  /// Of Forward: the token, where what outlives its head ends with it, and once it is revoked; else empty. In the
  /// request. Never logged.
  std::string_view ends_with;
};

/// Routes, credentials and authenticators, compiled: `decide` is the one function that the proxy and the tests
/// ask. It charges nothing and asks nobody. One for each worker, since authenticators keep contexts that they
/// re-use.
class Policy {
 public:
  /// Compiles patterns, templates and keys; what does not fit goes into `diagnostics`, and the policy is then of no
  /// use.
  static std::unique_ptr<Policy> compile(const config::Config& config, config::Diagnostics& diagnostics,
                                         const Shared& shared = {});
  ~Policy();

  /// Decides on one request at the time `now`. The result's views live in `scratch`, which was reset, and in the
  /// request. How it came about is written to `trace`, which was empty; without one nothing is paid for it.
  Decision decide(const Request& request, base::UnixTime now, Scratch& scratch, Trace* trace = nullptr);

  /// What the token that the decision's `ends_with` is can be known by after the request. `scratch` is the decision's.
  revocation::HeldCredential hold(const Decision& decision, const Scratch& scratch);

  /// Whether an authenticator would accept `token` now, if it had begun to hold and had not expired; whether it is
  /// revoked is not asked. Otherwise why not.
  base::Result<Recognition> recognise(std::size_t authenticator, std::string_view token, base::UnixTime now);

  /// How many tokens the cache of an authenticator holds.
  std::size_t cache_entries(std::size_t authenticator) const noexcept;

  /// Lets go of what the caches hold. They go on.
  void empty_caches() noexcept;

  /// Which of a caller's fields go no further, on whatever route.
  const http::HeaderFilter& filter() const noexcept;

 private:
  struct State;
  explicit Policy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sidegate::policy
