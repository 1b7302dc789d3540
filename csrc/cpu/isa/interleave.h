// Four words of sixteen counters, put in the order of the counters.
#pragma once

#include "cpu/isa/simd.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {

// The counter that each lane must hold for interleave() to give w[0], w[1], ... in order.
NNSEQ_INLINE I16 interleaved_iota() {
  const int32_t lanes[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  return load_i32(lanes);
}

// In: w[k], lane j: word k of lane j's counter. Out: the words 0..3 of counters 0, 1, ..., 15.
#if defined(__AVX512F__)

NNSEQ_INLINE void interleave(I16 (&w)[4]) {
  const __m512i a = _mm512_unpacklo_epi32(w[0].v, w[1].v);
  const __m512i b = _mm512_unpackhi_epi32(w[0].v, w[1].v);
  const __m512i c = _mm512_unpacklo_epi32(w[2].v, w[3].v);
  const __m512i d = _mm512_unpackhi_epi32(w[2].v, w[3].v);
  w[0].v = _mm512_unpacklo_epi64(a, c);
  w[1].v = _mm512_unpackhi_epi64(a, c);
  w[2].v = _mm512_unpacklo_epi64(b, d);
  w[3].v = _mm512_unpackhi_epi64(b, d);
}

#elif defined(__AVX2__)

NNSEQ_INLINE void interleave(__m256i& w0, __m256i& w1, __m256i& w2, __m256i& w3) {
  const __m256i a = _mm256_unpacklo_epi32(w0, w1), b = _mm256_unpackhi_epi32(w0, w1);
  const __m256i c = _mm256_unpacklo_epi32(w2, w3), d = _mm256_unpackhi_epi32(w2, w3);
  w0 = _mm256_unpacklo_epi64(a, c);
  w1 = _mm256_unpackhi_epi64(a, c);
  w2 = _mm256_unpacklo_epi64(b, d);
  w3 = _mm256_unpackhi_epi64(b, d);
}
NNSEQ_INLINE void interleave(I16 (&w)[4]) {
  interleave(w[0].lo, w[1].lo, w[2].lo, w[3].lo);
  interleave(w[0].hi, w[1].hi, w[2].hi, w[3].hi);
}

#elif defined(NNSEQ_NEON)

NNSEQ_INLINE void interleave(I16 (&w)[4]) {
  F16 f[4] = {floats(w[0]), floats(w[1]), floats(w[2]), floats(w[3])};
  NNSEQ_UNROLL
  for (int i = 0; i < 4; ++i) transpose4(f[0].v[i], f[1].v[i], f[2].v[i], f[3].v[i]);
  NNSEQ_UNROLL
  for (int k = 0; k < 4; ++k) w[k] = bits(f[k]);
}

#else

NNSEQ_INLINE void interleave(I16 (&w)[4]) {
  int32_t in[4][16], out[16];
  for (int k = 0; k < 4; ++k) store_i32(in[k], w[k]);
  for (int q = 0; q < 4; ++q) {
    for (int i = 0; i < 16; ++i) out[i] = in[i % 4][i / 4 * 4 + q];
    w[q] = load_i32(out);
  }
}

#endif

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
