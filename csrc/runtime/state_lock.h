// The parameter lock: one fit step writes, predicts read. First come, first served (readers that
// follow each other share it, so neither side can starve the other) and fork-safe (free in a child
// process).
#pragma once

#include <memory>

namespace nnseq {

class StateLock {
 public:
  StateLock();
  ~StateLock();
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;
  // Throws Error(kValue) when the calling thread already holds the lock in either way, instead of
  // waiting for ever (a signal handler that fits in the middle of its own predict).
  void lock();
  // A thread that already reads may read again. Throws Error(kValue) when the calling thread holds
  // the write lock (a signal handler that predicts in the middle of its own fit).
  void lock_shared();
  // By the thread that took the lock. Nothing happens where it does not hold it: in a child that
  // was forked while its thread held the lock.
  void unlock() noexcept;
  void unlock_shared() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nnseq
