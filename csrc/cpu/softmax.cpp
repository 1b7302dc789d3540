#include "cpu/softmax.h"

#include <algorithm>

#include "cpu/kernel_table.h"
#include "cpu/rows.h"

namespace nnseq::cpu {

using std::int64_t;

namespace {

constexpr double kExpCost = 0.5;  // nanoseconds of an element
constexpr double kLightCost = 0.2;

// The label of a row; one outside [0, cols) is reported and read as 0.
class Labels {
 public:
  Labels(const Exec& exec, const TensorRef& t, int64_t cols)
      : exec_(exec), data_(t.data), wide_(t.type->dtype == DType::kInt64), cols_(cols) {}
  int64_t operator()(int64_t row) const {
    const int64_t v = wide_ ? static_cast<const int64_t*>(data_)[row]
                            : static_cast<const std::int32_t*>(data_)[row];
    if (v >= 0 && v < cols_) return v;
    if (exec_.status) exec_.status->report(exec_.step, {row, v, cols_});
    return 0;
  }

 private:
  const Exec& exec_;
  const void* data_;
  bool wide_;
  int64_t cols_;
};

}  // namespace

void softmax(const Exec& exec, int64_t rows, int64_t cols, const float* x, float* y) noexcept {
  for_row_blocks(exec, rows, cols, kExpCost, [&](int64_t r, int64_t n) {
    exec.kernels->vector.softmax(n, cols, x + r * cols, y + r * cols);
  });
}

void log_softmax(const Exec& exec, int64_t rows, int64_t cols, const float* x, float* y) noexcept {
  for_row_blocks(exec, rows, cols, kExpCost, [&](int64_t r, int64_t n) {
    exec.kernels->vector.log_softmax(n, cols, x + r * cols, y + r * cols);
  });
}

void softmax_grad(const Exec& exec, int64_t rows, int64_t cols, const float* y, const float* dy,
                  float* dx) noexcept {
  for_row_blocks(exec, rows, cols, kLightCost, [&](int64_t r, int64_t n) {
    const int64_t at = r * cols;
    exec.kernels->vector.softmax_grad(n, cols, y + at, dy + at, dx + at);
  });
}

void log_softmax_grad(const Exec& exec, int64_t rows, int64_t cols, const float* y, const float* dy,
                      float* dx) noexcept {
  for_row_blocks(exec, rows, cols, kExpCost, [&](int64_t r, int64_t n) {
    const int64_t at = r * cols;
    exec.kernels->vector.log_softmax_grad(n, cols, y + at, dy + at, dx + at);
  });
}

void softmax_cross_entropy(const Exec& exec, int64_t rows, int64_t cols, const float* x,
                           const TensorRef& target, float* loss) noexcept {
  const VectorKernels& k = exec.kernels->vector;
  if (is_float(target.type->dtype)) {
    for_row_blocks(exec, rows, cols, kExpCost, [&](int64_t r, int64_t n) {
      k.cross_entropy(n, cols, x + r * cols, target.f32() + r * cols, loss + r);
    });
    return;
  }
  const Labels label(exec, target, cols);
  for_row_blocks(exec, rows, cols, kExpCost, [&](int64_t first, int64_t n) {
    for (int64_t r = first; r < first + n; ++r) {
      float log_sum, max;
      const float* row = x + r * cols;
      const int64_t l = label(r);
      k.log_sum_exp(1, cols, row, &log_sum, &max);
      loss[r] = cols > 0 ? log_sum - (row[l] - max) : 0.0f;
    }
  });
}

void softmax_cross_entropy_grad(const Exec& exec, int64_t rows, int64_t cols, const float* x,
                                const TensorRef& target, const float* dloss, float* dx) noexcept {
  const VectorKernels& k = exec.kernels->vector;
  if (is_float(target.type->dtype)) {
    for_row_blocks(exec, rows, cols, kExpCost, [&](int64_t r, int64_t n) {
      const int64_t at = r * cols;
      k.cross_entropy_grad(n, cols, x + at, target.f32() + at, dloss + r, dx + at);
    });
    return;
  }
  const Labels label(exec, target, cols);
  for_row_blocks(exec, rows, cols, kExpCost, [&](int64_t first, int64_t n) {
    k.scaled_softmax(n, cols, x + first * cols, dloss + first, dx + first * cols);
    for (int64_t r = first; cols > 0 && r < first + n; ++r) dx[r * cols + label(r)] -= dloss[r];
  });
}

}  // namespace nnseq::cpu
