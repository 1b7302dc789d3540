// What a kernel body gets: operands, attributes, scratch, and the Exec it runs on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "nnseq/shape.h"
#include "runtime/parallel.h"

namespace nnseq {

namespace cpu {
struct KernelTable;
}

// One operand at run time. `type` is owned by the Program and outlives the run.
struct TensorRef {
  void* data = nullptr;
  const TensorType* type = nullptr;

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  float* f32() const { return as<float>(); }
  const Shape& shape() const { return type->shape; }
  std::int64_t count() const { return type->count(); }
};

// What a kernel found wrong with its data: a bad index or, by check_finite, an operand that is not
// finite. The run loop looks for the first one before its first write.
struct DataError {
  std::int64_t element = 0;  // flat position in the index operand; number of the operand
  std::int64_t value = 0;
  std::int64_t bound = 0;  // valid: 0 <= value < bound
};

class RunStatus {
 public:
  void reset() noexcept;
  // Thread-safe; keeps the error with the lowest (step, element), so threads cannot change it.
  void report(int step, const DataError& error) noexcept;
  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  int step() const noexcept { return step_; }
  const DataError& error() const noexcept { return error_; }

 private:
  std::atomic<bool> failed_{false};
  std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
  int step_ = 0;
  DataError error_;
};

// The machine as one run sees it. Cheap to copy; lives on the stack of the run loop.
struct Exec {
  ThreadPool* pool = nullptr;
  const cpu::KernelTable* kernels = nullptr;
  RunStatus* status = nullptr;
  std::atomic<bool>* cancel = nullptr;
  PollHook poll;
  int step = 0;  // index of the running step, for RunStatus

  int workers() const noexcept { return pool ? pool->threads() : 1; }

  // Runs fn(block, worker) over blocks; `block_cost` is about the nanoseconds of one block on one
  // core. Work too small to pay for a barrier runs inline on worker 0.
  template <class F>
  void parallel_for(std::int64_t blocks, std::int64_t block_cost, F&& fn) const {
    constexpr std::int64_t kWorthABarrier = 4000;  // nanoseconds
    if (pool == nullptr || blocks < 2 || blocks * block_cost < kWorthABarrier) {
      for (std::int64_t b = 0; b < blocks; ++b) fn(b, 0);
    } else {
      pool->parallel_for(blocks, fn, cancel, poll);
    }
  }
};

struct KernelArgs {
  const TensorRef* in;
  const TensorRef* out;
  int num_in;
  int num_out;
  const void* attrs;  // const Attrs*, the concrete attributes of the node
  void* scratch;      // as many bytes as the op's scratch rule asked for
  const Exec* exec;
};

using KernelBody = void (*)(const KernelArgs&) noexcept;

}  // namespace nnseq
