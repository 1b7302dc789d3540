// The arithmetic of sliding windows, shared by convolution and pooling.
#pragma once

#include <algorithm>

#include "ops/common.h"

namespace nnseq::ops {

struct Window {
  std::int64_t out = 0;     // output size
  std::int64_t before = 0;  // padding before the first element
};

// One axis. same: out = ceil(n / stride), the extra pad behind. Throws where nothing would be left.
inline Window window(std::int64_t n, std::int64_t k, std::int64_t stride, std::int64_t dilation,
                     Padding padding, const Dims& pads, int axis) {
  if (n < 0 || k < 0) return {kUnknown, 0};
  if (k == 0) fail("the window is empty on axis " + std::to_string(axis + 1));
  const std::int64_t extent = (k - 1) * dilation + 1;
  Window w;
  std::int64_t total = 0;
  switch (padding) {
    case Padding::kValid:
      break;
    case Padding::kSame:
      w.out = (n + stride - 1) / stride;
      total = std::max<std::int64_t>(0, (w.out - 1) * stride + extent - n);
      w.before = total / 2;
      return w;
    case Padding::kExplicit:
      w.before = pads[static_cast<std::size_t>(2 * axis)];
      total = w.before + pads[static_cast<std::size_t>(2 * axis + 1)];
      break;
  }
  if (n + total < extent) {
    fail("Computed output size would be zero or negative: size " + std::to_string(n) + " on axis " +
         std::to_string(axis + 1) + ", window " + std::to_string(extent));
  }
  w.out = (n + total - extent) / stride + 1;
  return w;
}

// Of strides, windows and what lies between elements: its products with sizes do not overflow.
inline constexpr std::int64_t kMaxStep = std::int64_t{1} << 20;

inline void expect_pair(const Dims& d, const char* name) {
  if (d.size() != 2 || d[0] < 1 || d[1] < 1 || d[0] > kMaxStep || d[1] > kMaxStep) {
    fail(std::string(name) + " must be two positive integers of at most 2^20");
  }
}
inline void expect_pads(Padding padding, const Dims& pads) {
  if (padding == Padding::kExplicit &&
      (pads.size() != 4 || *std::min_element(pads.begin(), pads.end()) < 0)) {
    fail("pads must be top, bottom, left, right, none negative");
  }
}

}  // namespace nnseq::ops
