// The parts of fill_vector of one ISA.
#pragma once

#include "cpu/isa/fill.h"
#include "cpu/isa/vector_math.h"
#include "cpu/kernel_table.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {

#define NNSEQ_LAMBDA __attribute__((always_inline))

void fill_unary(VectorKernels&) noexcept;
void fill_unary_grad(VectorKernels&) noexcept;
void fill_reduce(VectorKernels&) noexcept;
void fill_softmax(VectorKernels&) noexcept;
void fill_norm(VectorKernels&) noexcept;
void fill_random(VectorKernels&) noexcept;
void fill_update(VectorKernels&) noexcept;

// Runs body(i, whole, n) for the vectors of [0, count): whole is true_type or false_type, n the
// lanes to use (16 when whole).
struct Whole {
  static constexpr bool value = true;
};
struct Part {
  static constexpr bool value = false;
};
template <class F>
NNSEQ_INLINE void for_vectors(int64_t count, F body) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) body(i, Whole{}, int64_t{16});
  if (i < count) body(i, Part{}, count - i);
}

template <class P>
NNSEQ_INLINE F16 load(const float* p, P, int64_t n) {
  if constexpr (P::value) return load(p);
  return load_n(p, n);
}
template <class P>
NNSEQ_INLINE void store(float* p, F16 a, P, int64_t n) {
  if constexpr (P::value) {
    store(p, a);
  } else {
    store_n(p, a, n);
  }
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
