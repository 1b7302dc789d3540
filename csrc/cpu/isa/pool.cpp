// Pooling of one row of windows, vectorised over channels.
#include "cpu/isa/fill.h"
#include "cpu/isa/simd.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

// fn(offset in x, offset in y, lanes) for blocks of 16 channels of each window; inlined twice, so
// that full blocks need no mask.
template <class F>
NNSEQ_INLINE void for_each_block(const PoolWindows& w, F fn) {
  for (int64_t i = 0; i < w.count; ++i) {
    const int64_t x = i * w.step, y = i * w.c;
    int64_t c = 0;
    for (; c + 16 <= w.c; c += 16) fn(x + c, y + c, 16);
    if (c < w.c) fn(x + c, y + c, w.c - c);
  }
}

// fn(offset in x) for the pixels of a window in row order.
template <class F>
NNSEQ_INLINE void for_each_pixel(const PoolWindows& w, int64_t x, F fn) {
  for (int64_t i = 0; i < w.rows; ++i) {
    for (int64_t j = 0; j < w.cols; ++j) fn(x + i * w.row_stride + j * w.c);
  }
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

#define NNSEQ_LAMBDA __attribute__((always_inline))

void pool_max(const PoolWindows& w, const float* x, float* y) {
  for_each_block(w, [&](int64_t xi, int64_t yi, int64_t lanes) NNSEQ_LAMBDA {
    F16 best = set1(-__builtin_inff());
    M16 nan = is_nan(zero());
    for_each_pixel(w, xi, [&](int64_t at) NNSEQ_LAMBDA {
      const F16 value = load_some(x + at, lanes);
      nan = nan | is_nan(value);
      best = max(value, best);
    });
    store_some(y + yi, select(nan, set1(__builtin_nanf("")), best), lanes);
  });
}

template <bool kDisjoint>
NNSEQ_INLINE void pool_max_grad_of(const PoolWindows& w, const float* x, const float* y,
                                   const float* dy, float* dx) {
  for_each_block(w, [&](int64_t xi, int64_t yi, int64_t lanes) NNSEQ_LAMBDA {
    const F16 best = load_some(y + yi, lanes), g = load_some(dy + yi, lanes);
    const M16 nan = is_nan(best);
    M16 open = first_n(lanes);  // lanes whose maximum is not found yet
    for_each_pixel(w, xi, [&](int64_t at) NNSEQ_LAMBDA {
      const F16 value = load_some(x + at, lanes);
      const M16 hit = open & ((value == best) | (nan & is_nan(value)));
      const F16 part = select(hit, g, zero());
      store_some(dx + at, kDisjoint ? part : load_some(dx + at, lanes) + part, lanes);
      open = open & !hit;
    });
  });
}

void pool_max_grad(const PoolWindows& w, const float* x, const float* y, const float* dy,
                   float* dx) {
  if (w.disjoint) {
    pool_max_grad_of<true>(w, x, y, dy, dx);
  } else {
    pool_max_grad_of<false>(w, x, y, dy, dx);
  }
}

void pool_avg(const PoolWindows& w, const float* x, float* y) {
  const F16 count = set1(static_cast<float>(w.rows * w.cols));
  for_each_block(w, [&](int64_t xi, int64_t yi, int64_t lanes) NNSEQ_LAMBDA {
    F16 sum = zero();
    for_each_pixel(w, xi, [&](int64_t at) NNSEQ_LAMBDA { sum = sum + load_some(x + at, lanes); });
    store_some(y + yi, sum / count, lanes);
  });
}

void pool_avg_grad(const PoolWindows& w, const float* dy, float* dx) {
  const F16 count = set1(static_cast<float>(w.rows * w.cols));
  for_each_block(w, [&](int64_t xi, int64_t yi, int64_t lanes) NNSEQ_LAMBDA {
    const F16 g = load_some(dy + yi, lanes) / count;
    for_each_pixel(w, xi, [&](int64_t at) NNSEQ_LAMBDA {
      store_some(dx + at, w.disjoint ? g : load_some(dx + at, lanes) + g, lanes);
    });
  });
}

#undef NNSEQ_LAMBDA

}  // namespace

void fill_pool(KernelTable& table) noexcept {
  table.pool.max = pool_max;
  table.pool.max_grad = pool_max_grad;
  table.pool.avg = pool_avg;
  table.pool.avg_grad = pool_avg_grad;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
