// parallel_for: the only way a kernel uses more than one core.
//
// Work is cut into `blocks` by the shape of the problem, never by the number of threads, and each
// block is run exactly once by some worker, so results cannot depend on the thread count.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "nnseq/context.h"

namespace nnseq {

enum class ThreadBackend { kOpenMP, kStdThread };
// An OpenMP region ends when all its threads have come, so on a busy machine it waits for those
// that the system does not let run; a Team ends when the blocks are done, whoever did them.
inline constexpr ThreadBackend kDefaultBackend = ThreadBackend::kStdThread;

// A non-owning reference to a callable void(int64_t block, int worker).
class BlockFn {
 public:
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, BlockFn>>>
  BlockFn(F&& f)  // NOLINT: implicit on purpose
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* o, std::int64_t block, int worker) {
          (*static_cast<std::remove_reference_t<F>*>(o))(block, worker);
        }) {}
  void operator()(std::int64_t block, int worker) const { call_(object_, block, worker); }

 private:
  void* object_;
  void (*call_)(void*, std::int64_t, int);
};

// Called by the calling thread between blocks and between steps, at most every 50 ms. Returning
// true cancels the run: blocks not yet started are skipped. Must not throw.
struct PollHook {
  bool (*call)(void* user) = nullptr;
  void* user = nullptr;
  // When the hook was last called (steady clock), shared by all regions and steps of one run and
  // touched by the calling thread only. Null: each parallel_for counts from its own start.
  std::int64_t* last_ns = nullptr;
};

std::int64_t steady_ns() noexcept;  // the clock of last_ns

inline constexpr std::int64_t kPollIntervalNs = 50'000'000;

// Calls the hook when it is due; true means cancel. `poll.last_ns` must be set where `poll.call`
// is. For the run loop between steps; parallel_for does the same between blocks.
bool poll_if_due(const PollHook& poll) noexcept;

class ThreadPool {
 public:
  // threads <= 0: available_threads(). Starts no thread before the first parallel_for that needs
  // one. Throws Error(kUnsupported) for a back end that this build does not have.
  explicit ThreadPool(int threads = 0, ThreadBackend backend = kDefaultBackend);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // The upper bound of workers; the system may give fewer, which changes the speed only.
  int threads() const noexcept;
  // Both setters act from the next parallel_for on. A kernel that sized its scratch by threads()
  // must not be running.
  void set_threads(int threads);
  // What the next parallel_for uses: kStdThread in a forked child, where OpenMP would hang, and
  // where OpenMP could not start its threads.
  ThreadBackend backend() const noexcept;
  void set_backend(ThreadBackend backend);
  // The application's threads take the place of the back end; an empty hook gives it back.
  void set_hook(const ParallelHook& hook);

  // Runs fn(block, worker) for each block in [0, blocks); worker in [0, threads()) is unique among
  // the blocks that run at one time. Runs inline when blocks < 2, inside another parallel_for, or
  // when another caller holds the pool (then worker is 0). The first exception that a block throws
  // is rethrown to the caller after all workers stopped. `cancel` (may be null) is checked before
  // each block; `poll` is called by the calling thread and sets *cancel.
  void parallel_for(std::int64_t blocks, BlockFn fn, std::atomic<bool>* cancel = nullptr,
                    PollHook poll = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The thread count that a new pool takes: min(affinity, cgroup v1/v2 quota, NNSEQ_NUM_THREADS,
// OMP_NUM_THREADS), at least 1; `root` stands for "/" in tests with a fake cgroup tree.
int available_threads(const char* root = "/");

}  // namespace nnseq
