#pragma once

#include <optional>

namespace sidegate::telemetry {

/// What the system says of this process, under the names that every Prometheus client uses. A value that cannot be read
/// (no /proc, no descriptor left to read it with) is absent.
struct ProcessStats {
  std::optional<double> cpu_seconds;
  std::optional<double> resident_memory_bytes;
  std::optional<double> virtual_memory_bytes;
  std::optional<double> open_fds;
  std::optional<double> max_fds;
  std::optional<double> start_time_seconds;  ///< since the Unix epoch
};

ProcessStats read_process_stats();

}  // namespace sidegate::telemetry
