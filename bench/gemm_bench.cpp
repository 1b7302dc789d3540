#include "cpu/gemm.h"

#include <chrono>

#include "kernel_bench.h"

namespace nnseq::bench {
namespace {

using std::int64_t;

// One register tile over operands in L1, as often as it takes: the peak that a kernel can reach.
double tile_rate(int64_t repetitions) {
  const auto& kernels = cpu::best_kernel_table().gemm;
  const int rows = kernels.max_rows[kernels.best_vectors], columns = kernels.best_vectors * 16;
  const int64_t k = 128;
  static Floats a(rows * k), b(k * columns), c(rows * columns);
  cpu::Tile t{};
  t.a = a.data();
  t.stride_a = rows;
  t.k = k;
  t.runs = t.blocks = 1;
  t.run_stride = t.block_stride = 0;
  t.b = b.data();
  t.ldb = t.ldc = columns;
  t.c = c.data();
  t.last = 16;
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < repetitions; ++i) kernels.tile[1][kernels.best_vectors][rows](t);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return 2.0 * rows * columns * k * repetitions / seconds.count();
}

// Measured again for every row, because clocks drift.
double peak() {
  double best = 0;
  for (int i = 0; i < 20; ++i) best = std::max(best, tile_rate(2000));
  return best;
}

void fma_peak(benchmark::State& state) {
  double rate = 0;
  for (auto _ : state) rate = std::max(rate, tile_rate(1000));
  state.counters["GFLOP/s"] = rate * 1e-9;
}
BENCHMARK(fma_peak)->Name("gemm/0_fma_peak");

enum Layout { kNN, kNT, kTN };

void gemm_bench(benchmark::State& state, Layout layout, int64_t m, int64_t n, int64_t k) {
  const int threads = static_cast<int>(state.range(0));
  const Machine machine(threads);
  cpu::Gemm p;
  p.trans_a = layout == kTN;
  p.trans_b = layout == kNT;
  p.m = m;
  p.n = n;
  p.k = k;
  p.lda = p.trans_a ? m : k;
  p.ldb = p.trans_b ? k : n;
  p.ldc = n;
  Floats a(m * k), b(k * n), c(m * n);
  Floats scratch(static_cast<int64_t>(cpu::gemm_scratch(p, threads) / sizeof(float)));
  for (auto _ : state) {
    cpu::gemm(machine.exec(), p, a.data(), b.data(), c.data(), {}, scratch.data());
  }
  report_flops(state, 2.0 * static_cast<double>(m * n * k), threads);
}

void dense_8_16_1(benchmark::State& state) {
  const Machine machine(1);
  Floats x(32 * 8), w1(8 * 16), h(32 * 16), w2(16), y(32), bias(16);
  cpu::Gemm first, second;
  first.m = second.m = 32;
  first.n = first.ldb = first.ldc = second.k = second.lda = 16;
  first.k = first.lda = 8;
  second.n = second.ldb = second.ldc = 1;
  cpu::Epilogue e;
  e.bias = bias.data();
  for (auto _ : state) {
    cpu::gemm(machine.exec(), first, x.data(), w1.data(), h.data(), e, nullptr);
    cpu::gemm(machine.exec(), second, h.data(), w2.data(), y.data(), e, nullptr);
  }
}
BENCHMARK(dense_8_16_1)->Name("gemm/dense_8_16_1/batch:32");

#define NNSEQ_GEMM_ROW(layout, m, n, k)                                    \
  BENCHMARK_CAPTURE(gemm_bench, layout##_##m##x##n##x##k, layout, m, n, k) \
      ->Name("gemm/" #layout "_" #m "x" #n "x" #k)                         \
      ->ArgName("threads")                                                 \
      ->Arg(1)                                                             \
      ->Arg(2)                                                             \
      ->UseRealTime()                                                      \
      ->Unit(benchmark::kMicrosecond)

NNSEQ_GEMM_ROW(kNN, 64, 64, 64);
NNSEQ_GEMM_ROW(kNN, 128, 128, 128);
NNSEQ_GEMM_ROW(kNN, 256, 256, 256);
NNSEQ_GEMM_ROW(kNN, 512, 512, 512);
NNSEQ_GEMM_ROW(kNN, 1024, 1024, 1024);
NNSEQ_GEMM_ROW(kNN, 2048, 2048, 2048);
NNSEQ_GEMM_ROW(kNT, 64, 64, 64);
NNSEQ_GEMM_ROW(kNT, 256, 256, 256);
NNSEQ_GEMM_ROW(kNT, 1024, 1024, 1024);
NNSEQ_GEMM_ROW(kTN, 64, 64, 64);
NNSEQ_GEMM_ROW(kTN, 256, 256, 256);
NNSEQ_GEMM_ROW(kTN, 1024, 1024, 1024);
NNSEQ_GEMM_ROW(kNN, 1, 512, 784);
NNSEQ_GEMM_ROW(kNN, 1, 64, 128);
NNSEQ_GEMM_ROW(kNN, 1, 10, 64);
NNSEQ_GEMM_ROW(kNN, 1, 4096, 4096);
NNSEQ_GEMM_ROW(kNN, 8, 512, 784);
NNSEQ_GEMM_ROW(kNN, 8, 512, 512);
NNSEQ_GEMM_ROW(kNN, 8, 10, 512);
NNSEQ_GEMM_ROW(kNN, 8, 4096, 4096);
NNSEQ_GEMM_ROW(kNN, 32, 512, 784);
NNSEQ_GEMM_ROW(kNN, 32, 512, 512);
NNSEQ_GEMM_ROW(kNN, 32, 10, 512);
NNSEQ_GEMM_ROW(kNN, 32, 512, 4096);
NNSEQ_GEMM_ROW(kNN, 32, 4096, 4096);
NNSEQ_GEMM_ROW(kNN, 128, 512, 784);
NNSEQ_GEMM_ROW(kNN, 128, 512, 512);
NNSEQ_GEMM_ROW(kNN, 128, 10, 512);
NNSEQ_GEMM_ROW(kNN, 128, 64, 128);
NNSEQ_GEMM_ROW(kNN, 128, 4096, 4096);
NNSEQ_GEMM_ROW(kNT, 8, 784, 512);
NNSEQ_GEMM_ROW(kNT, 32, 784, 512);
NNSEQ_GEMM_ROW(kNT, 32, 512, 512);
NNSEQ_GEMM_ROW(kNT, 32, 512, 10);
NNSEQ_GEMM_ROW(kNT, 128, 784, 512);
NNSEQ_GEMM_ROW(kTN, 784, 512, 8);
NNSEQ_GEMM_ROW(kTN, 784, 512, 32);
NNSEQ_GEMM_ROW(kTN, 784, 512, 128);
NNSEQ_GEMM_ROW(kTN, 512, 10, 128);
NNSEQ_GEMM_ROW(kTN, 512, 10, 32);
NNSEQ_GEMM_ROW(kNN, 32768, 256, 128);

}  // namespace

void report_flops(benchmark::State& state, double flops_per_iteration, int threads) {
  const double flops = flops_per_iteration * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsRate);
  state.counters["peak"] =
      benchmark::Counter(flops / (peak() * threads), benchmark::Counter::kIsRate);
}

}  // namespace nnseq::bench
