#include "available_cpus.hpp"

#include <sidegate/base/text.hpp>

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace sidegate::config {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// `max` and -1, for no limit, are no numbers and give nothing.
std::optional<unsigned> cpus_of(std::string_view quota, std::string_view period) {
  const auto used = base::parse_decimal(quota);
  const auto of = base::parse_decimal(period);
  if (!used || !of || *used == 0 || *of == 0) return std::nullopt;
  const std::uint64_t whole = *used / *of + (*used % *of == 0 ? 0 : 1);
  return static_cast<unsigned>(std::min<std::uint64_t>(whole, kWorkersMax));
}

std::optional<unsigned> quota_v2(const fs::path& folder) {
  const std::string line = first_line(folder / "cpu.max");  // "QUOTA PERIOD"
  const auto space = line.find(' ');
  if (space == std::string::npos) return std::nullopt;
  return cpus_of(std::string_view(line).substr(0, space), std::string_view(line).substr(space + 1));
}

std::optional<unsigned> quota_v1(const fs::path& folder) {
  return cpus_of(first_line(folder / "cpu.cfs_quota_us"), first_line(folder / "cpu.cfs_period_us"));
}

/// The smallest quota from `group` up to the mount. In a container the group's path is often the host's and does not
/// exist below the mount; then the mount itself is the container's group, and it is looked at as well.
void lower_to_quota(unsigned& cpus, const fs::path& mount, const fs::path& group,
                    std::optional<unsigned> (*quota_of)(const fs::path&)) {
  for (fs::path relative = group.relative_path();; relative = relative.parent_path()) {
    if (const auto quota = quota_of(mount / relative)) cpus = std::min(cpus, *quota);
    if (relative.empty()) return;
  }
}

bool has_controller(std::string_view controllers, std::string_view name) {
  bool found = false;
  base::for_each_list_item(controllers, [&](std::string_view item) { found = found || item == name; });
  return found;
}

}  // namespace

unsigned cpus_by_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // It fails on machines with more CPUs than the set holds; those have enough of them.
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
  return std::thread::hardware_concurrency();
}

unsigned available_cpus(const fs::path& root, unsigned affinity) {
  unsigned cpus = std::clamp(affinity, 1U, kWorkersMax);
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "NUMBER:CONTROLLERS:PATH"
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    const fs::path mounts = root / "sys/fs/cgroup";
    if (controllers.empty()) {
      lower_to_quota(cpus, mounts, group, &quota_v2);
      lower_to_quota(cpus, mounts / "unified", group, &quota_v2);
    } else if (has_controller(controllers, "cpu")) {
      lower_to_quota(cpus, mounts / "cpu", group, &quota_v1);
      lower_to_quota(cpus, mounts / controllers, group, &quota_v1);
    }
  }
  return std::max(cpus, 1U);
}

}  // namespace sidegate::config
