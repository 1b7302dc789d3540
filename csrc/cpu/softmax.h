// softmax over the last axis and its cross-entropies; (rows, cols) row-major float32.
#pragma once

#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

void softmax(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* x,
             float* y) noexcept;
void log_softmax(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* x,
                 float* y) noexcept;
// dx = y * (dy - sum(y * dy)), by the saved output y.
void softmax_grad(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* y,
                  const float* dy, float* dx) noexcept;
// dx = dy - exp(y) * sum(dy), by the saved output y.
void log_softmax_grad(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* y,
                      const float* dy, float* dx) noexcept;

// loss[i] = logsumexp(x[i]) * sum(t[i]) - dot(t[i], x[i]). `target` is (rows, cols) float32, or
// (rows,) int32/int64 labels; labels outside [0, cols) are reported to exec.status and read as 0.
void softmax_cross_entropy(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* x,
                           const TensorRef& target, float* loss) noexcept;
// dx[i] = dloss[i] * (softmax(x[i]) * sum(t[i]) - t[i]).
void softmax_cross_entropy_grad(const Exec& exec, std::int64_t rows, std::int64_t cols,
                                const float* x, const TensorRef& target, const float* dloss,
                                float* dx) noexcept;

}  // namespace nnseq::cpu
