// Reductions along rows and over rows.
#include "cpu/isa/row_sum.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

struct MinLanes {
  NNSEQ_INLINE static F16 identity() { return set1(__builtin_inff()); }
  NNSEQ_INLINE static F16 join(F16 a, F16 b) { return min_nan(a, b); }
  NNSEQ_INLINE static float lanes(F16 a) { return min_nan_of(a); }
};

struct ProdLanes {
  NNSEQ_INLINE static F16 identity() { return set1(1); }
  NNSEQ_INLINE static F16 join(F16 a, F16 b) { return a * b; }
  NNSEQ_INLINE static float lanes(F16 a) {
    float x[16];
    store(x, a);
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) x[i] *= x[i + half];
    }
    return x[0];
  }
};

template <class Op>
void reduce_row(int64_t n, const float* x, float* out) noexcept {
  for (int64_t i = 0; i < n; i += 1024) {
    out[i / 1024] = fold_block<Op>(i, n - i < 1024 ? n - i : 1024,
                                   [x](int64_t at, auto whole, int64_t m)
                                       NNSEQ_LAMBDA { return load(x + at, whole, m); });
  }
}

// V vectors of columns; the last has `lanes` lanes.
template <class Op, int V, class P>
NNSEQ_INLINE void reduce_tile(int64_t rows, const float* x, int64_t ld, float* out, P whole,
                              int64_t lanes) {
  F16 acc[V];
  NNSEQ_UNROLL
  for (int v = 0; v < V; ++v) acc[v] = Op::identity();
  for (int64_t r = 0; r < rows; ++r) {
    NNSEQ_UNROLL
    for (int v = 0; v < V; ++v) acc[v] = Op::join(acc[v], load(x + r * ld + 16 * v, whole, lanes));
  }
  NNSEQ_UNROLL
  for (int v = 0; v < V; ++v) store(out + 16 * v, acc[v], whole, lanes);
}

template <class Op>
void reduce_columns(int64_t rows, int64_t cols, const float* x, int64_t ld, float* out) noexcept {
  int64_t c = 0;
  for (; c + 64 <= cols; c += 64) reduce_tile<Op, 4>(rows, x + c, ld, out + c, Whole{}, 16);
  for (; c + 16 <= cols; c += 16) reduce_tile<Op, 1>(rows, x + c, ld, out + c, Whole{}, 16);
  if (c < cols) reduce_tile<Op, 1>(rows, x + c, ld, out + c, Part{}, cols - c);
}

template <class Op>
void fill_one(VectorKernels& v, ReduceFn fn) noexcept {
  v.reduce_row[static_cast<int>(fn)] = reduce_row<Op>;
  v.reduce_columns[static_cast<int>(fn)] = reduce_columns<Op>;
}

}  // namespace

void fill_reduce(VectorKernels& v) noexcept {
  fill_one<SumLanes>(v, ReduceFn::kSum);
  fill_one<SumLanes>(v, ReduceFn::kMean);
  fill_one<MaxLanes>(v, ReduceFn::kMax);
  fill_one<MinLanes>(v, ReduceFn::kMin);
  fill_one<ProdLanes>(v, ReduceFn::kProd);
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
