#include "runtime/parallel_job.h"

#include <chrono>

namespace nnseq {
namespace {

thread_local bool t_inside_region = false;

}  // namespace

std::int64_t steady_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool poll_if_due(const PollHook& poll) noexcept {
  if (poll.call == nullptr) return false;
  const std::int64_t now = steady_ns();
  if (now - *poll.last_ns < kPollIntervalNs) return false;
  const bool cancel = poll.call(poll.user);
  *poll.last_ns = steady_ns();  // a slow hook must not eat the run
  return cancel;
}

Job::Job(std::int64_t blocks, BlockFn fn, std::atomic<bool>* cancel, const PollHook& poll) noexcept
    : blocks_(blocks), fn_(fn), cancel_(cancel), poll_(poll) {
  if (poll_.call != nullptr && poll_.last_ns == nullptr) {
    poll_start_ = steady_ns();
    poll_.last_ns = &poll_start_;
  }
}

void Job::drain(int worker) noexcept {
  try {
    for (;;) {
      if (worker == 0) poll();
      if (stopped()) return;
      const std::int64_t block = next_.fetch_add(1, std::memory_order_acq_rel);
      if (block >= blocks_) return;
      fn_(block, worker);
    }
  } catch (...) {
    stop_.store(true, std::memory_order_relaxed);
    if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::current_exception();
  }
}

void Job::work(int worker) noexcept {
  const bool outer = t_inside_region;
  t_inside_region = true;
  drain(worker);
  t_inside_region = outer;
}

bool Job::inside_region() noexcept { return t_inside_region; }

void Job::poll() noexcept {
  if (!poll_if_due(poll_)) return;
  stop_.store(true, std::memory_order_relaxed);
  if (cancel_ != nullptr) cancel_->store(true, std::memory_order_relaxed);
}

void Job::rethrow() {
  if (error_) std::rethrow_exception(error_);
}

void Crew::leave() noexcept {
  if (active_.fetch_sub(1, std::memory_order_seq_cst) != 1) return;
  if (!caller_sleeps_.load(std::memory_order_seq_cst)) return;
  { std::lock_guard<std::mutex> lock(mutex_); }  // the caller is in wait() or not asleep any more
  done_.notify_one();
}

void Crew::wait(Job& job, bool spin) noexcept {
  if (empty() || (spin && spin_until([&] { return empty(); }))) return;
  caller_sleeps_.store(true, std::memory_order_seq_cst);
  std::unique_lock<std::mutex> lock(mutex_);
  while (!empty()) {
    if (!job.polls()) {
      done_.wait(lock);
      continue;
    }
    done_.wait_for(lock, std::chrono::nanoseconds(kPollIntervalNs));
    lock.unlock();
    job.poll();
    lock.lock();
  }
  caller_sleeps_.store(false, std::memory_order_seq_cst);
}

}  // namespace nnseq
