#include "available_cpus.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace sidegate::config {
namespace {

namespace fs = std::filesystem;

struct CpuCase {
  std::string name;
  std::vector<std::pair<std::string, std::string>> files;
  unsigned affinity;
  unsigned expected;
};

TEST(AvailableCpus, FollowTheCgroup) {
  const std::string groups = "proc/self/cgroup";
  const std::vector<CpuCase> cases{
      {"no cgroup", {}, 8, 8},
      {"no cpu at all", {}, 0, 1},
      {"a very large machine", {}, 1000, 256},
      {"v2 unlimited", {{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "max 100000\n"}}, 8, 8},
      {"v2 whole", {{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 8, 2},
      {"v2 rounded up", {{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "150000 100000\n"}}, 8, 2},
      {"v2 less than one", {{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "10000 100000\n"}}, 8, 1},
      {"v2 more than affinity", {{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "900000 100000\n"}}, 4, 4},
      {"v2 own group",
       {{groups, "0::/a.slice/b.service\n"}, {"sys/fs/cgroup/a.slice/b.service/cpu.max", "300000 100000\n"}},
       8,
       3},
      {"v2 group above",
       {{groups, "0::/a.slice/b.service\n"},
        {"sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n"},
        {"sys/fs/cgroup/a.slice/cpu.max", "200000 100000\n"}},
       8,
       2},
      {"v2 path of the host", {{groups, "0::/kubepods/pod1\n"}, {"sys/fs/cgroup/cpu.max", "200000 100000\n"}}, 8, 2},
      {"v2 broken", {{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "much\n"}}, 8, 8},
      {"v2 no period", {{groups, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "100000 0\n"}}, 8, 8},
      {"v1 unlimited",
       {{groups, "4:cpu,cpuacct:/\n"},
        {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
        {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}},
       8,
       8},
      {"v1 limited",
       {{groups, "5:memory:/x\n4:cpu,cpuacct:/x\n"},
        {"sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "250000\n"},
        {"sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n"}},
       8,
       3},
      {"v1 alone",
       {{groups, "1:cpu:/\n"},
        {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n"},
        {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
       8,
       1},
      {"both at once",
       {{groups, "1:cpu:/\n0::/\n"},
        {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
        {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
        {"sys/fs/cgroup/unified/cpu.max", "400000 100000\n"}},
       8,
       4},
      {"nonsense", {{groups, "nonsense\n:\n::\n"}}, 8, 8},
  };
  const fs::path top = fs::path(testing::TempDir()) / ("available_cpus_" + std::to_string(getpid()));
  for (const CpuCase& each : cases) {
    fs::remove_all(top);
    for (const auto& [name, content] : each.files) {
      fs::create_directories((top / name).parent_path());
      std::ofstream(top / name) << content;
    }
    EXPECT_EQ(available_cpus(top, each.affinity), each.expected) << each.name;
  }
  fs::remove_all(top);
}

TEST(AvailableCpus, ThisProcessMayRunSomewhere) {
  EXPECT_GE(cpus_by_affinity(), 1U);
}

}  // namespace
}  // namespace sidegate::config
