// How operands of smaller shapes cover an output: collapsed dims and a stride per operand and dim.
#pragma once

#include <cstdint>

#include "nnseq/shape.h"

namespace nnseq::cpu {

// The strides, in elements, at which a contiguous `shape` is read to cover `out`; 0 where it
// stretches. `strides` has out.rank() entries.
inline void broadcast_strides(const Shape& shape, const Shape& out, std::int64_t* strides) {
  std::int64_t stride = 1;
  const int lead = out.rank() - shape.rank();
  for (int i = out.rank() - 1; i >= 0; --i) {
    const std::int64_t dim = i >= lead ? shape[i - lead] : 1;
    strides[i] = dim == 1 ? 0 : stride;
    stride *= dim;
  }
}

// An index space of at most kMaxRank dims that N operands walk together. Dims that every operand
// walks as one are merged and dims of 1 are dropped, so rank is small; it is at least 1.
template <int N>
struct Walk {
  int rank = 1;
  std::int64_t dims[kMaxRank];
  std::int64_t strides[N][kMaxRank];

  // strides[k][0..shape.rank()) must be set for k < count.
  void collapse(const Shape& shape, int count) {
    int r = 0;
    for (int i = 0; i < shape.rank(); ++i) {
      if (shape[i] == 1) continue;
      bool merge = r > 0;
      for (int k = 0; merge && k < count; ++k) {
        merge = strides[k][r - 1] == strides[k][i] * shape[i];
      }
      if (!merge) dims[r++] = 1;
      dims[r - 1] *= shape[i];
      for (int k = 0; k < count; ++k) strides[k][r - 1] = strides[k][i];
    }
    if (r == 0) {
      dims[r++] = 1;
      for (int k = 0; k < count; ++k) strides[k][0] = 0;
    }
    rank = r;
  }

  std::int64_t inner() const { return dims[rank - 1]; }
  std::int64_t rows() const {
    std::int64_t n = 1;
    for (int i = 0; i + 1 < rank; ++i) n *= dims[i];
    return n;
  }
  // Where operand k stands at the start of a row.
  std::int64_t offset(int k, std::int64_t row) const {
    std::int64_t at = 0;
    for (int i = rank - 2; i >= 0; --i) {
      if (i == 0) return at + row * strides[k][0];
      at += row % dims[i] * strides[k][i];
      row /= dims[i];
    }
    return at;
  }
};

}  // namespace nnseq::cpu
