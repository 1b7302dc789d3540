// The convolution kernels of one ISA that are not matrix tiles.
#pragma once

#include <stdint.h>

namespace nnseq::cpu {

// One output row of a depthwise convolution: y (count, c) with
// y[i, c] = bias[c] + sum over (kh, kw) of x[i * step + kh * tap_h + kw * tap_w + c] * w[kh, kw,
// c].
struct DepthwiseRow {
  const float* x;
  const float* w;  // (kh, kw, c)
  float* y;
  const float* bias;  // (c,) or null
  int64_t count, c, kh, kw;
  int64_t step, tap_h, tap_w;  // floats
};

// dw[kh, kw, c] += sum over i of x[i * step + kh * tap_h + kw * tap_w + c] * dy[i, c].
struct DepthwiseWeightsRow {
  const float* x;
  const float* dy;  // (count, c)
  float* dw;        // (kh, kw, c)
  int64_t count, c, kh, kw;
  int64_t step, tap_h, tap_w;
};

struct ConvKernels {
  void (*depthwise_row)(const DepthwiseRow&);
  void (*depthwise_weights_row)(const DepthwiseWeightsRow&);
};

}  // namespace nnseq::cpu
