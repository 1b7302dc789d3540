// A 16x16 block of floats, transposed in registers.
#pragma once

#include "cpu/isa/simd.h"

namespace nnseq::cpu::NNSEQ_ISA_NS {

#if defined(__AVX512F__)

NNSEQ_INLINE void transpose16(F16 (&r)[16]) {
  __m512 t[16], u[16];
  NNSEQ_UNROLL
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_ps(r[2 * i].v, r[2 * i + 1].v);
    t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i].v, r[2 * i + 1].v);
  }
  NNSEQ_UNROLL
  for (int i = 0; i < 16; ++i) {  // u[4q + c]: column c of each 4x4 block in rows 4q..4q+3
    const int q = i / 4 * 4, c = i % 4;
    const __m512d a = _mm512_castps_pd(t[q + c / 2]), b = _mm512_castps_pd(t[q + 2 + c / 2]);
    u[i] = _mm512_castpd_ps(c % 2 ? _mm512_unpackhi_pd(a, b) : _mm512_unpacklo_pd(a, b));
  }
  NNSEQ_UNROLL
  for (int c = 0; c < 4; ++c) {
    const __m512 even_lo = _mm512_shuffle_f32x4(u[c], u[4 + c], 0x88);
    const __m512 odd_lo = _mm512_shuffle_f32x4(u[c], u[4 + c], 0xdd);
    const __m512 even_hi = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0x88);
    const __m512 odd_hi = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0xdd);
    r[c].v = _mm512_shuffle_f32x4(even_lo, even_hi, 0x88);
    r[4 + c].v = _mm512_shuffle_f32x4(odd_lo, odd_hi, 0x88);
    r[8 + c].v = _mm512_shuffle_f32x4(even_lo, even_hi, 0xdd);
    r[12 + c].v = _mm512_shuffle_f32x4(odd_lo, odd_hi, 0xdd);
  }
}

#elif defined(__AVX2__)

NNSEQ_INLINE void transpose8(__m256 (&r)[8]) {
  __m256 t[8], u[8];
  NNSEQ_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  NNSEQ_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int q = i / 4 * 4, c = i % 4;
    const __m256d a = _mm256_castps_pd(t[q + c / 2]), b = _mm256_castps_pd(t[q + 2 + c / 2]);
    u[i] = _mm256_castpd_ps(c % 2 ? _mm256_unpackhi_pd(a, b) : _mm256_unpacklo_pd(a, b));
  }
  NNSEQ_UNROLL
  for (int c = 0; c < 4; ++c) {
    r[c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x20);
    r[4 + c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x31);
  }
}

NNSEQ_INLINE void transpose16(F16 (&r)[16]) {
  F16 s[16];
  __m256 t[8];
  NNSEQ_UNROLL
  for (int half = 0; half < 4; ++half) {  // the quadrants of the block
    const int row = half / 2 * 8;
    NNSEQ_UNROLL
    for (int i = 0; i < 8; ++i) t[i] = half % 2 ? r[row + i].hi : r[row + i].lo;
    transpose8(t);
    NNSEQ_UNROLL
    for (int i = 0; i < 8; ++i) (row ? s[half % 2 * 8 + i].hi : s[half % 2 * 8 + i].lo) = t[i];
  }
  NNSEQ_UNROLL
  for (int i = 0; i < 16; ++i) r[i] = s[i];
}

#elif defined(NNSEQ_NEON)

NNSEQ_INLINE void transpose16(F16 (&r)[16]) {
  F16 s[16];
  NNSEQ_UNROLL
  for (int p = 0; p < 4; ++p) {
    NNSEQ_UNROLL
    for (int q = 0; q < 4; ++q) {  // the block of the rows 4p..4p+3 and the columns 4q..4q+3
      float32x4_t t[4];
      NNSEQ_UNROLL
      for (int i = 0; i < 4; ++i) t[i] = r[4 * p + i].v[q];
      transpose4(t[0], t[1], t[2], t[3]);
      NNSEQ_UNROLL
      for (int i = 0; i < 4; ++i) s[4 * q + i].v[p] = t[i];
    }
  }
  NNSEQ_UNROLL
  for (int i = 0; i < 16; ++i) r[i] = s[i];
}

#else

NNSEQ_INLINE void transpose16(F16 (&r)[16]) {
  float x[16][16], y[16];
  for (int i = 0; i < 16; ++i) store(x[i], r[i]);
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 16; ++j) y[j] = x[j][i];
    r[i] = load(y);
  }
}

#endif

}  // namespace nnseq::cpu::NNSEQ_ISA_NS
