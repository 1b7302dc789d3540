// The OpenMP back end. Internal to runtime/.
#pragma once

#include <sys/types.h>

#include "runtime/parallel_job.h"

namespace nnseq {

bool openmp_built() noexcept;

enum class OpenMPState {
  kReady,
  kForked,     // the calling thread's OpenMP workers stayed in the parent process: a region hangs
  kNoThreads,  // the system refuses threads: OpenMP would end the process
};

// Whether the calling thread may open a region of `threads` threads; `pid` is this process.
OpenMPState openmp_state(int threads, pid_t pid) noexcept;

void openmp_run(Job& job, int threads, bool spin) noexcept;

}  // namespace nnseq
