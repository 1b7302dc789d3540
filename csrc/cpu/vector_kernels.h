// The vector kernels of one ISA.
#pragma once

#include <stdint.h>

#include "nnseq/functions.h"

namespace nnseq::cpu {

struct VectorKernels {
  // y[i] = fn(x[i]; alpha) for i < n, by UnaryFn; y may be x.
  void (*unary[kNumUnary])(int64_t n, const float* x, float* y, float alpha);
};

}  // namespace nnseq::cpu
