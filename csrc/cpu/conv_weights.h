// The gradient of conv2d by its weights.
#pragma once

#include "cpu/conv_core.h"

namespace nnseq::cpu {

// `p` is the forward convolution; dw (kh, kw, c, groups * o). Each block of dw is summed by one
// worker over the images in their order, so no partial sums are kept. Floats of scratch: padded x.
TileShape conv_by_weights_tile(const GemmKernels& kernels, const ConvCore& p) noexcept;
std::int64_t conv_by_weights_scratch(const ConvCore& p) noexcept;
void conv_by_weights(const Exec& exec, const ConvCore& p, const float* x, const float* dy,
                     float* dw, float* scratch) noexcept;

}  // namespace nnseq::cpu
