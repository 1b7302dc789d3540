// The parameter lock: one fit step writes, predicts read. Fair (a waiting writer stops new readers)
// and fork-safe (rebuilt in a child process).
#pragma once

#include <memory>

namespace nnseq {

class StateLock {
 public:
  StateLock();
  ~StateLock();
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;
  // Both throw Error(kValue) when the calling thread already holds the write lock (a signal handler
  // that predicts in the middle of its own fit), instead of waiting for ever.
  void lock();
  void unlock() noexcept;
  void lock_shared();
  void unlock_shared() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nnseq
