// softmax and cross-entropy, one row after the other.
#include "cpu/isa/row_sum.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

NNSEQ_INLINE float max_of(int64_t n, const float* x) {
  return fold_block<MaxLanes>(
      0, n, [x](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA { return load(x + i, whole, m); });
}

// e^(x - max) for one row, kept in e (null: not kept); returns their sum.
NNSEQ_INLINE float exp_row(int64_t n, const float* x, float max, float* e) {
  const F16 shift = set1(max);
  return sum_of(n, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
    const F16 y = math::exp(load(x + i, whole, m) - shift);
    if (e) store(e + i, y, whole, m);
    return y;
  });
}

NNSEQ_INLINE void scale_row(int64_t n, float* y, float factor) {
  const F16 f = set1(factor);
  for_vectors(n, [=](int64_t i, auto whole, int64_t m)
                     NNSEQ_LAMBDA { store(y + i, load(y + i, whole, m) * f, whole, m); });
}

void softmax(int64_t rows, int64_t cols, const float* x, float* y) noexcept {
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    scale_row(cols, y, 1.0f / exp_row(cols, x, max_of(cols, x), y));
  }
}

void scaled_softmax(int64_t rows, int64_t cols, const float* x, const float* scale,
                    float* dx) noexcept {
  for (int64_t r = 0; r < rows; ++r, x += cols, dx += cols) {
    const float total = exp_row(cols, x, max_of(cols, x), dx);
    scale_row(cols, dx, scale[r] / total);
  }
}

void log_softmax(int64_t rows, int64_t cols, const float* x, float* y) noexcept {
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    const float max = max_of(cols, x);
    const F16 shift = set1(max), log_sum = set1(math::log(exp_row(cols, x, max, nullptr)));
    for_vectors(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      store(y + i, load(x + i, whole, m) - shift - log_sum, whole, m);
    });
  }
}

void softmax_grad(int64_t rows, int64_t cols, const float* y, const float* dy, float* dx) noexcept {
  for (int64_t r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    const F16 dot = set1(sum_of(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      return load(y + i, whole, m) * load(dy + i, whole, m);
    }));
    for_vectors(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      store(dx + i, load(y + i, whole, m) * (load(dy + i, whole, m) - dot), whole, m);
    });
  }
}

void log_softmax_grad(int64_t rows, int64_t cols, const float* y, const float* dy,
                      float* dx) noexcept {
  for (int64_t r = 0; r < rows; ++r, y += cols, dy += cols, dx += cols) {
    const F16 total = set1(sum_of(cols, [=](int64_t i, auto whole, int64_t m)
                                            NNSEQ_LAMBDA { return load(dy + i, whole, m); }));
    for_vectors(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      const F16 p = math::exp(load(y + i, whole, m));
      store(dx + i, fnma(p, total, load(dy + i, whole, m)), whole, m);
    });
  }
}

void log_sum_exp(int64_t rows, int64_t cols, const float* x, float* log_sum, float* max) noexcept {
  for (int64_t r = 0; r < rows; ++r, x += cols) {
    max[r] = max_of(cols, x);
    log_sum[r] = math::log(exp_row(cols, x, max[r], nullptr));
  }
}

// A target of 0 takes no part, even where x is -inf.
void cross_entropy(int64_t rows, int64_t cols, const float* x, const float* t,
                   float* loss) noexcept {
  for (int64_t r = 0; r < rows; ++r, x += cols, t += cols) {
    const float max = max_of(cols, x);
    const float log_sum = math::log(exp_row(cols, x, max, nullptr));
    const F16 shift = set1(max);
    const float total = sum_of(
        cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA { return load(t + i, whole, m); });
    const float dot = sum_of(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      const F16 w = load(t + i, whole, m);
      return select(w == zero(), zero(), w * (load(x + i, whole, m) - shift));
    });
    loss[r] = log_sum * total - dot;
  }
}

void cross_entropy_grad(int64_t rows, int64_t cols, const float* x, const float* t,
                        const float* dloss, float* dx) noexcept {
  for (int64_t r = 0; r < rows; ++r, x += cols, t += cols, dx += cols) {
    const float total = sum_of(
        cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA { return load(t + i, whole, m); });
    const F16 scale = set1(total / exp_row(cols, x, max_of(cols, x), dx));
    const F16 d = set1(dloss[r]);
    for_vectors(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      const F16 e = load(dx + i, whole, m);
      store(dx + i, d * fms(e, scale, load(t + i, whole, m)), whole, m);
    });
  }
}

}  // namespace

void fill_softmax(VectorKernels& v) noexcept {
  v.softmax = softmax;
  v.log_softmax = log_softmax;
  v.softmax_grad = softmax_grad;
  v.log_softmax_grad = log_softmax_grad;
  v.log_sum_exp = log_sum_exp;
  v.scaled_softmax = scaled_softmax;
  v.cross_entropy = cross_entropy;
  v.cross_entropy_grad = cross_entropy_grad;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
