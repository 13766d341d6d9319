#pragma once

#include <sidegate/base/cache_result.hpp>
#include <sidegate/base/clock.hpp>
#include <sidegate/base/reason.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::telemetry {

/// The nine methods of RFC 9110 and PATCH; anything else counts as Other, so that no caller makes a label.
enum class MethodLabel : std::uint8_t { Get, Head, Post, Put, Delete, Connect, Options, Trace, Patch, Other };
inline constexpr std::size_t kMethodLabelCount = 10;

/// The values that labels can take: everything comes from the configuration. A number in `WorkerCounters` is a place in
/// one of these lists. One further place, past the end of `routes`, stands for "no route matched" (label "").
struct LabelNames {
  struct Server {
    std::string upstream;
    std::string server;

    bool operator==(const Server&) const = default;
  };
  std::vector<std::string> listeners;
  std::vector<std::string> routes;
  std::vector<std::string> upstreams;
  std::vector<Server> servers;  ///< of all upstreams, one after the other
  std::vector<std::string> authenticators;
  /// `NAME.verified` of each authenticator that keeps verified tokens, then the names of those that keep answers: of
  /// authenticators first, then of user information.
  std::vector<std::string> caches;

  bool operator==(const LabelNames&) const = default;
};

/// Durations in buckets. The bounds are seconds, as Prometheus has them.
struct Histogram {
  static constexpr std::array<double, 14> kBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                  0.1,    0.25,  0.5,    1.0,   2.5,  5.0,   10.0};
  std::array<std::uint64_t, kBounds.size() + 1> buckets{};  ///< not cumulative; the last is +Inf
  std::uint64_t count = 0;
  std::chrono::nanoseconds sum{0};

  void add(std::chrono::nanoseconds duration) noexcept;
  void merge(const Histogram& other) noexcept;
};

/// The numbers of one worker: plain, written by its thread only, without atomics or locks. A scrape asks each worker
/// for a copy, on the worker's own thread, and adds the copies up.
struct WorkerCounters {
  explicit WorkerCounters(const LabelNames& names);

  void count_request(std::size_t route, MethodLabel method, unsigned status, std::chrono::nanoseconds duration);
  void count_origin(std::size_t upstream, std::size_t server, unsigned status, std::chrono::nanoseconds duration);
  /// A request that a server was to get and did not answer.
  void count_unanswered(std::size_t server);
  /// The same two, for how an upstream is: whether it answered so that somebody was served.
  void note_origin_call(std::size_t upstream, base::SteadyTime now, std::chrono::nanoseconds took,
                        bool served) noexcept;
  void count_decision(std::size_t authenticator, base::Reason outcome);
  void count_cache(std::size_t cache, base::CacheResult result);

  /// Adds the numbers of `other`, which has the same names.
  void merge(const WorkerCounters& other);

  /// Key: place << 16 | method << 12 | status; at most as many entries as there are labels times statuses.
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> requests;
  std::vector<Histogram> request_durations;                                 ///< by route; the last stands for none
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> origin_requests;  ///< server << 16 | status
  std::vector<Histogram> origin_durations;                                  ///< by upstream
  std::vector<std::uint64_t> origin_retries;                                ///< by upstream
  struct LastCall {
    base::SteadyTime ended = base::SteadyTime::min();  ///< min: there was none
    std::chrono::nanoseconds took{0};
    std::uint32_t failures = 0;  ///< in a row, up to this one
  };
  std::vector<LastCall> origin_last_calls;  ///< by upstream
  struct OriginConnections {
    std::uint64_t active = 0;
    std::uint64_t idle = 0;
  };
  std::vector<OriginConnections> origin_connections;                     ///< by server; filled in when copied
  std::vector<std::array<std::uint64_t, base::kReasonCount>> decisions;  ///< by authenticator
  struct CacheUse {
    std::array<std::uint64_t, base::kCacheResultCount> results{};  ///< by base::CacheResult
    std::uint64_t entries = 0;

    std::uint64_t count(base::CacheResult result) const noexcept { return results[static_cast<std::size_t>(result)]; }
  };
  std::vector<CacheUse> caches;                  ///< by cache; entries filled in when copied
  std::vector<std::uint64_t> connections_open;   ///< by listener
  std::vector<std::uint64_t> connections_total;  ///< by listener
};

/// Counters with the names of their places. A configuration that is replaced leaves its numbers to the next one.
struct NamedCounters {
  explicit NamedCounters(std::shared_ptr<const LabelNames> label_names)
      : names(std::move(label_names)), counters(*names) {}

  /// Adds the numbers of `other` to those of the same name. What has no place here any more (a route that is gone) is
  /// left out: its series ends.
  void merge(const NamedCounters& other);

  std::shared_ptr<const LabelNames> names;
  WorkerCounters counters;
};

/// The numbers of the process as a whole.
struct ProcessCounters {
  /// A key that holds until then only.
  struct KeyExpiry {
    std::string authenticator;
    std::string key;
    base::UnixTime until;
  };
  /// What an authenticator has from the issuers that publish its keys.
  struct IssuedKeys {
    std::string authenticator;
    std::optional<std::chrono::duration<double>> age;  ///< of the oldest; nothing where one has published nothing yet
    std::size_t keys = 0;
    std::uint64_t fetches_succeeded = 0;
    std::uint64_t fetches_failed = 0;
  };
  /// What came of asking a service: an authenticator's, user information, or the renewal of sessions.
  struct ServiceCalls {
    std::string name;
    bool renews_sessions = false;
    std::uint64_t said_yes = 0;
    std::uint64_t said_no = 0;
    std::uint64_t failed = 0;
    unsigned circuit = 0;  ///< 0 closed, 1 half-open, 2 open
    Histogram durations{};
  };
  /// Whether somebody whom Sidegate needs answers.
  struct Integration {
    std::string name;
    bool up = true;
  };
  std::vector<ServiceCalls> services{};
  std::vector<Integration> integrations{};
  std::vector<KeyExpiry> key_expiries{};
  std::vector<IssuedKeys> issued_keys{};
  std::uint64_t reloads_succeeded = 0;
  std::uint64_t reloads_failed = 0;
  std::uint64_t log_dropped = 0;
  std::string_view version{};
  std::string_view commit{};
};

/// The Prometheus text (version 0.0.4) of the sum of all workers and of the process, with the usual `process_*`.
std::string prometheus_text(const NamedCounters& sum, const ProcessCounters& process);

}  // namespace sidegate::telemetry
