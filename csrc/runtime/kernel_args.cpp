#include "runtime/kernel_args.h"

#include <tuple>

namespace nnseq {

void RunStatus::reset() noexcept {
  failed_.store(false, std::memory_order_relaxed);
  step_ = 0;
  error_ = {};
}

void RunStatus::report(int step, const DataError& error) noexcept {
  while (lock_.test_and_set(std::memory_order_acquire)) {
  }
  const bool first = !failed_.load(std::memory_order_relaxed);
  if (first || std::tie(step, error.element) < std::tie(step_, error_.element)) {
    step_ = step;
    error_ = error;
    failed_.store(true, std::memory_order_release);
  }
  lock_.clear(std::memory_order_release);
}

}  // namespace nnseq
