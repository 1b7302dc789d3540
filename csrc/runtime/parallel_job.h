// One parallel_for under way, as both back ends see it. Internal to runtime/.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>

#include "runtime/parallel.h"

namespace nnseq {

inline void cpu_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until ready() or for 50 us; returns the last ready().
template <class Ready>
bool spin_until(Ready&& ready) noexcept {
  constexpr std::int64_t kSpinNs = 50'000;
  const std::int64_t start = steady_ns();
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      cpu_pause();
    }
  } while (steady_ns() - start < kSpinNs);
  return ready();
}

// Lives on the caller's stack. Worker 0 is the calling thread.
class Job {
 public:
  Job(std::int64_t blocks, BlockFn fn, std::atomic<bool>* cancel, const PollHook& poll) noexcept;

  // Runs blocks until none is left, or the job is cancelled or has failed.
  void drain(int worker) noexcept;
  // The same, marked as a region: a parallel_for inside it runs inline.
  void work(int worker) noexcept;
  static bool inside_region() noexcept;

  // For the calling thread only.
  bool polls() const noexcept { return poll_.call != nullptr; }
  void poll() noexcept;
  void rethrow();

 private:
  bool stopped() const noexcept {
    return stop_.load(std::memory_order_relaxed) ||
           (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed));
  }

  const std::int64_t blocks_;
  const BlockFn fn_;
  std::atomic<bool>* const cancel_;
  PollHook poll_;
  std::int64_t poll_start_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // written once, by the worker that set failed_
  alignas(64) std::atomic<std::int64_t> next_{0};
};

// Counts the workers that may be inside a block, and lets the caller wait until there is none.
//
// A worker enters before it takes its first block, and the caller waits after it found no block
// left, so the caller cannot miss a worker that has one.
class Crew {
 public:
  void enter() noexcept { active_.fetch_add(1, std::memory_order_seq_cst); }
  void leave() noexcept;
  void wait(Job& job, bool spin) noexcept;

 private:
  bool empty() const noexcept { return active_.load(std::memory_order_seq_cst) == 0; }

  alignas(64) std::atomic<int> active_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::mutex mutex_;
  std::condition_variable done_;
};

}  // namespace nnseq
