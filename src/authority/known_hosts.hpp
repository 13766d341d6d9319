#pragma once

#include "name_threads.hpp"

#include <sidegate/base/clock.hpp>

#include <boost/unordered/unordered_map.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace sidegate::authority {

/// The addresses of hosts. What was found is used for a short while, and for longer where the next look-up fails. One
/// look-up serves all who ask for the same host, unless it hangs.
///
/// Belongs to the thread of the loop.
class KnownHosts {
 public:
  using Done = std::function<void(const base::OrMessage<Addresses>&)>;

  KnownHosts(boost::asio::io_context& io, LookUp look_up, std::chrono::milliseconds kept_for = kKeptFor);

  /// Calls `done` at once where the addresses are known, else later. A literal address is its own.
  void find(const std::string& host, Done done);

 private:
  static constexpr std::chrono::milliseconds kKeptFor{10'000};
  static constexpr std::size_t kHostsMax = 256;

  struct Host {
    Addresses addresses{};  ///< of the last look-up that found any
    base::SteadyTime fresh_until = base::SteadyTime::min();
    std::vector<Done> waiting{};
    base::SteadyTime asked{};  ///< when the last look-up began
  };

  void note(const std::string& name, const base::OrMessage<Addresses>& found);
  void make_room();

  NameThreads names_;
  std::chrono::milliseconds kept_for_;
  boost::unordered_map<std::string, Host> hosts_;
};

}  // namespace sidegate::authority
