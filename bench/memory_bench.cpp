// What moves more bytes than it computes: pooling, normalisation, softmax, updates of weights.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <map>
#include <utility>

#include "cpu/norm.h"
#include "cpu/pool.h"
#include "cpu/softmax.h"
#include "cpu/update.h"
#include "kernel_bench.h"

namespace nnseq::bench {
namespace {

using std::int64_t;

// Bytes read and written per second when `bytes` are copied, half of them read: the fastest of
// many copies.
double copy_rate(int64_t bytes, int threads) {
  constexpr int64_t kPiece = 1 << 15;
  const Machine machine(threads);
  const int64_t half = std::max<int64_t>(bytes / 2, 64);
  Floats from(half / 4), to(half / 4);
  double best = 0;
  for (int i = 0; i < 30; ++i) {
    const auto start = std::chrono::steady_clock::now();
    machine.exec().parallel_for((half + kPiece - 1) / kPiece, kPiece / 20, [&](int64_t p, int) {
      const auto size = static_cast<std::size_t>(std::min(kPiece, half - p * kPiece));
      std::memcpy(reinterpret_cast<char*>(to.data()) + p * kPiece,
                  reinterpret_cast<char*>(from.data()) + p * kPiece, size);
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, 2.0 * static_cast<double>(half) / seconds.count());
  }
  return best;
}

// `floats` floats are read or written by each run of `kernel`.
template <class F>
void run(benchmark::State& state, int64_t floats, F kernel) {
  const int threads = static_cast<int>(state.range(0));
  const Machine machine(threads);
  for (auto _ : state) kernel(machine.exec());
  report_bytes(state, 4.0 * static_cast<double>(floats), threads);
}

void max_pool(benchmark::State& state, bool grad, int64_t batch, int64_t size, int64_t c,
              int64_t k) {
  const int64_t o = size / k;
  const cpu::Pool2D p{batch, size, size, c, k, k, o, o, k, k, 0, 0};
  const int64_t in = batch * size * size * c, out = batch * o * o * c;
  Floats x(in), dx(in), y(out), dy(out);
  const Machine alone(1);
  cpu::max_pool(alone.exec(), p, x.data(), y.data());
  run(state, grad ? 2 * (in + out) : in + out, [&](const Exec& exec) {
    grad ? cpu::max_pool_grad(exec, p, x.data(), y.data(), dy.data(), dx.data())
         : cpu::max_pool(exec, p, x.data(), y.data());
  });
}
NNSEQ_ROW(max_pool, "max_pool/128x26x26x32_2", false, 128, 26, 32, 2);
NNSEQ_ROW(max_pool, "max_pool/64x32x32x32_2", false, 64, 32, 32, 2);
NNSEQ_ROW(max_pool, "max_pool/8x121x121x32_3", false, 8, 121, 32, 3);
NNSEQ_ROW(max_pool, "max_pool_grad/128x26x26x32_2", true, 128, 26, 32, 2);
NNSEQ_ROW(max_pool, "max_pool_grad/64x32x32x32_2", true, 64, 32, 32, 2);

void batch_norm(benchmark::State& state, bool grad, int64_t rows, int64_t cols) {
  Floats x(rows * cols), y(rows * cols), dy(rows * cols), gamma(cols), beta(cols), mean(cols);
  Floats dgamma(cols), dbeta(cols);
  Floats var(cols), scratch(static_cast<int64_t>(cpu::batch_norm_scratch(rows, cols)) / 4 + 1);
  std::fill_n(var.data(), cols, 1.0f);
  const int64_t n = rows * cols;  // x is read twice: for its statistics, then with them
  run(state, grad ? 5 * n : 3 * n, [&](const Exec& exec) {
    if (grad) {
      cpu::batch_norm_grad(exec, rows, cols, x.data(), gamma.data(), mean.data(), var.data(),
                           nullptr, 1e-3f, dy.data(), y.data(), dgamma.data(), dbeta.data(),
                           scratch.data());
    } else {
      cpu::batch_norm(exec, rows, cols, x.data(), gamma.data(), beta.data(), nullptr, 1e-3f,
                      y.data(), mean.data(), var.data(), scratch.data());
    }
  });
}
NNSEQ_ROW(batch_norm, "batch_norm/128x64", false, 128, 64);
NNSEQ_ROW(batch_norm, "batch_norm/65536x32", false, 65536, 32);
NNSEQ_ROW(batch_norm, "batch_norm_grad/65536x32", true, 65536, 32);

void layer_norm(benchmark::State& state, int64_t rows, int64_t cols) {
  Floats x(rows * cols), y(rows * cols), gamma(cols), beta(cols), mean(rows), rstd(rows);
  run(state, 2 * rows * cols, [&](const Exec& exec) {
    cpu::layer_norm(exec, rows, cols, x.data(), gamma.data(), beta.data(), 1e-3f, y.data(),
                    mean.data(), rstd.data());
  });
}
NNSEQ_ROW(layer_norm, "layer_norm/4096x512", 4096, 512);

void softmax(benchmark::State& state, bool grad, int64_t rows, int64_t cols) {
  Floats x(rows * cols), y(rows * cols), dx(rows * cols);
  run(state, (grad ? 3 : 2) * rows * cols, [&](const Exec& exec) {
    grad ? cpu::softmax_grad(exec, rows, cols, x.data(), y.data(), dx.data())
         : cpu::softmax(exec, rows, cols, x.data(), y.data());
  });
}
NNSEQ_ROW(softmax, "softmax/32x10", false, 32, 10);
NNSEQ_ROW(softmax, "softmax/128x100", false, 128, 100);
NNSEQ_ROW(softmax, "softmax/1024x1000", false, 1024, 1000);
NNSEQ_ROW(softmax, "softmax_grad/1024x1000", true, 1024, 1000);

void update(benchmark::State& state, bool adam, int64_t n) {
  Floats w(n), g(n), m(n), v(n);
  cpu::UpdateSegment segment;
  segment.w = w.data();
  segment.g = g.data();
  segment.slot[0] = m.data();
  segment.slot[1] = v.data();
  segment.count = n;
  std::fill_n(v.data(), n, 0.01f);
  run(state, (adam ? 7 : 3) * n, [&](const Exec& exec) {
    adam ? cpu::update_adam(exec, {}, &segment, 1) : cpu::update_sgd(exec, {}, &segment, 1);
  });
}
NNSEQ_ROW(update, "adam/8", true, 8);
NNSEQ_ROW(update, "adam/8192", true, 8192);
NNSEQ_ROW(update, "adam/669706", true, 669706);
NNSEQ_ROW(update, "sgd/669706", false, 669706);

}  // namespace

void report_bytes(benchmark::State& state, double bytes_per_iteration, int threads) {
  // One ceiling for each power of two: what counts is the cache that the bytes fit in.
  static std::map<std::pair<int, int>, double> ceilings;
  const auto size = std::bit_floor(static_cast<std::uint64_t>(bytes_per_iteration) | 64);
  double& ceiling = ceilings[{std::bit_width(size), threads}];
  if (ceiling == 0) ceiling = copy_rate(static_cast<int64_t>(size), threads);
  const double bytes = bytes_per_iteration * static_cast<double>(state.iterations());
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsRate);
  state.counters["copy"] = benchmark::Counter(bytes / ceiling, benchmark::Counter::kIsRate);
}

}  // namespace nnseq::bench
