// C = act(op(A) . op(B) + bias) (+ C): the driver over the micro-kernels of one ISA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "nnseq/functions.h"
#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// Applied once to each finished element; the activation is any unary function.
struct Epilogue {
  const float* bias = nullptr;  // (N,), one per column
  std::optional<UnaryFn> fn;
  float alpha = 0;
  bool accumulate = false;  // add to what C holds (before bias and fn)
};

// Row-major. op(A) is (M, K): A is (M, K) or, with trans_a, (K, M). op(B) is (K, N).
struct Gemm {
  bool trans_a = false;
  bool trans_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;  // floats from one stored row to the next
};

// Bytes of scratch (64-byte aligned) that gemm() needs for this problem with `workers` workers.
std::size_t gemm_scratch(const Gemm& p, int workers) noexcept;

// k in order, in equal blocks of at most 384, with fma: bits depend on nothing but the operands.
// K == 0 gives act(bias). M or N == 0 does nothing.
void gemm(const Exec& exec, const Gemm& p, const float* a, const float* b, float* c,
          const Epilogue& epilogue, void* scratch) noexcept;

// `batch` problems of one shape, operands stride_* floats apart (0: shared).
void gemm_batched(const Exec& exec, const Gemm& p, std::int64_t batch, const float* a,
                  std::int64_t stride_a, const float* b, std::int64_t stride_b, float* c,
                  std::int64_t stride_c, const Epilogue& epilogue, void* scratch) noexcept;

}  // namespace nnseq::cpu
