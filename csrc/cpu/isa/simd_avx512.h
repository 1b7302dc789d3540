// F16 as one 512-bit register; the contract is in simd.h.
#pragma once

// GCC 12's _mm512_undefined_ps() warns of itself.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

namespace nnseq::cpu::avx512 {

struct F16 {
  __m512 v;
};
struct I16 {
  __m512i v;
};
struct M16 {
  __mmask16 v;
};

NNSEQ_INLINE M16 first_n(int64_t n) { return {static_cast<__mmask16>((1u << n) - 1)}; }

NNSEQ_INLINE F16 zero() { return {_mm512_setzero_ps()}; }
NNSEQ_INLINE F16 set1(float x) { return {_mm512_set1_ps(x)}; }
NNSEQ_INLINE F16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
NNSEQ_INLINE void store(float* p, F16 a) { _mm512_storeu_ps(p, a.v); }
NNSEQ_INLINE F16 load_n(const float* p, int64_t n) {
  return {_mm512_maskz_loadu_ps(first_n(n).v, p)};
}
NNSEQ_INLINE void store_n(float* p, F16 a, int64_t n) {
  _mm512_mask_storeu_ps(p, first_n(n).v, a.v);
}

NNSEQ_INLINE F16 operator+(F16 a, F16 b) { return {_mm512_add_ps(a.v, b.v)}; }
NNSEQ_INLINE F16 operator-(F16 a, F16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
NNSEQ_INLINE F16 operator*(F16 a, F16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
NNSEQ_INLINE F16 operator/(F16 a, F16 b) { return {_mm512_div_ps(a.v, b.v)}; }
NNSEQ_INLINE F16 operator-(F16 a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
NNSEQ_INLINE F16 fma(F16 a, F16 b, F16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
NNSEQ_INLINE F16 fms(F16 a, F16 b, F16 c) { return {_mm512_fmsub_ps(a.v, b.v, c.v)}; }
NNSEQ_INLINE F16 fnma(F16 a, F16 b, F16 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
NNSEQ_INLINE F16 max(F16 a, F16 b) { return {_mm512_max_ps(a.v, b.v)}; }
NNSEQ_INLINE F16 min(F16 a, F16 b) { return {_mm512_min_ps(a.v, b.v)}; }
NNSEQ_INLINE F16 abs(F16 a) { return {_mm512_abs_ps(a.v)}; }
NNSEQ_INLINE F16 sqrt(F16 a) { return {_mm512_sqrt_ps(a.v)}; }
NNSEQ_INLINE F16 floor(F16 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
NNSEQ_INLINE F16 ceil(F16 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)};
}
NNSEQ_INLINE F16 round(F16 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

NNSEQ_INLINE M16 operator<(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
NNSEQ_INLINE M16 operator<=(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
NNSEQ_INLINE M16 operator>(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
NNSEQ_INLINE M16 operator>=(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
NNSEQ_INLINE M16 operator==(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
NNSEQ_INLINE M16 operator!=(F16 a, F16 b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)}; }

NNSEQ_INLINE M16 operator&(M16 a, M16 b) { return {static_cast<__mmask16>(a.v & b.v)}; }
NNSEQ_INLINE M16 operator|(M16 a, M16 b) { return {static_cast<__mmask16>(a.v | b.v)}; }
NNSEQ_INLINE M16 operator!(M16 a) { return {static_cast<__mmask16>(~a.v)}; }
NNSEQ_INLINE bool any(M16 a) { return a.v != 0; }
NNSEQ_INLINE bool all(M16 a) { return a.v == 0xffff; }

NNSEQ_INLINE F16 select(M16 m, F16 a, F16 b) { return {_mm512_mask_blend_ps(m.v, b.v, a.v)}; }
NNSEQ_INLINE I16 select(M16 m, I16 a, I16 b) { return {_mm512_mask_blend_epi32(m.v, b.v, a.v)}; }

NNSEQ_INLINE I16 bits(F16 a) { return {_mm512_castps_si512(a.v)}; }
NNSEQ_INLINE F16 floats(I16 a) { return {_mm512_castsi512_ps(a.v)}; }
NNSEQ_INLINE I16 to_int(F16 a) { return {_mm512_cvttps_epi32(a.v)}; }
NNSEQ_INLINE I16 to_int_round(F16 a) { return {_mm512_cvtps_epi32(a.v)}; }
NNSEQ_INLINE F16 to_float(I16 a) { return {_mm512_cvtepi32_ps(a.v)}; }

NNSEQ_INLINE I16 set1_i32(int32_t x) { return {_mm512_set1_epi32(x)}; }
NNSEQ_INLINE I16 iota_i32() {
  return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)};
}
NNSEQ_INLINE I16 load_i32(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
NNSEQ_INLINE void store_i32(int32_t* p, I16 a) { _mm512_storeu_si512(p, a.v); }
NNSEQ_INLINE I16 operator+(I16 a, I16 b) { return {_mm512_add_epi32(a.v, b.v)}; }
NNSEQ_INLINE I16 operator-(I16 a, I16 b) { return {_mm512_sub_epi32(a.v, b.v)}; }
NNSEQ_INLINE I16 operator*(I16 a, I16 b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
NNSEQ_INLINE I16 operator&(I16 a, I16 b) { return {_mm512_and_si512(a.v, b.v)}; }
NNSEQ_INLINE I16 operator|(I16 a, I16 b) { return {_mm512_or_si512(a.v, b.v)}; }
NNSEQ_INLINE I16 operator^(I16 a, I16 b) { return {_mm512_xor_si512(a.v, b.v)}; }
NNSEQ_INLINE M16 operator==(I16 a, I16 b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
NNSEQ_INLINE M16 operator<(I16 a, I16 b) { return {_mm512_cmplt_epi32_mask(a.v, b.v)}; }
NNSEQ_INLINE I16 mul_hi_u32(I16 a, I16 b) {
  const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(a.v, b.v), 32);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(b.v, 32));
  return {_mm512_mask_blend_epi32(0xaaaa, even, odd)};
}
NNSEQ_INLINE I16 shift_left(I16 a, int n) {
  return {reinterpret_cast<__m512i>(reinterpret_cast<__v16su>(a.v) << n)};
}
NNSEQ_INLINE I16 shift_right(I16 a, int n) {
  return {reinterpret_cast<__m512i>(reinterpret_cast<__v16su>(a.v) >> n)};
}
NNSEQ_INLINE I16 shift_right_signed(I16 a, int n) {
  return {reinterpret_cast<__m512i>(reinterpret_cast<__v16si>(a.v) >> n)};
}

NNSEQ_INLINE F16 load_u8_n(const uint8_t* p, int64_t n) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_n(n).v, p)))};
}
NNSEQ_INLINE F16 load_u8(const uint8_t* p) { return load_u8_n(p, 16); }
NNSEQ_INLINE void store_u8_n(uint8_t* p, M16 m, int64_t n) {
  _mm_mask_storeu_epi8(p, first_n(n).v, _mm_maskz_set1_epi8(m.v, 1));
}
NNSEQ_INLINE void store_u8(uint8_t* p, M16 m) { store_u8_n(p, m, 16); }

#define NNSEQ_LANE_TREE(OP256, OP128)                                                  \
  const __m256 x = OP256(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1)); \
  const __m128 y = OP128(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));      \
  const __m128 z = OP128(y, _mm_movehl_ps(y, y));                                      \
  return _mm_cvtss_f32(OP128(z, _mm_movehdup_ps(z)))
NNSEQ_INLINE __m256 max_nan(__m256 a, __m256 b) {
  return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
NNSEQ_INLINE __m128 max_nan(__m128 a, __m128 b) {
  return _mm_blendv_ps(_mm_max_ps(a, b), a, _mm_cmp_ps(a, a, _CMP_UNORD_Q));
}
NNSEQ_INLINE __m256 min_nan(__m256 a, __m256 b) {
  return _mm256_blendv_ps(_mm256_min_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
NNSEQ_INLINE __m128 min_nan(__m128 a, __m128 b) {
  return _mm_blendv_ps(_mm_min_ps(a, b), a, _mm_cmp_ps(a, a, _CMP_UNORD_Q));
}
NNSEQ_INLINE float sum(F16 a) { NNSEQ_LANE_TREE(_mm256_add_ps, _mm_add_ps); }
NNSEQ_INLINE float max_nan_of(F16 a) { NNSEQ_LANE_TREE(max_nan, max_nan); }
NNSEQ_INLINE float min_nan_of(F16 a) { NNSEQ_LANE_TREE(min_nan, min_nan); }
#undef NNSEQ_LANE_TREE

}  // namespace nnseq::cpu::avx512
