#include "runtime/cpu_limit.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "runtime/parallel.h"

namespace nnseq {
namespace {

// 0 stands for "no limit" throughout.
int tighter(int a, int b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

int whole_cpus(std::int64_t quota, std::int64_t period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::min<std::int64_t>((quota - 1) / period + 1, 1 << 20));
}

// v2, cpu.max: "max 100000" or "150000 100000".
int v2_limit(const std::string& dir) {
  std::ifstream file(dir + "/cpu.max");
  std::int64_t quota = 0, period = 0;
  return file >> quota >> period ? whole_cpus(quota, period) : 0;
}

// v1: cpu.cfs_quota_us holds -1 where there is no limit.
int v1_limit(const std::string& dir) {
  std::ifstream quota_file(dir + "/cpu.cfs_quota_us"), period_file(dir + "/cpu.cfs_period_us");
  std::int64_t quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? whole_cpus(quota, period) : 0;
}

// The group itself and every group above it. A container often sees only its own group, mounted
// at the top, while /proc still names the host's path: then the lower ones are not there.
int least_up_the_tree(const std::string& mount, std::string group,
                      int (*limit)(const std::string&)) {
  int least = limit(mount);
  for (; group.size() > 1; group.resize(group.find_last_of('/'))) {
    least = tighter(least, limit(mount + group));
  }
  return least;
}

// A line of /proc/self/cgroup is "id:controllers:/group"; v2 has no controllers.
int line_limit(const std::string& root, const std::string& line) {
  const std::size_t first = line.find(':');
  const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
  if (second == line.npos || second + 1 >= line.size() || line[second + 1] != '/') return 0;
  const std::string controllers = line.substr(first + 1, second - first - 1);
  const std::string group = line.substr(second + 1);
  const std::string mounts = root + "/sys/fs/cgroup";
  if (controllers.empty()) {
    return tighter(least_up_the_tree(mounts, group, v2_limit),
                   least_up_the_tree(mounts + "/unified", group, v2_limit));
  }
  if (("," + controllers + ",").find(",cpu,") == std::string::npos) return 0;
  return tighter(least_up_the_tree(mounts + "/" + controllers, group, v1_limit),
                 least_up_the_tree(mounts + "/cpu", group, v1_limit));
}

// A positive number at the start of the variable ("4" or "4,2"); 0 where there is none.
int env_limit(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  const long value = std::strtol(text, nullptr, 10);
  return static_cast<int>(std::clamp(value, 0L, 1L << 20));
}

}  // namespace

int affinity_cpus() noexcept {
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) return 1;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const int failed = sched_getaffinity(0, bytes, set) != 0 ? errno : 0;
    const int count = failed != 0 ? 0 : CPU_COUNT_S(bytes, set);
    CPU_FREE(set);
    if (failed != EINVAL) return std::max(count, 1);  // EINVAL: the machine has more CPUs
  }
  return 1;
}

int cgroup_cpus(const char* root) {
  const std::string top = std::string_view(root) == "/" ? "" : root;
  std::ifstream groups(top + "/proc/self/cgroup");
  int least = 0;
  for (std::string line; std::getline(groups, line);) least = tighter(least, line_limit(top, line));
  return least;
}

int available_threads(const char* root) {
  int threads = affinity_cpus();
  threads = tighter(threads, cgroup_cpus(root));
  threads = tighter(threads, env_limit("NNSEQ_NUM_THREADS"));
  return tighter(threads, env_limit("OMP_NUM_THREADS"));
}

}  // namespace nnseq
