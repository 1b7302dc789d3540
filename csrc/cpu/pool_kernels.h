// The pooling kernels of one ISA: neighbouring windows of one row of outputs, all channels.
#pragma once

#include <stdint.h>

namespace nnseq::cpu {

// `count` windows, `step` floats apart in x; outputs follow each other, c floats apart. Of each
// window, rows x cols pixels of c channels lie inside the image.
struct PoolWindows {
  int64_t count, step;
  int64_t rows, cols;
  int64_t row_stride;  // floats from one image row to the next
  int64_t c;
  bool disjoint;  // no pixel of dx belongs to two windows: gradients are stored, not added
};

struct PoolKernels {
  // y = max over the window; NaN when the window holds one; -inf when it is empty.
  void (*max)(const PoolWindows&, const float* x, float* y);
  // dx at the first pixel equal to y (or the first NaN when y is NaN) += dy.
  void (*max_grad)(const PoolWindows&, const float* x, const float* y, const float* dy, float* dx);
  // y = sum over the window / (rows * cols); NaN when it is empty.
  void (*avg)(const PoolWindows&, const float* x, float* y);
  // dx += dy / (rows * cols) at each pixel of the window.
  void (*avg_grad)(const PoolWindows&, const float* dy, float* dx);
};

}  // namespace nnseq::cpu
