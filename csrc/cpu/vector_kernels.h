// The vector kernels of one ISA: loops over contiguous float32 rows. A `step` is 1 or 0: 0 reads
// the first element for every position. Sums follow one tree: lane i of 16 takes the elements i,
// i + 16, ... of 1024 (four partial sums in turn), the lanes and then the blocks are joined.
#pragma once

#include <cstdint>

#include "nnseq/functions.h"

namespace nnseq::cpu {

// Rows that one partial sum over rows covers.
inline constexpr std::int64_t kRowBlock = 64;

// Philox counters of `n` consecutive elements from `element` (a multiple of 64).
struct RandomRow {
  std::uint32_t key[2];
  std::uint32_t sample, step, stream;
  std::int64_t element;
};

struct AdamStep {
  float alpha, one_minus_beta1, one_minus_beta2, epsilon;
  float decay;  // decay * lr: w -= w * decay comes first
};

struct SgdStep {
  float lr, momentum, decay;
  bool nesterov;
};

struct VectorKernels {
  using i64 = std::int64_t;
  using u8 = std::uint8_t;

  // --- elementwise; y may be any operand ---
  void (*unary[kNumUnary])(i64 n, const float* x, float* y, float alpha) noexcept;
  // y = g * f'(saved)
  void (*unary_grad[kNumUnary])(i64 n, const float* saved, i64 saved_step, const float* g,
                                i64 g_step, float* y, float alpha) noexcept;
  void (*binary[kNumBinary])(i64 n, const float* a, i64 a_step, const float* b, i64 b_step,
                             float* y) noexcept;
  // y = c != 0 ? a : b
  void (*select)(i64 n, const float* c, i64 c_step, const float* a, i64 a_step, const float* b,
                 i64 b_step, float* y) noexcept;
  void (*from_u8)(i64 n, const u8* x, float* y) noexcept;
  void (*to_bool)(i64 n, const float* x, u8* y) noexcept;

  // --- reductions, one per ReduceFn but mean (its entry is the sum) ---
  // out[b] = reduction of x[1024 b .. 1024 b + 1023], for the ceil(n / 1024) blocks of a row.
  void (*reduce_row[5])(i64 n, const float* x, float* out) noexcept;
  // out[c] = reduction of rows <= 64 rows, `ld` apart.
  void (*reduce_columns[5])(i64 rows, i64 cols, const float* x, i64 ld, float* out) noexcept;

  // --- softmax over (rows, cols) ---
  void (*softmax)(i64 rows, i64 cols, const float* x, float* y) noexcept;
  void (*log_softmax)(i64 rows, i64 cols, const float* x, float* y) noexcept;
  void (*softmax_grad)(i64 rows, i64 cols, const float* y, const float* dy, float* dx) noexcept;
  void (*log_softmax_grad)(i64 rows, i64 cols, const float* y, const float* dy, float* dx) noexcept;
  // The logarithm of sum(e^(x - max)) and max of each row.
  void (*log_sum_exp)(i64 rows, i64 cols, const float* x, float* log_sum, float* max) noexcept;
  // dx = scale[row] * softmax(x)
  void (*scaled_softmax)(i64 rows, i64 cols, const float* x, const float* scale,
                         float* dx) noexcept;
  void (*cross_entropy)(i64 rows, i64 cols, const float* x, const float* t, float* loss) noexcept;
  void (*cross_entropy_grad)(i64 rows, i64 cols, const float* x, const float* t, const float* dloss,
                             float* dx) noexcept;

  // --- normalisation; gamma and beta may be null, mask too (all rows) ---
  // Moments of rows <= 64 rows: returns how many rows counted; mean and m2 = sum (x - mean)^2.
  i64 (*moments)(i64 rows, i64 cols, const float* x, const u8* mask, float* mean,
                 float* m2) noexcept;
  // (n, mean, m2) of a joined with that of b, into a (Chan).
  void (*join_moments)(i64 cols, i64 n_a, float* mean_a, float* m2_a, i64 n_b, const float* mean_b,
                       const float* m2_b) noexcept;
  // y = (x - mean) * scale + beta, all but x of length cols
  void (*normalize)(i64 rows, i64 cols, const float* x, const float* mean, const float* scale,
                    const float* beta, float* y) noexcept;
  // dgamma = sum dy * (x - mean) * rstd, dbeta = sum dy over rows <= 64 rows.
  void (*batch_norm_sums)(i64 rows, i64 cols, const float* x, const float* mean, const float* rstd,
                          const float* dy, float* dgamma, float* dbeta) noexcept;
  // dx = scale * (dy - mask * (dbeta + (x - mean) * rstd * dgamma) / n)
  void (*batch_norm_dx)(i64 rows, i64 cols, const float* x, const float* mean, const float* rstd,
                        const float* scale, const float* dgamma, const float* dbeta, const u8* mask,
                        float one_over_n, const float* dy, float* dx) noexcept;
  void (*layer_norm)(i64 rows, i64 cols, const float* x, const float* gamma, const float* beta,
                     float eps, float* y, float* mean, float* rstd) noexcept;
  void (*layer_norm_dx)(i64 rows, i64 cols, const float* x, const float* gamma, const float* mean,
                        const float* rstd, const float* dy, float* dx) noexcept;
  void (*layer_norm_sums)(i64 rows, i64 cols, const float* x, const float* mean, const float* rstd,
                          const float* dy, float* dgamma, float* dbeta) noexcept;

  // --- the rest ---
  // dst (cols, rows) = transpose of src (rows, cols), 4-byte elements.
  void (*transpose)(i64 rows, i64 cols, const float* src, i64 src_ld, float* dst,
                    i64 dst_ld) noexcept;
  void (*random[3])(const RandomRow& row, i64 n, float a, float b, float* out) noexcept;
  void (*dropout)(const RandomRow& row, i64 n, float rate, float scale, const float* x,
                  float* y) noexcept;
  void (*sgd)(i64 n, const SgdStep& p, const float* g, float* w, float* velocity) noexcept;
  void (*adam)(i64 n, const AdamStep& p, const float* g, float* w, float* m, float* v,
               float* v_max) noexcept;
};

}  // namespace nnseq::cpu
