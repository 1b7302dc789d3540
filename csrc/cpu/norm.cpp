#include "cpu/norm.h"

#include <algorithm>
#include <cmath>

#include "cpu/kernel_table.h"
#include "cpu/rows.h"

namespace nnseq::cpu {

using std::int64_t;

namespace {

int64_t num_blocks(int64_t rows) { return (rows + kRowBlock - 1) / kRowBlock; }

// Each float array of the scratch starts on a cache line.
int64_t padded(int64_t floats) { return (floats + 15) / 16 * 16; }

int64_t block_cost(int64_t cols) { return 20 + kRowBlock * cols / 8; }

const std::uint8_t* rows_of(const std::uint8_t* mask, int64_t first) {
  return mask ? mask + first : nullptr;
}

// Two arrays (blocks, cols) of partial results, and two of cols.
struct Partials {
  Partials(void* scratch, int64_t rows, int64_t cols) {
    const int64_t stride = padded(std::max<int64_t>(1, num_blocks(rows)) * cols);
    float* p = static_cast<float*>(scratch);
    a = p;
    b = p + stride;
    scale = p + 2 * stride;
    rstd = scale + padded(cols);
  }
  static std::size_t bytes(int64_t rows, int64_t cols) {
    const int64_t stride = padded(std::max<int64_t>(1, num_blocks(rows)) * cols);
    return static_cast<std::size_t>(2 * stride + 2 * padded(cols)) * sizeof(float);
  }
  float *a, *b, *scale, *rstd;
};

// Sums blocks of (cols): each level adds the upper half of the blocks to the lower. The sum is in
// `partials`, and in `out` unless that is null.
void sum_blocks(const Exec& exec, int64_t blocks, int64_t cols, float* partials, float* out) {
  const auto add = exec.kernels->vector.binary[static_cast<int>(BinaryFn::kAdd)];
  for (int64_t n = blocks; n > 1; n = (n + 1) / 2) {
    const int64_t half = (n + 1) / 2;
    add((n - half) * cols, partials, 1, partials + half * cols, 1, partials);
  }
  if (blocks == 0) std::fill_n(partials, cols, 0.0f);
  if (out) std::copy_n(partials, cols, out);
}

// How many rows of the blocks [first, last) count.
int64_t rows_counted(const std::uint8_t* mask, int64_t rows, int64_t first, int64_t last) {
  const int64_t begin = std::min(rows, first * kRowBlock), end = std::min(rows, last * kRowBlock);
  if (!mask) return end - begin;
  return (end - begin) - std::count(mask + begin, mask + end, std::uint8_t{0});
}

// Joins the moments of the blocks [first, last) into those of `first`, by halves.
void join_blocks(const VectorKernels& k, const std::uint8_t* mask, int64_t rows, int64_t cols,
                 const Partials& p, int64_t first, int64_t last) {
  if (last - first < 2) return;
  const int64_t middle = first + (last - first + 1) / 2;
  join_blocks(k, mask, rows, cols, p, first, middle);
  join_blocks(k, mask, rows, cols, p, middle, last);
  k.join_moments(cols, rows_counted(mask, rows, first, middle), p.a + first * cols,
                 p.b + first * cols, rows_counted(mask, rows, middle, last), p.a + middle * cols,
                 p.b + middle * cols);
}

void column_moments(const Exec& exec, int64_t rows, int64_t cols, const float* x,
                    const std::uint8_t* mask, const Partials& p, float* mean, float* var) {
  const VectorKernels& k = exec.kernels->vector;
  const int64_t blocks = num_blocks(rows);
  exec.parallel_for(blocks, block_cost(cols), [&](int64_t block, int) {
    const int64_t r = block * kRowBlock;
    k.moments(std::min(kRowBlock, rows - r), cols, x + r * cols, rows_of(mask, r),
              p.a + block * cols, p.b + block * cols);
  });
  const int64_t n = rows_counted(mask, rows, 0, blocks);
  if (n == 0) {
    std::fill_n(mean, cols, 0.0f);
    std::fill_n(var, cols, 0.0f);
    return;
  }
  join_blocks(k, mask, rows, cols, p, 0, blocks);
  const float count = static_cast<float>(n);
  std::copy_n(p.a, cols, mean);
  for (int64_t c = 0; c < cols; ++c) var[c] = p.b[c] / count;
}

// rstd = 1 / sqrt(var + eps), scale = rstd * gamma
void scales(int64_t cols, const float* var, const float* gamma, float eps, const Partials& p) {
  for (int64_t c = 0; c < cols; ++c) {
    p.rstd[c] = 1.0f / std::sqrt(var[c] + eps);
    p.scale[c] = gamma ? p.rstd[c] * gamma[c] : p.rstd[c];
  }
}

}  // namespace

std::size_t batch_norm_scratch(int64_t rows, int64_t cols) noexcept {
  return Partials::bytes(rows, cols);
}

void batch_norm(const Exec& exec, int64_t rows, int64_t cols, const float* x, const float* gamma,
                const float* beta, const std::uint8_t* mask, float eps, float* y, float* mean,
                float* var, void* scratch) noexcept {
  const Partials p(scratch, rows, cols);
  column_moments(exec, rows, cols, x, mask, p, mean, var);
  scales(cols, var, gamma, eps, p);
  for_row_blocks(exec, rows, cols, 0.1, [&](int64_t r, int64_t n) {
    exec.kernels->vector.normalize(n, cols, x + r * cols, mean, p.scale, beta, y + r * cols);
  });
}

void batch_norm_grad(const Exec& exec, int64_t rows, int64_t cols, const float* x,
                     const float* gamma, const float* mean, const float* var,
                     const std::uint8_t* mask, float eps, const float* dy, float* dx, float* dgamma,
                     float* dbeta, void* scratch) noexcept {
  const VectorKernels& k = exec.kernels->vector;
  const Partials p(scratch, rows, cols);
  const int64_t blocks = num_blocks(rows);
  scales(cols, var, gamma, eps, p);
  exec.parallel_for(blocks, block_cost(cols), [&](int64_t block, int) {
    const int64_t r = block * kRowBlock, at = r * cols;
    k.batch_norm_sums(std::min(kRowBlock, rows - r), cols, x + at, mean, p.rstd, dy + at,
                      p.a + block * cols, p.b + block * cols);
  });
  sum_blocks(exec, blocks, cols, p.a, dgamma);
  sum_blocks(exec, blocks, cols, p.b, dbeta);
  const int64_t counted = rows_counted(mask, rows, 0, blocks);
  const float one_over_n = counted ? 1.0f / static_cast<float>(counted) : 0.0f;
  for_row_blocks(exec, rows, cols, 0.2, [&](int64_t r, int64_t n) {
    const int64_t at = r * cols;
    k.batch_norm_dx(n, cols, x + at, mean, p.rstd, p.scale, p.a, p.b, rows_of(mask, r), one_over_n,
                    dy + at, dx + at);
  });
}

void layer_norm(const Exec& exec, int64_t rows, int64_t cols, const float* x, const float* gamma,
                const float* beta, float eps, float* y, float* mean, float* rstd) noexcept {
  for_row_blocks(exec, rows, cols, 0.3, [&](int64_t r, int64_t n) {
    exec.kernels->vector.layer_norm(n, cols, x + r * cols, gamma, beta, eps, y + r * cols, mean + r,
                                    rstd + r);
  });
}

std::size_t layer_norm_grad_scratch(int64_t rows, int64_t cols) noexcept {
  return Partials::bytes(rows, cols);
}

void layer_norm_grad(const Exec& exec, int64_t rows, int64_t cols, const float* x,
                     const float* gamma, const float* mean, const float* rstd, const float* dy,
                     float* dx, float* dgamma, float* dbeta, void* scratch) noexcept {
  const VectorKernels& k = exec.kernels->vector;
  const Partials p(scratch, rows, cols);
  const int64_t blocks = num_blocks(rows);
  exec.parallel_for(blocks, 3 * block_cost(cols), [&](int64_t block, int) {
    const int64_t r = block * kRowBlock, at = r * cols, n = std::min(kRowBlock, rows - r);
    k.layer_norm_sums(n, cols, x + at, mean + r, rstd + r, dy + at, p.a + block * cols,
                      p.b + block * cols);
    k.layer_norm_dx(n, cols, x + at, gamma, mean + r, rstd + r, dy + at, dx + at);
  });
  sum_blocks(exec, blocks, cols, p.a, dgamma);
  sum_blocks(exec, blocks, cols, p.b, dbeta);
}

}  // namespace nnseq::cpu
