// Every unary function of functions.def over a contiguous row.
#include "cpu/isa/vector_fill.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {
namespace {

template <class Fn>
void unary(int64_t n, const float* x, float* y, float alpha) noexcept {
  for_vectors(n, [&](int64_t i, auto whole, int64_t m)
                     NNSEQ_LAMBDA { store(y + i, Fn::f(load(x + i, whole, m), alpha), whole, m); });
}

}  // namespace

void fill_unary(VectorKernels& v) noexcept {
#define NNSEQ_UNARY(name, Struct) \
  v.unary[static_cast<int>(UnaryFn::k##Struct)] = unary<math::Struct>;
#include "nnseq/functions.def"
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
