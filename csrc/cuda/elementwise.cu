#include "cuda/elementwise.h"

#include <cuda_runtime.h>

#include "math/elementwise.h"

namespace nnseq::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 65535;

int blocks(std::int64_t n) {
  const std::int64_t count = (n + kThreads - 1) / kThreads;
  return static_cast<int>(count < kMaxBlocks ? count : kMaxBlocks);
}

// Calls body(i) for the positions of this thread.
template <class F>
__device__ __forceinline__ void for_each(std::int64_t n, F body) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n;
       i += stride) {
    body(i);
  }
}

template <class Fn>
__global__ void unary_kernel(std::int64_t n, const float* x, float* y, float alpha) {
  for_each(n, [=](std::int64_t i) { y[i] = Fn::f(x[i], alpha); });
}

template <class Fn>
__global__ void unary_grad_kernel(std::int64_t n, const float* saved, const float* g,
                                  std::int64_t g_step, float* y, float alpha) {
  for_each(n, [=](std::int64_t i) { y[i] = g[i * g_step] * Fn::d(saved[i], alpha); });
}

template <class Fn>
__global__ void binary_kernel(std::int64_t n, const float* a, std::int64_t a_step, const float* b,
                              std::int64_t b_step, float* y) {
  for_each(n, [=](std::int64_t i) { y[i] = Fn::f(a[i * a_step], b[i * b_step]); });
}

}  // namespace

int unary(UnaryFn fn, std::int64_t n, const float* x, float* y, float alpha,
          Stream stream) noexcept {
  if (n == 0) return cudaSuccess;
  switch (fn) {
#define NNSEQ_UNARY(name, Struct)                                                   \
  case UnaryFn::k##Struct:                                                          \
    unary_kernel<math::Struct><<<blocks(n), kThreads, 0, stream>>>(n, x, y, alpha); \
    break;
#include "nnseq/functions.def"
  }
  return cudaGetLastError();
}

int unary_grad(UnaryFn fn, std::int64_t n, const float* saved, const float* g, std::int64_t g_step,
               float* y, float alpha, Stream stream) noexcept {
  if (n == 0) return cudaSuccess;
  switch (fn) {
#define NNSEQ_UNARY(name, Struct)                                            \
  case UnaryFn::k##Struct:                                                   \
    unary_grad_kernel<math::Struct>                                          \
        <<<blocks(n), kThreads, 0, stream>>>(n, saved, g, g_step, y, alpha); \
    break;
#include "nnseq/functions.def"
  }
  return cudaGetLastError();
}

int binary(BinaryFn fn, std::int64_t n, const float* a, std::int64_t a_step, const float* b,
           std::int64_t b_step, float* y, Stream stream) noexcept {
  if (n == 0) return cudaSuccess;
  switch (fn) {
#define NNSEQ_BINARY(name, Struct)                                                               \
  case BinaryFn::k##Struct:                                                                      \
    binary_kernel<math::Struct><<<blocks(n), kThreads, 0, stream>>>(n, a, a_step, b, b_step, y); \
    break;
#include "nnseq/functions.def"
  }
  return cudaGetLastError();
}

}  // namespace nnseq::cuda
