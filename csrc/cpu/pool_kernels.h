// The pooling kernels of one ISA: one output pixel, all channels.
#pragma once

#include <stdint.h>

namespace nnseq::cpu {

// The part of a window that lies inside the image: rows x cols pixels of c channels.
struct PoolWindow {
  int64_t rows, cols;
  int64_t row_stride;  // floats from one image row to the next
  int64_t c;
};

struct PoolKernels {
  // y[c] = max over the window; NaN when the window holds one; -inf when it is empty.
  void (*max)(const PoolWindow&, const float* x, float* y);
  // dx at the first pixel equal to y (or the first NaN when y is NaN) += dy.
  void (*max_grad)(const PoolWindow&, const float* x, const float* y, const float* dy, float* dx);
  // y[c] = sum over the window / (rows * cols); NaN when it is empty.
  void (*avg)(const PoolWindow&, const float* x, float* y);
  // dx += dy / (rows * cols) at each pixel of the window.
  void (*avg_grad)(const PoolWindow&, const float* dy, float* dx);
};

}  // namespace nnseq::cpu
