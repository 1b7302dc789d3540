// What benchmarks of the CPU kernels share: buffers, the machine's peak, a pool per thread count.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

#include "cpu/kernel_table.h"
#include "runtime/device.h"
#include "runtime/kernel_args.h"

namespace nnseq::bench {

// Memory of the CPU device (64-byte aligned, large pages), filled with small numbers.
class Floats {
 public:
  explicit Floats(std::int64_t count)
      : buffer_(make_cpu_device(), static_cast<std::size_t>(count) * sizeof(float) + 64) {
    for (std::int64_t i = 0; i < count; ++i) data()[i] = static_cast<float>(i % 17) * 0.01f - 0.08f;
  }
  float* data() { return static_cast<float*>(buffer_.data()); }

 private:
  Buffer buffer_;
};

// The best ISA on `threads` threads.
class Machine {
 public:
  explicit Machine(int threads) : pool_(threads) {
    exec_.kernels = &cpu::best_kernel_table();
    exec_.pool = threads > 1 ? &pool_ : nullptr;
  }
  const Exec& exec() const { return exec_; }

 private:
  ThreadPool pool_;
  Exec exec_;
};

// Reports floating-point operations per second as "GFLOP/s" and what share of one core's peak
// (times threads) that is.
void report_flops(benchmark::State& state, double flops_per_iteration, int threads);

// Reports bytes read and written per second as "GB/s", and as "copy" what share that is of copying:
// as many bytes, half of them read and half written, on as many threads.
void report_bytes(benchmark::State& state, double bytes_per_iteration, int threads);

// A row for one and for two threads.
#define NNSEQ_ROW(fn, name, ...)       \
  BENCHMARK_CAPTURE(fn, , __VA_ARGS__) \
      ->Name(name)                     \
      ->ArgName("threads")             \
      ->Arg(1)                         \
      ->Arg(2)                         \
      ->UseRealTime()                  \
      ->Unit(benchmark::kMicrosecond)

}  // namespace nnseq::bench
