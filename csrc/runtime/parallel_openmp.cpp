#include "runtime/parallel_openmp.h"

#if defined(NNSEQ_OPENMP)

#include <omp.h>

#include "runtime/parallel_team.h"

namespace nnseq {
namespace {

// libgomp keeps a team for each thread that opens regions; this is what we know of it.
struct ThreadTeam {
  pid_t pid = 0;
  int threads = 0;
};
thread_local ThreadTeam t_team;

}  // namespace

bool openmp_built() noexcept { return true; }

OpenMPState openmp_state(int threads, pid_t pid) noexcept {
  if (t_team.pid != 0 && t_team.pid != pid) return OpenMPState::kForked;
  if (t_team.threads >= threads) return OpenMPState::kReady;
  if (!can_start_threads(threads - 1)) return OpenMPState::kNoThreads;
  t_team = {pid, threads};
  return OpenMPState::kReady;
}

void openmp_run(Job& job, int threads, bool spin) noexcept {
  Crew crew;
#pragma omp parallel num_threads(threads) default(shared)
  {
    const int worker = omp_get_thread_num();
    if (worker != 0) {
      crew.enter();
      job.work(worker);
      crew.leave();
    } else {
      job.work(0);
      if (job.polls()) crew.wait(job, spin);  // the barrier that follows cannot poll
    }
  }
}

}  // namespace nnseq

#else

namespace nnseq {

bool openmp_built() noexcept { return false; }
OpenMPState openmp_state(int, pid_t) noexcept { return OpenMPState::kNoThreads; }
void openmp_run(Job& job, int, bool) noexcept { job.work(0); }

}  // namespace nnseq

#endif
