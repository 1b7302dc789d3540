// The convolution kernels of one ISA that are not matrix tiles.
#pragma once

#include <stdint.h>

namespace nnseq::cpu {

// One row of a depthwise convolution, all strides in floats:
// y[i * ldy + c] = bias[c] + sum over (kh, kw) of
//                  x[i * step + kh * tap_h + kw * tap_w + c] * w[(kh * taps_w + kw) * ldw + c]
struct DepthwiseRow {
  int64_t count, channels;
  int64_t taps_h, taps_w;
  int64_t step, tap_h, tap_w;
  int64_t ldw, ldy;
  bool accumulate;    // add to y
  const float* bias;  // (channels,) or null
};

struct ConvKernels {
  void (*depthwise_row)(const DepthwiseRow&, const float* x, const float* w, float* y);
  // dw[(kh * taps_w + kw) * ldw + c] += sum over i of
  //     x[i * step + kh * tap_h + kw * tap_w + c] * dy[i * ldy + c]
  void (*depthwise_weights_row)(const DepthwiseRow&, const float* x, const float* dy, float* dw);
};

}  // namespace nnseq::cpu
