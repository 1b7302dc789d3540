// How many CPUs the system lets this process use. Internal to runtime/.
#pragma once

namespace nnseq {

// CPUs of the calling thread's affinity mask; at least 1.
int affinity_cpus() noexcept;

// The cgroup v1 or v2 CPU quota, rounded up to whole CPUs: the least of the process's own group
// and all groups above it. 0: no limit. `root` stands for "/".
int cgroup_cpus(const char* root);

}  // namespace nnseq
