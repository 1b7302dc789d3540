// The gradient of every unary function: y = g * f'(saved).
#include "cpu/isa/vector_fill.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

template <class Fn>
void unary_grad(int64_t n, const float* saved, int64_t saved_step, const float* g, int64_t g_step,
                float* y, float alpha) noexcept {
  if (n <= 0) return;
  const F16 s0 = set1(*saved), d0 = set1(*g);  // before y, which may be one of them
  for_vectors(n, [&](int64_t i, auto whole, int64_t m) NNSEQ_LAMBDA {
    const F16 s = saved_step ? load(saved + i, whole, m) : s0;
    const F16 d = g_step ? load(g + i, whole, m) : d0;
    store(y + i, d * Fn::d(s, alpha), whole, m);
  });
}

}  // namespace

void fill_unary_grad(VectorKernels& v) noexcept {
#define NNSEQ_UNARY(name, Struct) \
  v.unary_grad[static_cast<int>(UnaryFn::k##Struct)] = unary_grad<math::Struct>;
#include "nnseq/functions.def"
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
