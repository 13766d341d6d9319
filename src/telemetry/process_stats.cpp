#include "process_stats.hpp"

#include <sys/resource.h>
#include <unistd.h>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace sidegate::telemetry {
namespace {

/// The fields of /proc/self/stat from the third on (proc(5)): the second, the name, may hold blanks and parentheses.
struct StatFields {
  double virtual_bytes = 0;
  double resident_pages = 0;
  double start_ticks = 0;  ///< since boot
};

std::optional<StatFields> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(name_end + 1));
  constexpr int kState = 3;
  constexpr int kStartTime = 22;
  StatFields fields;
  std::string skipped;
  for (int field = kState; field < kStartTime; ++field) rest >> skipped;
  rest >> fields.start_ticks >> fields.virtual_bytes >> fields.resident_pages;
  if (!rest) return std::nullopt;
  return fields;
}

std::optional<double> read_boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  double seconds = 0;
  while (file >> word) {
    if (word == "btime" && file >> seconds) return seconds;
  }
  return std::nullopt;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    stats.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = static_cast<double>(limit.rlim_cur);

  if (const auto fields = read_stat()) {
    static const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
    static const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
    static const auto boot_time = read_boot_time();
    stats.virtual_memory_bytes = fields->virtual_bytes;
    stats.resident_memory_bytes = fields->resident_pages * page_bytes;
    if (boot_time) stats.start_time_seconds = *boot_time + fields->start_ticks / ticks_per_second;
  }

  std::error_code failed;
  std::filesystem::directory_iterator descriptors("/proc/self/fd", failed);
  if (!failed) {
    // One of them is the iterator's own.
    stats.open_fds = static_cast<double>(std::distance(begin(descriptors), end(descriptors)) - 1);
  }
  return stats;
}

}  // namespace sidegate::telemetry
