// Sums and maxima along a row by the tree that vector_kernels.h states.
#pragma once

#include "cpu/isa/vector_fill.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {

struct SumLanes {
  NNSEQ_INLINE static F16 identity() { return zero(); }
  NNSEQ_INLINE static F16 join(F16 a, F16 b) { return a + b; }
  NNSEQ_INLINE static float lanes(F16 a) { return sum(a); }
};

struct MaxLanes {
  NNSEQ_INLINE static F16 identity() { return set1(-__builtin_inff()); }
  NNSEQ_INLINE static F16 join(F16 a, F16 b) { return max_nan(a, b); }
  NNSEQ_INLINE static float lanes(F16 a) { return max_nan_of(a); }
};

// One block: n <= 1024 terms; term(i, whole, lanes) gives the terms i..i+15.
template <class Op, class F>
NNSEQ_INLINE float fold_block(int64_t begin, int64_t n, F term) {
  F16 acc[4] = {Op::identity(), Op::identity(), Op::identity(), Op::identity()};
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    NNSEQ_UNROLL
    for (int j = 0; j < 4; ++j) {
      acc[j] = Op::join(acc[j], term(begin + i + 16 * j, Whole{}, int64_t{16}));
    }
  }
  NNSEQ_UNROLL
  for (int j = 0; j < 4; ++j) {
    const int64_t left = n - i - 16 * j;
    if (left >= 16) {
      acc[j] = Op::join(acc[j], term(begin + i + 16 * j, Whole{}, int64_t{16}));
    } else if (left > 0) {
      const F16 last = term(begin + i + 16 * j, Part{}, left);
      acc[j] = Op::join(acc[j], select(first_n(left), last, Op::identity()));
    }
  }
  return Op::lanes(Op::join(Op::join(acc[0], acc[1]), Op::join(acc[2], acc[3])));
}

template <class F>
NNSEQ_INLINE float sum_of(int64_t n, F term) {
  float total = 0;
  for (int64_t i = 0; i < n; i += 1024) {
    total += fold_block<SumLanes>(i, n - i < 1024 ? n - i : 1024, term);
  }
  return total;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
