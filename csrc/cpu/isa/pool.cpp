// Pooling of one window at a time, vectorised over channels.
#include "cpu/isa/fill.h"
#include "cpu/isa/simd.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

// fn(channel, lanes) over blocks of 16 channels; inlined twice, so that full blocks need no mask.
template <class F>
NNSEQ_INLINE void for_each_block(int64_t channels, F fn) {
  int64_t c = 0;
  for (; c + 16 <= channels; c += 16) fn(c, 16);
  if (c < channels) fn(c, channels - c);
}

NNSEQ_INLINE F16 load_some(const float* p, int64_t lanes) {
  return lanes == 16 ? load(p) : load_n(p, lanes);
}
NNSEQ_INLINE void store_some(float* p, F16 a, int64_t lanes) {
  if (lanes == 16) {
    store(p, a);
  } else {
    store_n(p, a, lanes);
  }
}

void pool_max(const PoolWindow& w, const float* x, float* y) {
  for_each_block(
      w.c, [&](int64_t c, int64_t lanes) __attribute__((always_inline)) {
        F16 best = set1(-__builtin_inff());
        for (int64_t i = 0; i < w.rows; ++i) {
          const float* row = x + i * w.row_stride + c;
          for (int64_t j = 0; j < w.cols; ++j)
            best = max_nan(best, load_some(row + j * w.c, lanes));
        }
        store_some(y + c, best, lanes);
      });
}

void pool_max_grad(const PoolWindow& w, const float* x, const float* y, const float* dy,
                   float* dx) {
  for_each_block(
      w.c, [&](int64_t c, int64_t lanes) __attribute__((always_inline)) {
        const F16 best = load_some(y + c, lanes), g = load_some(dy + c, lanes);
        const M16 is_nan_best = is_nan(best);
        M16 open = first_n(lanes);  // lanes whose maximum is not found yet
        for (int64_t i = 0; i < w.rows; ++i) {
          const int64_t row = i * w.row_stride + c;
          for (int64_t j = 0; j < w.cols; ++j) {
            const F16 value = load_some(x + row + j * w.c, lanes);
            const M16 hit = open & ((value == best) | (is_nan_best & is_nan(value)));
            float* const to = dx + row + j * w.c;
            store_some(to, load_some(to, lanes) + select(hit, g, zero()), lanes);
            open = open & !hit;
          }
        }
      });
}

void pool_avg(const PoolWindow& w, const float* x, float* y) {
  const F16 count = set1(static_cast<float>(w.rows * w.cols));
  for_each_block(
      w.c, [&](int64_t c, int64_t lanes) __attribute__((always_inline)) {
        F16 sum = zero();
        for (int64_t i = 0; i < w.rows; ++i) {
          const float* row = x + i * w.row_stride + c;
          for (int64_t j = 0; j < w.cols; ++j) sum = sum + load_some(row + j * w.c, lanes);
        }
        store_some(y + c, sum / count, lanes);
      });
}

void pool_avg_grad(const PoolWindow& w, const float* dy, float* dx) {
  const F16 count = set1(static_cast<float>(w.rows * w.cols));
  for_each_block(
      w.c, [&](int64_t c, int64_t lanes) __attribute__((always_inline)) {
        const F16 g = load_some(dy + c, lanes) / count;
        for (int64_t i = 0; i < w.rows; ++i) {
          const int64_t row = i * w.row_stride + c;
          for (int64_t j = 0; j < w.cols; ++j) {
            float* const to = dx + row + j * w.c;
            store_some(to, load_some(to, lanes) + g, lanes);
          }
        }
      });
}

}  // namespace

void fill_pool(KernelTable& table) noexcept {
  table.pool.max = pool_max;
  table.pool.max_grad = pool_max_grad;
  table.pool.avg = pool_avg;
  table.pool.avg_grad = pool_avg_grad;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
