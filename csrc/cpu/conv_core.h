// The convolution that all parts of conv2d are made of: any padding (also negative), any pitch of
// the output, weights packed into panels.
#pragma once

#include <cstdint>

#include "cpu/conv.h"
#include "cpu/gemm_plan.h"

namespace nnseq::cpu {

// y[n, i, j, o] = sum over taps (a, b) and channels of
//                 x[n, i * stride_h - pad_top + a * dilation_h, ...] * weights[a, b, c, o].
struct ConvCore {
  std::int64_t n, h, w;
  std::int64_t groups, c, o;  // c, o: channels of one group
  std::int64_t kh, kw, oh, ow;
  std::int64_t stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  std::int64_t y_image, y_row, y_pixel;  // floats from one to the next

  std::int64_t channels() const { return groups * c; }
  bool depthwise() const { return c == 1 && o == 1 && groups > 1; }
  // Columns of x that a row of windows covers, and whether all of them exist.
  std::int64_t columns() const { return (ow - 1) * stride_w + (kw - 1) * dilation_w + 1; }
  bool needs_copy() const { return pad_left > 0 || columns() - pad_left > w; }
};

// The taps [begin, end) of window row `i` that meet rows of x.
struct Taps {
  std::int64_t begin, end;
};
Taps valid_taps(const ConvCore& p, std::int64_t i) noexcept;

// out (rows, columns(), channels) = rows [row, row + rows) of x (h, w, channels), padded with
// zeros.
void copy_padded(const ConvCore& p, const float* x, std::int64_t row, std::int64_t rows,
                 float* out) noexcept;

// Panels of packed weights: group after group, panel after panel, (kh * kw * c, width) each.
struct Panels {
  TileShape tile;
  std::int64_t count = 0;   // per group
  std::int64_t floats = 0;  // of one
};
Panels plan_panels(const GemmKernels& kernels, const ConvCore& p) noexcept;
// No less than groups * count * floats on any ISA.
std::int64_t panel_floats(const ConvCore& p) noexcept;

// Floats of scratch: a padded band of rows per worker.
std::int64_t conv_core_scratch(const ConvCore& p, int workers) noexcept;
// `weights`: packed by plan_panels, or (kh, kw, groups) for a depthwise convolution.
void conv_core(const Exec& exec, const ConvCore& p, const float* x, const float* weights, float* y,
               const Epilogue& epilogue, float* scratch) noexcept;

}  // namespace nnseq::cpu
