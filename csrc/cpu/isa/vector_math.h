// The names of math/scalar.h for F16, so that math/elementwise.h is written once.
#pragma once

#include "cpu/isa/simd.h"
#include "math/elementwise.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {

NNSEQ_INLINE F16 splat(F16, double c) { return set1(static_cast<float>(c)); }
NNSEQ_INLINE I16 splat(I16, int32_t c) { return set1_i32(c); }

NNSEQ_INLINE F16 copysign(F16 a, F16 sign) {
  const I16 sign_bit = set1_i32(INT32_MIN);
  return floats((bits(a) & set1_i32(INT32_MAX)) | (bits(sign) & sign_bit));
}

template <class Fn>
NNSEQ_INLINE F16 patch(M16 m, F16 x, F16 y, Fn fn) {
  if (!any(m)) return y;
  float in[16], out[16], chosen[16];
  store(in, x);
  store(out, y);
  store(chosen, select(m, set1(1), zero()));
  for (int i = 0; i < 16; ++i) {
    if (chosen[i] != 0) out[i] = fn(in[i]);
  }
  return load(out);
}

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
