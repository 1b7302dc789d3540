#include "runtime/state_lock.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "nnseq/error.h"
#include "runtime/fork_safe.h"

namespace nnseq {
namespace {

struct Queue {
  std::mutex mutex;
  std::condition_variable moved;
  std::uint64_t next_ticket = 0;
  std::uint64_t serving = 0;  // tickets below it have the lock or had it
  bool writing = false;
  std::thread::id writer;
  std::vector<std::thread::id> readers;  // once for each time that a thread holds the lock

  bool reads(std::thread::id thread) const {
    return std::find(readers.begin(), readers.end(), thread) != readers.end();
  }
  bool writes(std::thread::id thread) const { return writing && writer == thread; }
};

[[noreturn]] void throw_held(const char* wanted, const char* held) {
  throw Error(ErrorKind::kValue, std::string("this thread cannot start to ") + wanted +
                                     " while it is in the middle of a call that " + held +
                                     " the same variables");
}

}  // namespace

struct StateLock::Impl {
  ForkSafe<Queue> queue;
};

StateLock::StateLock() : impl_(std::make_unique<Impl>()) {}
StateLock::~StateLock() = default;

void StateLock::lock() {
  Queue& q = impl_->queue.get();
  const std::thread::id self = std::this_thread::get_id();
  std::unique_lock<std::mutex> guard(q.mutex);
  if (q.writes(self)) throw_held("write", "writes");
  if (q.reads(self)) throw_held("write", "reads");
  const std::uint64_t ticket = q.next_ticket++;
  q.moved.wait(guard, [&] { return q.serving == ticket && !q.writing && q.readers.empty(); });
  q.serving = ticket + 1;
  q.writing = true;
  q.writer = self;
}

void StateLock::lock_shared() {
  Queue& q = impl_->queue.get();
  const std::thread::id self = std::this_thread::get_id();
  std::unique_lock<std::mutex> guard(q.mutex);
  if (q.writes(self)) throw_held("read", "writes");
  if (!q.reads(self)) {
    const std::uint64_t ticket = q.next_ticket++;
    q.moved.wait(guard, [&] { return q.serving == ticket && !q.writing; });
    q.serving = ticket + 1;
    q.moved.notify_all();  // the next one may be a reader too
  }
  q.readers.push_back(self);  // bad_alloc here leaves the lock as if never taken
}

void StateLock::unlock() noexcept {
  Queue& q = impl_->queue.get();
  const std::lock_guard<std::mutex> guard(q.mutex);
  if (!q.writes(std::this_thread::get_id())) return;
  q.writing = false;
  q.moved.notify_all();
}

void StateLock::unlock_shared() noexcept {
  Queue& q = impl_->queue.get();
  const std::lock_guard<std::mutex> guard(q.mutex);
  const auto self = std::find(q.readers.begin(), q.readers.end(), std::this_thread::get_id());
  if (self == q.readers.end()) return;
  q.readers.erase(self);
  if (q.readers.empty()) q.moved.notify_all();
}

}  // namespace nnseq
