// Optimizer steps over one contiguous piece.
#include "cpu/isa/vector_fill.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

template <bool kMomentum, bool kNesterov>
NNSEQ_INLINE void sgd_loop(int64_t n, const SgdStep& p, const float* g, float* w, float* velocity) {
  const F16 lr = set1(p.lr), momentum = set1(p.momentum), decay = set1(p.decay);
  for_vectors(n, [=](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
    const F16 grad = load(g + i, whole, m);
    F16 weight = load(w + i, whole, m);
    weight = fnma(weight, decay, weight);
    if constexpr (kMomentum) {
      const F16 step = lr * grad;
      const F16 v = fms(momentum, load(velocity + i, whole, m), step);
      store(velocity + i, v, whole, m);
      weight = weight + (kNesterov ? fms(momentum, v, step) : v);
    } else {
      weight = fnma(lr, grad, weight);
    }
    store(w + i, weight, whole, m);
  });
}

void sgd(int64_t n, const SgdStep& p, const float* g, float* w, float* velocity) noexcept {
  if (!velocity) {
    sgd_loop<false, false>(n, p, g, w, velocity);
  } else if (p.nesterov) {
    sgd_loop<true, true>(n, p, g, w, velocity);
  } else {
    sgd_loop<true, false>(n, p, g, w, velocity);
  }
}

template <bool kAmsgrad>
NNSEQ_INLINE void adam_loop(int64_t n, const AdamStep& p, const float* g, float* w, float* m,
                            float* v, float* v_max) {
  const F16 alpha = set1(p.alpha), epsilon = set1(p.epsilon), decay = set1(p.decay);
  const F16 rest1 = set1(p.one_minus_beta1), rest2 = set1(p.one_minus_beta2);
  for_vectors(n, [=](int64_t i, auto whole, int64_t lanes) NNSEQ_LAMBDA {
    const F16 grad = load(g + i, whole, lanes);
    F16 weight = load(w + i, whole, lanes);
    weight = fnma(weight, decay, weight);
    const F16 m0 = load(m + i, whole, lanes), v0 = load(v + i, whole, lanes);
    const F16 m1 = fma(grad - m0, rest1, m0);
    const F16 v1 = fma(fms(grad, grad, v0), rest2, v0);
    store(m + i, m1, whole, lanes);
    store(v + i, v1, whole, lanes);
    F16 second = v1;
    if constexpr (kAmsgrad) {
      second = max_nan(load(v_max + i, whole, lanes), v1);
      store(v_max + i, second, whole, lanes);
    }
    store(w + i, weight - alpha * m1 / (sqrt(second) + epsilon), whole, lanes);
  });
}

void adam(int64_t n, const AdamStep& p, const float* g, float* w, float* m, float* v,
          float* v_max) noexcept {
  if (v_max) {
    adam_loop<true>(n, p, g, w, m, v, v_max);
  } else {
    adam_loop<false>(n, p, g, w, m, v, v_max);
  }
}

}  // namespace

void fill_update(VectorKernels& v) noexcept {
  v.sgd = sgd;
  v.adam = adam;
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
