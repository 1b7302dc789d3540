// Batch and layer normalisation over (rows, cols) row-major float32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/kernel_args.h"

namespace nnseq::cpu {

// Per-column mean and biased variance over the rows with mask != 0 (mask null: all), blocks of 64
// rows (n, mean, M2) joined by Chan's formula in a fixed tree; y = (x - mean) / sqrt(var + eps) *
// gamma + beta. gamma and beta may be null (1 and 0). No row: mean 0, var 0.
std::size_t batch_norm_scratch(std::int64_t rows, std::int64_t cols) noexcept;
void batch_norm(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* x,
                const float* gamma, const float* beta, const std::uint8_t* mask, float eps,
                float* y, float* mean, float* var, void* scratch) noexcept;
// dmean and dvar are not propagated: the statistics' gradient is inside dx. Masked rows do not
// enter the statistics; their own dx is dy * gamma * rstd. dgamma and dbeta may be null, and dx may
// be dy.
void batch_norm_grad(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* x,
                     const float* gamma, const float* mean, const float* var,
                     const std::uint8_t* mask, float eps, const float* dy, float* dx, float* dgamma,
                     float* dbeta, void* scratch) noexcept;

// Per row: y = (x - mean) * rstd * gamma + beta; saves mean and rstd (rows,).
void layer_norm(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* x,
                const float* gamma, const float* beta, float eps, float* y, float* mean,
                float* rstd) noexcept;
// dgamma and dbeta may be null, and dx may be dy.
std::size_t layer_norm_grad_scratch(std::int64_t rows, std::int64_t cols) noexcept;
void layer_norm_grad(const Exec& exec, std::int64_t rows, std::int64_t cols, const float* x,
                     const float* gamma, const float* mean, const float* rstd, const float* dy,
                     float* dx, float* dgamma, float* dbeta, void* scratch) noexcept;

}  // namespace nnseq::cpu
