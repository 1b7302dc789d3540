#include "runtime/parallel.h"

#include <memory>

#include "nnseq/error.h"
#include "runtime/cpu_limit.h"
#include "runtime/fork_safe.h"
#include "runtime/parallel_job.h"
#include "runtime/parallel_openmp.h"
#include "runtime/parallel_team.h"

namespace nnseq {
namespace {

// What only one caller at a time may use, and what a forked child must rebuild.
struct Crews {
  std::atomic<bool> busy{false};
  std::unique_ptr<Team> team;
  int threads = 0;  // that `team` and `spin` were made for
  bool spin = false;
};

class TryLock {
 public:
  explicit TryLock(std::atomic<bool>& busy) noexcept
      : busy_(busy), owned_(!busy.exchange(true, std::memory_order_acquire)) {}
  ~TryLock() {
    if (owned_) busy_.store(false, std::memory_order_release);
  }
  TryLock(const TryLock&) = delete;
  TryLock& operator=(const TryLock&) = delete;
  bool owned() const noexcept { return owned_; }

 private:
  std::atomic<bool>& busy_;
  const bool owned_;
};

void check_backend(ThreadBackend backend) {
  if (backend == ThreadBackend::kOpenMP && !openmp_built()) {
    throw Error(ErrorKind::kUnsupported, "this build of nnseq has no OpenMP");
  }
}

}  // namespace

struct ThreadPool::Impl {
  std::atomic<int> threads;
  std::atomic<ThreadBackend> backend;
  ForkSafe<Crews> crews;
  ParallelHook hook;

  Impl(int n, ThreadBackend b) : threads(n), backend(b) {}
  void run(Crews& held, Job& job, int n);
  bool use_openmp(int n);
};

bool ThreadPool::Impl::use_openmp(int n) {
  if (backend.load(std::memory_order_relaxed) != ThreadBackend::kOpenMP || crews.in_child()) {
    return false;
  }
  const OpenMPState state = openmp_state(n, crews.pid());
  if (state == OpenMPState::kNoThreads) {
    backend.store(ThreadBackend::kStdThread, std::memory_order_relaxed);
  }
  return state == OpenMPState::kReady;
}

void ThreadPool::Impl::run(Crews& held, Job& job, int n) {
  if (hook.run != nullptr) {  // task i is worker i: the first that comes may find all work to do
    const auto task = [](void* arg, int i) { static_cast<Job*>(arg)->work(i); };
    return hook.run(n, task, &job, hook.user);
  }
  if (held.threads != n) {
    held.team.reset();
    held.spin = n <= affinity_cpus();
    held.threads = n;
  }
  // The team keeps its size even where fewer blocks wait: growing it again would start threads.
  if (use_openmp(n)) return openmp_run(job, n, held.spin);
  if (!held.team) held.team = std::make_unique<Team>(n, held.spin);
  held.team->run(job);
}

ThreadPool::ThreadPool(int threads, ThreadBackend backend) {
  check_backend(backend);
  impl_ = std::make_unique<Impl>(threads > 0 ? threads : available_threads(), backend);
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const noexcept { return impl_->threads.load(std::memory_order_relaxed); }

void ThreadPool::set_threads(int threads) {
  impl_->threads.store(threads > 0 ? threads : available_threads(), std::memory_order_relaxed);
}

ThreadBackend ThreadPool::backend() const noexcept {
  if (impl_->crews.in_child()) return ThreadBackend::kStdThread;
  return impl_->backend.load(std::memory_order_relaxed);
}

void ThreadPool::set_backend(ThreadBackend backend) {
  check_backend(backend);
  impl_->backend.store(backend, std::memory_order_relaxed);
}

void ThreadPool::set_hook(const ParallelHook& hook) { impl_->hook = hook; }

void ThreadPool::parallel_for(std::int64_t blocks, BlockFn fn, std::atomic<bool>* cancel,
                              PollHook poll) {
  Job job(blocks, fn, cancel, poll);
  const int n = threads();
  bool done = false;
  if (blocks > 1 && n > 1 && !Job::inside_region()) {
    Crews& crews = impl_->crews.get();
    const TryLock lock(crews.busy);
    if (lock.owned()) {
      impl_->run(crews, job, n);
      done = true;
    }
  }
  if (!done) job.drain(0);
  job.rethrow();
}

}  // namespace nnseq
