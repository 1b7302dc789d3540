// Convolutions with 3x3 windows by Winograd's F(2x2, 3x3): 16 products per 2x2 outputs, not 36.
//
//   y = A^T [ sum over c of (B^T d_c B) . (G g_c G^T) ] A       d: 4x4 of x, g: 3x3 taps, y: 2x2
//
// Exact for integers while c * max|x| * max|w| <= 2^16, and the gradient by weights while
// n * oh * ow * max|x| * max|dy| <= 2^18. An output depends on the inputs of its window alone, but
// an infinite one may make it NaN; a tap's gradient depends on its neighbours' inputs too.
#pragma once

#include <cstdint>

#include "cpu/conv.h"

namespace nnseq::cpu {

// y (n, oh, ow, o) of x (n, h, w, c) and w (3, 3, c, o), stride 1.
struct Winograd {
  std::int64_t n, h, w, c;
  std::int64_t oh, ow, o;
  std::int64_t pad_top, pad_left;
};

// Why `part` of p is not computed this way, or null where this is faster than the direct way; never
// a question of n, ISA or threads.
const char* winograd_refusal(const Conv2D& p, ConvPart part) noexcept;
inline bool winograd_wins(const Conv2D& p, ConvPart part) noexcept {
  return winograd_refusal(p, part) == nullptr;
}
// For 3x3 windows, strides, dilations and groups of 1.
Winograd winograd_problem(const Conv2D& p, ConvPart part) noexcept;

// Floats of scratch: transformed weights, then input and products of a block per worker.
std::int64_t winograd_scratch(const Winograd& p, int workers) noexcept;
// `flipped`: w is (3, 3, o, c) and its taps are taken in reverse: the convolution by data.
void winograd(const Exec& exec, const Winograd& p, const float* x, const float* w, bool flipped,
              float* y, const Epilogue& epilogue, float* scratch) noexcept;

// dw of the gradient dy of y. Each of 16 matrices is summed over the tiles in their order, in
// chunks that the number of channels decides.
std::int64_t winograd_by_weights_scratch(const Winograd& p, int workers) noexcept;
void winograd_by_weights(const Exec& exec, const Winograd& p, const float* x, const float* dy,
                         float* dw, float* scratch) noexcept;

}  // namespace nnseq::cpu
