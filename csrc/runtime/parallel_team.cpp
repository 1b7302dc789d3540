#include "runtime/parallel_team.h"

#include <pthread.h>
#include <signal.h>

#include <exception>

namespace nnseq {
namespace {

constexpr std::uint64_t kQuit = ~std::uint64_t{1};  // even: never an open job

// Signals belong to the application's threads: workers start with all of them blocked.
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

template <class MakeThread>
void start_threads(std::vector<std::thread>& threads, int count, MakeThread&& make) noexcept {
  const BlockedSignals blocked;
  try {
    threads.reserve(static_cast<std::size_t>(count));
    while (static_cast<int>(threads.size()) < count) threads.push_back(make());
  } catch (const std::exception&) {  // system_error or bad_alloc: go on with those that run
  }
}

}  // namespace

Team::Team(int threads, bool spin) : spin_(spin) {
  int worker = 0;
  start_threads(workers_, threads - 1, [&] {
    std::thread thread(&Team::serve, this, worker + 1);
    ++worker;
    return thread;
  });
}

Team::~Team() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    epoch_.store(kQuit, std::memory_order_seq_cst);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Team::run(Job& job) noexcept {
  const std::uint64_t open = epoch_.load(std::memory_order_relaxed) + 1;
  job_ = &job;
  epoch_.store(open, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) {
    { std::lock_guard<std::mutex> lock(mutex_); }
    wake_.notify_all();
  }
  job.work(0);
  epoch_.store(open + 1, std::memory_order_seq_cst);
  crew_.wait(job, spin_);
}

void Team::serve(int worker) noexcept {
  std::uint64_t seen = 0;
  while (seen != kQuit) {
    seen = wait_for_change(seen);
    if ((seen & 1) == 0) continue;  // a job came and went: the next may be near, so spin again
    crew_.enter();
    seen = epoch_.load(std::memory_order_seq_cst);
    if (seen & 1) job_->work(worker);
    crew_.leave();
  }
}

std::uint64_t Team::wait_for_change(std::uint64_t seen) noexcept {
  std::uint64_t epoch = seen;
  const auto changed = [&] { return (epoch = epoch_.load(std::memory_order_seq_cst)) != seen; };
  if (spin_ && spin_until(changed)) return epoch;
  std::unique_lock<std::mutex> lock(mutex_);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  wake_.wait(lock, changed);
  sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  return epoch;
}

bool can_start_threads(int count) noexcept {
  std::mutex gate;
  std::vector<std::thread> threads;
  {
    std::lock_guard<std::mutex> lock(gate);  // all of them exist at one time
    start_threads(threads, count,
                  [&] { return std::thread([&gate] { std::lock_guard<std::mutex> wait(gate); }); });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<int>(threads.size()) == count;
}

}  // namespace nnseq
