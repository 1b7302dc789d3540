// The elementwise functions on CUDA: the bodies of math/elementwise.h, one thread per element.
#pragma once

#include <cstdint>

#include "nnseq/functions.h"

struct CUstream_st;

namespace nnseq::cuda {

using Stream = CUstream_st*;

// Each enqueues one kernel and returns its cudaError_t (0: launched). Pointers are device memory, y
// may be an operand of step 1; a `step` is 1, or 0 to read the first element for every position.
// y = f(x; alpha)
int unary(UnaryFn fn, std::int64_t n, const float* x, float* y, float alpha,
          Stream stream) noexcept;
// y = g * f'(saved)
int unary_grad(UnaryFn fn, std::int64_t n, const float* saved, const float* g, std::int64_t g_step,
               float* y, float alpha, Stream stream) noexcept;
// y = f(a, b)
int binary(BinaryFn fn, std::int64_t n, const float* a, std::int64_t a_step, const float* b,
           std::int64_t b_step, float* y, Stream stream) noexcept;

}  // namespace nnseq::cuda
