// conv2d, NHWC x HWIO -> NHWC: forward, by data and by weights; strides, dilation, groups.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/gemm.h"
#include "cpu/kernel_choice.h"

namespace nnseq::cpu {

struct Conv2D {
  std::int64_t n = 0, h = 0, w = 0, c = 0;  // input (n, h, w, c)
  std::int64_t kh = 0, kw = 0, o = 0;       // weights (kh, kw, c / groups, o)
  std::int64_t oh = 0, ow = 0;              // output (n, oh, ow, o)
  std::int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_left = 0;  // the rest of the padding follows from oh, ow
  std::int64_t groups = 1;
};

enum class ConvPart { kForward, kByData, kByWeights };
KernelChoice conv2d_choice(const KernelTable& kernels, const Conv2D& p, ConvPart part);
std::size_t conv2d_scratch(const Conv2D& p, ConvPart part, int workers) noexcept;

void conv2d(const Exec& exec, const Conv2D& p, const float* x, const float* w, float* y,
            const Epilogue& epilogue, void* scratch) noexcept;
void conv2d_by_data(const Exec& exec, const Conv2D& p, const float* dy, const float* w, float* dx,
                    void* scratch) noexcept;
void conv2d_by_weights(const Exec& exec, const Conv2D& p, const float* x, const float* dy,
                       float* dw, void* scratch) noexcept;

}  // namespace nnseq::cpu
