// Compiled, not run: every elementwise function and its derivatives as CUDA kernels, one line of
// functions.def each, so that math/ stays shareable.
#include "math/elementwise.h"

namespace nnseq {
namespace {

__device__ int64_t element() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }

template <class Fn>
__global__ void unary(const float* x, float* y, int64_t n, float alpha) {
  const int64_t i = element();
  if (i < n) y[i] = Fn::f(x[i], alpha);
}

// dx = dy * f', where s is what the function saves: x or y.
template <class Fn>
__global__ void unary_gradient(const float* s, const float* dy, float* dx, int64_t n, float alpha) {
  const int64_t i = element();
  if (i < n) dx[i] = dy[i] * Fn::d(s[i], alpha);
}

template <class Fn>
__global__ void binary(const float* a, const float* b, float* y, int64_t n) {
  const int64_t i = element();
  if (i < n) y[i] = Fn::f(a[i], b[i]);
}

}  // namespace

using UnaryKernel = void (*)(const float*, float*, int64_t, float);
using UnaryGradientKernel = void (*)(const float*, const float*, float*, int64_t, float);
using BinaryKernel = void (*)(const float*, const float*, float*, int64_t);

extern const UnaryKernel kUnary[] = {
#define NNSEQ_UNARY(name, Struct) unary<math::Struct>,
#include "nnseq/functions.def"
};
extern const UnaryGradientKernel kUnaryGradient[] = {
#define NNSEQ_UNARY(name, Struct) unary_gradient<math::Struct>,
#include "nnseq/functions.def"
};
extern const BinaryKernel kBinary[] = {
#define NNSEQ_BINARY(name, Struct) binary<math::Struct>,
#include "nnseq/functions.def"
};

}  // namespace nnseq
