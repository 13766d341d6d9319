#pragma once

#include <filesystem>

namespace sidegate::config {

/// More workers than this help nobody.
inline constexpr unsigned kWorkersMax = 256;

/// The CPUs that the scheduler may run this process on.
unsigned cpus_by_affinity();

/// How many workers keep this process busy: the CPUs it may run on, or fewer where a cgroup (v2 `cpu.max`, v1
/// `cpu.cfs_quota_us`, its own or one above it) gives it less time; rounded up, from 1 to kWorkersMax. `root` takes the
/// place of `/`.
unsigned available_cpus(const std::filesystem::path& root, unsigned affinity);

}  // namespace sidegate::config
