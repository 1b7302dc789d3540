// 2-D pooling over NHWC. 'same' pads max with -inf; average divides by the count of real cells.
#pragma once

#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

struct Pool2D {
  std::int64_t n = 0, h = 0, w = 0, c = 0;
  std::int64_t kh = 0, kw = 0, oh = 0, ow = 0;
  std::int64_t stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0;
};

// A NaN in the window gives NaN. The gradient goes to the first maximum of the window in row order.
void max_pool(const Exec& exec, const Pool2D& p, const float* x, float* y) noexcept;
void max_pool_grad(const Exec& exec, const Pool2D& p, const float* x, const float* y,
                   const float* dy, float* dx) noexcept;
void avg_pool(const Exec& exec, const Pool2D& p, const float* x, float* y) noexcept;
void avg_pool_grad(const Exec& exec, const Pool2D& p, const float* dy, float* dx) noexcept;

}  // namespace nnseq::cpu
