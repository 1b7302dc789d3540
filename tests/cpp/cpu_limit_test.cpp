#include "runtime/cpu_limit.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "fork_child.h"
#include "runtime/parallel.h"

namespace nnseq {
namespace {

class FakeRoot : public testing::Test {
 protected:
  FakeRoot() {
    std::string name = testing::TempDir() + "nnseq-root-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~FakeRoot() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  int cpus() const { return cgroup_cpus(root_.c_str()); }

  std::string root_;
};

TEST_F(FakeRoot, NothingThereMeansNoLimit) {
  EXPECT_EQ(cpus(), 0);
  EXPECT_EQ(available_threads(root_.c_str()), affinity_cpus());
}

TEST_F(FakeRoot, V2QuotaIsRoundedUp) {
  write("/proc/self/cgroup", "0::/job\n");
  write("/sys/fs/cgroup/job/cpu.max", "250000 100000\n");
  EXPECT_EQ(cpus(), 3);
  write("/sys/fs/cgroup/job/cpu.max", "200000 100000\n");
  EXPECT_EQ(cpus(), 2);
  write("/sys/fs/cgroup/job/cpu.max", "1000 100000\n");
  EXPECT_EQ(cpus(), 1);
  EXPECT_EQ(available_threads(root_.c_str()), 1);
  write("/sys/fs/cgroup/job/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(FakeRoot, V2TakesTheLeastOfAllAncestors) {
  write("/proc/self/cgroup", "0::/a/b/c\n");
  write("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  write("/sys/fs/cgroup/a/cpu.max", "500000 100000\n");
  EXPECT_EQ(cpus(), 5);
}

TEST_F(FakeRoot, V2InAContainerThatSeesOnlyItsOwnGroup) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(cpus(), 4);
  write("/proc/self/cgroup", "0::/system.slice/docker-1f.scope\n");
  EXPECT_EQ(cpus(), 4);
}

TEST_F(FakeRoot, V2BesideV1) {
  write("/proc/self/cgroup", "1:name=systemd:/\n0::/job\n");
  write("/sys/fs/cgroup/unified/job/cpu.max", "600000 100000\n");
  EXPECT_EQ(cpus(), 6);
}

TEST_F(FakeRoot, V1Quota) {
  write("/proc/self/cgroup", "9:cpuset:/x\n4:cpu,cpuacct:/docker/1f\n1:name=systemd:/\n");
  write("/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us", "350000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 4);
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");  // the group above
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(cpus(), 1);
}

TEST_F(FakeRoot, V1UnderItsShortNameAndWithoutALimit) {
  write("/proc/self/cgroup", "4:cpuacct,cpu:/\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 0);
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "700000\n");
  EXPECT_EQ(cpus(), 7);
}

TEST_F(FakeRoot, OddTextIsNoLimit) {
  for (const char* line : {"", "\n", "0", "0:", "0::", "::\n", "0::relative\n", "\xff:\xff:/\n"}) {
    write("/proc/self/cgroup", line);
    write("/sys/fs/cgroup/cpu.max", "nonsense");
    EXPECT_EQ(cpus(), 0) << line;
  }
  write("/proc/self/cgroup", "0::/\n");
  for (const char* text : {"", "-5 100000", "100000 0", "100000", "99999999999999999999 1"}) {
    write("/sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(cpus(), 0) << text;
  }
}

class Environment : public FakeRoot {
 protected:
  ~Environment() override {
    ::unsetenv("NNSEQ_NUM_THREADS");
    ::unsetenv("OMP_NUM_THREADS");
  }
  int threads() const { return available_threads(root_.c_str()); }
};

TEST_F(Environment, VariablesLowerTheCount) {
  for (const char* name : {"NNSEQ_NUM_THREADS", "OMP_NUM_THREADS"}) {
    ::setenv(name, "1", 1);
    EXPECT_EQ(threads(), 1) << name;
    ::setenv(name, "1,4", 1);
    EXPECT_EQ(threads(), 1) << name;
    for (const char* other : {"1000000", "0", "-3", "", "many"}) {
      ::setenv(name, other, 1);
      EXPECT_EQ(threads(), affinity_cpus()) << name << '=' << other;
    }
    ::unsetenv(name);
  }
}

TEST(Affinity, IsObeyed) {
  EXPECT_TRUE(in_child([] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(::sched_getcpu(), &set);
    return ::sched_setaffinity(0, sizeof set, &set) == 0 && affinity_cpus() == 1 &&
           available_threads() == 1;
  }));
}

}  // namespace
}  // namespace nnseq
