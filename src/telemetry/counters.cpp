#include <sidegate/telemetry/counters.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

namespace sidegate::telemetry {
namespace {

/// The bounds in the clock's own unit. All are whole microseconds, half of one keeps the cast from falling short.
constexpr auto kExactBounds = [] {
  std::array<std::chrono::nanoseconds, Histogram::kBounds.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const std::chrono::duration<double> bound(Histogram::kBounds[i] + 0.5e-6);
    bounds[i] = std::chrono::floor<std::chrono::microseconds>(bound);
  }
  return bounds;
}();

constexpr unsigned kStatusBits = 12;
constexpr unsigned kMethodBits = 4;
static_assert(kMethodLabelCount <= 1U << kMethodBits);

/// What is no three-digit status counts as 0, no answer, so that the key of one count never runs into another's.
std::uint64_t status_bits(unsigned status) noexcept {
  return status <= 999 ? status : 0;
}

template <class Map>
void add_up(Map& sum, const Map& other) {
  for (const auto& [key, count] : other) sum[key] += count;
}

/// For each place among `theirs` the place of the same name among `ours`; nothing where there is none.
template <class Name>
std::vector<std::optional<std::size_t>> places_of(const std::vector<Name>& theirs, const std::vector<Name>& ours) {
  std::vector<std::optional<std::size_t>> places;
  places.reserve(theirs.size());
  for (const Name& name : theirs) {
    const auto found = std::find(ours.begin(), ours.end(), name);
    places.push_back(found == ours.end() ? std::nullopt
                                         : std::optional<std::size_t>(std::distance(ours.begin(), found)));
  }
  return places;
}

/// Calls `add(sum[place], other[i])` for whatever has a place.
template <class Value, class Add>
void add_by_place(std::vector<Value>& sum, const std::vector<Value>& other,
                  const std::vector<std::optional<std::size_t>>& places, const Add& add) {
  for (std::size_t i = 0; i < other.size(); ++i) {
    if (places[i]) add(sum[*places[i]], other[i]);
  }
}

/// The same for counts whose key begins with a place.
void add_by_place(boost::unordered_flat_map<std::uint64_t, std::uint64_t>& sum,
                  const boost::unordered_flat_map<std::uint64_t, std::uint64_t>& other,
                  const std::vector<std::optional<std::size_t>>& places) {
  constexpr std::uint64_t kRest = (std::uint64_t{1} << (kStatusBits + kMethodBits)) - 1;
  for (const auto& [key, count] : other) {
    const auto place = places[key >> (kStatusBits + kMethodBits)];
    if (place) sum[std::uint64_t{*place} << (kStatusBits + kMethodBits) | (key & kRest)] += count;
  }
}

void add_up(WorkerCounters::CacheUse& sum, const WorkerCounters::CacheUse& other) {
  for (std::size_t i = 0; i < sum.results.size(); ++i) sum.results[i] += other.results[i];
  sum.entries += other.entries;
}

/// Which of two workers knows what came last.
void add_up(WorkerCounters::LastCall& sum, const WorkerCounters::LastCall& other) {
  if (other.ended > sum.ended) sum = other;
}

void add_up(std::vector<std::uint64_t>& sum, const std::vector<std::uint64_t>& other) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other[i];
}

}  // namespace

void Histogram::add(std::chrono::nanoseconds duration) noexcept {
  duration = std::max(duration, std::chrono::nanoseconds(0));
  const auto bucket = std::lower_bound(kExactBounds.begin(), kExactBounds.end(), duration);
  ++buckets[static_cast<std::size_t>(std::distance(kExactBounds.begin(), bucket))];
  ++count;
  sum += duration;
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  count += other.count;
  sum += other.sum;
}

WorkerCounters::WorkerCounters(const LabelNames& names)
    : request_durations(names.routes.size() + 1),
      origin_durations(names.upstreams.size()),
      origin_retries(names.upstreams.size()),
      origin_last_calls(names.upstreams.size()),
      origin_connections(names.servers.size()),
      decisions(names.authenticators.size()),
      caches(names.caches.size()),
      connections_open(names.listeners.size()),
      connections_total(names.listeners.size()) {}

void WorkerCounters::count_request(std::size_t route, MethodLabel method, unsigned status,
                                   std::chrono::nanoseconds duration) {
  ++requests[std::uint64_t{route} << (kStatusBits + kMethodBits) | static_cast<std::uint64_t>(method) << kStatusBits |
             status_bits(status)];
  request_durations[route].add(duration);
}

void WorkerCounters::count_origin(std::size_t upstream, std::size_t server, unsigned status,
                                  std::chrono::nanoseconds duration) {
  ++origin_requests[std::uint64_t{server} << (kStatusBits + kMethodBits) | status_bits(status)];
  origin_durations[upstream].add(duration);
}

void WorkerCounters::count_unanswered(std::size_t server) {
  ++origin_requests[std::uint64_t{server} << (kStatusBits + kMethodBits)];
}

void WorkerCounters::note_origin_call(std::size_t upstream, base::SteadyTime now, std::chrono::nanoseconds took,
                                      bool served) noexcept {
  LastCall& last = origin_last_calls[upstream];
  last.ended = now;
  last.took = took;
  last.failures = served ? 0 : last.failures + 1;
}

void WorkerCounters::count_decision(std::size_t authenticator, base::Reason outcome) {
  ++decisions[authenticator][static_cast<std::size_t>(outcome)];
}

void WorkerCounters::count_cache(std::size_t cache, base::CacheResult result) {
  ++caches[cache].results[static_cast<std::size_t>(result)];
}

void WorkerCounters::merge(const WorkerCounters& other) {
  add_up(requests, other.requests);
  add_up(origin_requests, other.origin_requests);
  for (std::size_t i = 0; i < request_durations.size(); ++i) request_durations[i].merge(other.request_durations[i]);
  for (std::size_t i = 0; i < origin_durations.size(); ++i) origin_durations[i].merge(other.origin_durations[i]);
  add_up(origin_retries, other.origin_retries);
  for (std::size_t i = 0; i < origin_last_calls.size(); ++i) add_up(origin_last_calls[i], other.origin_last_calls[i]);
  for (std::size_t i = 0; i < origin_connections.size(); ++i) {
    origin_connections[i].active += other.origin_connections[i].active;
    origin_connections[i].idle += other.origin_connections[i].idle;
  }
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    for (std::size_t j = 0; j < decisions[i].size(); ++j) decisions[i][j] += other.decisions[i][j];
  }
  for (std::size_t i = 0; i < caches.size(); ++i) add_up(caches[i], other.caches[i]);
  add_up(connections_open, other.connections_open);
  add_up(connections_total, other.connections_total);
}

void NamedCounters::merge(const NamedCounters& other) {
  if (names == other.names || *names == *other.names) return counters.merge(other.counters);
  auto routes = places_of(other.names->routes, names->routes);
  routes.emplace_back(names->routes.size());  // "no route matched"
  const auto upstreams = places_of(other.names->upstreams, names->upstreams);
  const auto servers = places_of(other.names->servers, names->servers);
  const auto authenticators = places_of(other.names->authenticators, names->authenticators);
  const auto caches = places_of(other.names->caches, names->caches);
  const auto listeners = places_of(other.names->listeners, names->listeners);

  const WorkerCounters& theirs = other.counters;
  const auto add_number = [](std::uint64_t& sum, std::uint64_t number) { sum += number; };
  const auto add_histogram = [](Histogram& sum, const Histogram& histogram) { sum.merge(histogram); };
  add_by_place(counters.requests, theirs.requests, routes);
  add_by_place(counters.request_durations, theirs.request_durations, routes, add_histogram);
  add_by_place(counters.origin_requests, theirs.origin_requests, servers);
  add_by_place(counters.origin_durations, theirs.origin_durations, upstreams, add_histogram);
  add_by_place(counters.origin_retries, theirs.origin_retries, upstreams, add_number);
  add_by_place(counters.origin_last_calls, theirs.origin_last_calls, upstreams,
               [](auto& sum, const auto& last) { add_up(sum, last); });
  add_by_place(counters.origin_connections, theirs.origin_connections, servers, [](auto& sum, const auto& open) {
    sum.active += open.active;
    sum.idle += open.idle;
  });
  add_by_place(counters.decisions, theirs.decisions, authenticators, [](auto& sum, const auto& outcomes) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += outcomes[i];
  });
  add_by_place(counters.caches, theirs.caches, caches, [](auto& sum, const auto& use) { add_up(sum, use); });
  add_by_place(counters.connections_open, theirs.connections_open, listeners, add_number);
  add_by_place(counters.connections_total, theirs.connections_total, listeners, add_number);
}

}  // namespace sidegate::telemetry
