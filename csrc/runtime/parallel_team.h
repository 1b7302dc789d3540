// The std::thread back end: workers that spin for a moment and then sleep. Internal to runtime/.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/parallel_job.h"

namespace nnseq {

class Team {
 public:
  // `threads` counts the caller. Starts fewer workers where the system refuses more.
  Team(int threads, bool spin);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // One caller at a time. Returns when all blocks that were started are done.
  void run(Job& job) noexcept;

 private:
  void serve(int worker) noexcept;
  std::uint64_t wait_for_change(std::uint64_t seen) noexcept;

  // Odd: job_ is open. The caller closes it (even) before it waits for the crew, and a worker
  // enters the crew before it looks, so no worker touches a job that has ended, and a worker that
  // wakes late delays nobody.
  alignas(64) std::atomic<std::uint64_t> epoch_{0};
  Job* job_ = nullptr;
  const bool spin_;
  alignas(64) std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  Crew crew_;
  std::vector<std::thread> workers_;
};

// Whether `count` more threads could be started now.
bool can_start_threads(int count) noexcept;

}  // namespace nnseq
