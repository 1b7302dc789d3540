// Batch and layer normalisation.
#include "cpu/isa/row_sum.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

NNSEQ_INLINE bool counts(const uint8_t* mask, int64_t row) { return !mask || mask[row]; }

int64_t moments(int64_t rows, int64_t cols, const float* x, const uint8_t* mask, float* mean,
                float* m2) noexcept {
  int64_t n = 0;
  for (int64_t r = 0; r < rows; ++r) n += counts(mask, r);
  const F16 count = set1(n ? static_cast<float>(n) : 1.0f);
  for_vectors(cols, [=](int64_t c, auto whole, int64_t m) NNSEQ_LAMBDA {
    F16 total = zero();
    for (int64_t r = 0; r < rows; ++r) {
      if (counts(mask, r)) total = total + load(x + r * cols + c, whole, m);
    }
    const F16 mu = total / count;
    F16 squares = zero();
    for (int64_t r = 0; r < rows; ++r) {
      const F16 d = load(x + r * cols + c, whole, m) - mu;
      if (counts(mask, r)) squares = fma(d, d, squares);
    }
    store(mean + c, mu, whole, m);
    store(m2 + c, squares, whole, m);
  });
  return n;
}

void join_moments(int64_t cols, int64_t n_a, float* mean_a, float* m2_a, int64_t n_b,
                  const float* mean_b, const float* m2_b) noexcept {
  if (n_b == 0) return;
  const double n = static_cast<double>(n_a + n_b);
  const F16 part = set1(static_cast<float>(static_cast<double>(n_b) / n));
  const F16 both =
      set1(static_cast<float>(static_cast<double>(n_a) * static_cast<double>(n_b) / n));
  const bool only_b = n_a == 0;
  for_vectors(cols, [=](int64_t c, auto whole, int64_t m) NNSEQ_LAMBDA {
    const F16 a = load(mean_a + c, whole, m), b = load(mean_b + c, whole, m);
    const F16 delta = b - a;
    const F16 sum = load(m2_a + c, whole, m) + load(m2_b + c, whole, m);
    store(mean_a + c, only_b ? b : fma(delta, part, a), whole, m);
    store(m2_a + c, only_b ? load(m2_b + c, whole, m) : fma(delta * delta, both, sum), whole, m);
  });
}

void normalize(int64_t rows, int64_t cols, const float* x, const float* mean, const float* scale,
               const float* beta, float* y) noexcept {
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    for_vectors(cols, [=](int64_t c, auto whole, int64_t m) NNSEQ_LAMBDA {
      const F16 d = load(x + c, whole, m) - load(mean + c, whole, m);
      const F16 shift = beta ? load(beta + c, whole, m) : zero();
      store(y + c, fma(d, load(scale + c, whole, m), shift), whole, m);
    });
  }
}

void batch_norm_sums(int64_t rows, int64_t cols, const float* x, const float* mean,
                     const float* rstd, const float* dy, float* dgamma, float* dbeta) noexcept {
  for_vectors(cols, [=](int64_t c, auto whole, int64_t m) NNSEQ_LAMBDA {
    const F16 mu = load(mean + c, whole, m);
    F16 scaled = zero(), plain = zero();
    for (int64_t r = 0; r < rows; ++r) {
      const F16 d = load(dy + r * cols + c, whole, m);
      scaled = fma(d, load(x + r * cols + c, whole, m) - mu, scaled);
      plain = plain + d;
    }
    store(dgamma + c, scaled * load(rstd + c, whole, m), whole, m);
    store(dbeta + c, plain, whole, m);
  });
}

void batch_norm_dx(int64_t rows, int64_t cols, const float* x, const float* mean, const float* rstd,
                   const float* scale, const float* dgamma, const float* dbeta, const uint8_t* mask,
                   float one_over_n, const float* dy, float* dx) noexcept {
  const F16 share = set1(one_over_n);
  for (int64_t r = 0; r < rows; ++r, x += cols, dy += cols, dx += cols) {
    const bool in_statistics = counts(mask, r);
    for_vectors(cols, [=](int64_t c, auto whole, int64_t m) NNSEQ_LAMBDA {
      F16 d = load(dy + c, whole, m);
      if (in_statistics) {
        const F16 xhat =
            (load(x + c, whole, m) - load(mean + c, whole, m)) * load(rstd + c, whole, m);
        const F16 common = fma(xhat, load(dgamma + c, whole, m), load(dbeta + c, whole, m));
        d = fnma(common, share, d);
      }
      store(dx + c, d * load(scale + c, whole, m), whole, m);
    });
  }
}

void layer_norm(int64_t rows, int64_t cols, const float* x, const float* gamma, const float* beta,
                float eps, float* y, float* mean, float* rstd) noexcept {
  const float count = static_cast<float>(cols);
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    mean[r] = sum_of(cols, [=](int64_t i, auto whole, int64_t m)
                               NNSEQ_LAMBDA { return load(x + i, whole, m); }) /
              count;
    const F16 mu = set1(mean[r]);
    const float var = sum_of(cols,
                             [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
                               const F16 d = load(x + i, whole, m) - mu;
                               return d * d;
                             }) /
                      count;
    rstd[r] = 1.0f / __builtin_sqrtf(var + eps);
    const F16 scale = set1(rstd[r]);
    for_vectors(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      const F16 xhat = (load(x + i, whole, m) - mu) * scale;
      const F16 g = gamma ? load(gamma + i, whole, m) : set1(1);
      store(y + i, fma(xhat, g, beta ? load(beta + i, whole, m) : zero()), whole, m);
    });
  }
}

// dx = rstd * (g - (sum g + xhat * sum(g * xhat)) / cols), g = dy * gamma
void layer_norm_dx(int64_t rows, int64_t cols, const float* x, const float* gamma,
                   const float* mean, const float* rstd, const float* dy, float* dx) noexcept {
  const float count = static_cast<float>(cols);
  for (int64_t r = 0; r < rows; ++r, x += cols, dy += cols, dx += cols) {
    const F16 mu = set1(mean[r]), scale = set1(rstd[r]);
    const auto g = [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      const F16 d = load(dy + i, whole, m);
      return gamma ? d * load(gamma + i, whole, m) : d;
    };
    const F16 plain = set1(sum_of(cols, g) / count);
    const F16 scaled = set1(sum_of(cols,
                                   [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
                                     return g(i, whole, m) * ((load(x + i, whole, m) - mu) * scale);
                                   }) /
                            count);
    for_vectors(cols, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
      const F16 xhat = (load(x + i, whole, m) - mu) * scale;
      store(dx + i, (g(i, whole, m) - fma(xhat, scaled, plain)) * scale, whole, m);
    });
  }
}

void layer_norm_sums(int64_t rows, int64_t cols, const float* x, const float* mean,
                     const float* rstd, const float* dy, float* dgamma, float* dbeta) noexcept {
  for_vectors(cols, [=](int64_t c, auto whole, int64_t m) NNSEQ_LAMBDA {
    F16 scaled = zero(), plain = zero();
    for (int64_t r = 0; r < rows; ++r) {
      const F16 d = load(dy + r * cols + c, whole, m);
      const F16 xhat = (load(x + r * cols + c, whole, m) - set1(mean[r])) * set1(rstd[r]);
      scaled = fma(d, xhat, scaled);
      plain = plain + d;
    }
    store(dgamma + c, scaled, whole, m);
    store(dbeta + c, plain, whole, m);
  });
}

}  // namespace

void fill_norm(VectorKernels& v) noexcept {
  v.moments = moments;
  v.join_moments = join_moments;
  v.normalize = normalize;
  v.batch_norm_sums = batch_norm_sums;
  v.batch_norm_dx = batch_norm_dx;
  v.layer_norm = layer_norm;
  v.layer_norm_dx = layer_norm_dx;
  v.layer_norm_sums = layer_norm_sums;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
