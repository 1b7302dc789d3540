// F16 as two 256-bit registers; the contract is in simd.h.
#pragma once

#include <immintrin.h>

namespace nnseq::cpu::avx2 {

struct F16 {
  __m256 lo, hi;
};
struct I16 {
  __m256i lo, hi;
};
struct M16 {  // all bits of a lane are equal
  __m256i lo, hi;
};

NNSEQ_INLINE M16 first_n(int64_t n) {
  const __m256i count = _mm256_set1_epi32(static_cast<int32_t>(n));
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return {_mm256_cmpgt_epi32(count, lane),
          _mm256_cmpgt_epi32(count, _mm256_add_epi32(lane, _mm256_set1_epi32(8)))};
}

NNSEQ_INLINE F16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
NNSEQ_INLINE F16 set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
NNSEQ_INLINE F16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
NNSEQ_INLINE void store(float* p, F16 a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
NNSEQ_INLINE F16 load_n(const float* p, int64_t n) {
  const M16 m = first_n(n);
  return {_mm256_maskload_ps(p, m.lo), _mm256_maskload_ps(p + 8, m.hi)};
}
NNSEQ_INLINE void store_n(float* p, F16 a, int64_t n) {
  const M16 m = first_n(n);
  _mm256_maskstore_ps(p, m.lo, a.lo);
  _mm256_maskstore_ps(p + 8, m.hi, a.hi);
}

#define NNSEQ_F2(name, fn) \
  NNSEQ_INLINE F16 name(F16 a, F16 b) { return {fn(a.lo, b.lo), fn(a.hi, b.hi)}; }
#define NNSEQ_F3(name, fn)                               \
  NNSEQ_INLINE F16 name(F16 a, F16 b, F16 c) {           \
    return {fn(a.lo, b.lo, c.lo), fn(a.hi, b.hi, c.hi)}; \
  }
#define NNSEQ_I2(name, fn) \
  NNSEQ_INLINE I16 name(I16 a, I16 b) { return {fn(a.lo, b.lo), fn(a.hi, b.hi)}; }
#define NNSEQ_COMPARE(name, how)                                  \
  NNSEQ_INLINE M16 name(F16 a, F16 b) {                           \
    return {_mm256_castps_si256(_mm256_cmp_ps(a.lo, b.lo, how)),  \
            _mm256_castps_si256(_mm256_cmp_ps(a.hi, b.hi, how))}; \
  }
#define NNSEQ_ROUND(name, how)                                 \
  NNSEQ_INLINE F16 name(F16 a) {                               \
    return {_mm256_round_ps(a.lo, (how) | _MM_FROUND_NO_EXC),  \
            _mm256_round_ps(a.hi, (how) | _MM_FROUND_NO_EXC)}; \
  }

NNSEQ_F2(operator+, _mm256_add_ps)
NNSEQ_F2(operator-, _mm256_sub_ps)
NNSEQ_F2(operator*, _mm256_mul_ps)
NNSEQ_F2(operator/, _mm256_div_ps)
NNSEQ_F2(max, _mm256_max_ps)
NNSEQ_F2(min, _mm256_min_ps)
NNSEQ_F3(fma, _mm256_fmadd_ps)
NNSEQ_F3(fms, _mm256_fmsub_ps)
NNSEQ_F3(fnma, _mm256_fnmadd_ps)
NNSEQ_ROUND(floor, _MM_FROUND_TO_NEG_INF)
NNSEQ_ROUND(ceil, _MM_FROUND_TO_POS_INF)
NNSEQ_ROUND(round, _MM_FROUND_TO_NEAREST_INT)
NNSEQ_COMPARE(operator<, _CMP_LT_OQ)
NNSEQ_COMPARE(operator<=, _CMP_LE_OQ)
NNSEQ_COMPARE(operator>, _CMP_GT_OQ)
NNSEQ_COMPARE(operator>=, _CMP_GE_OQ)
NNSEQ_COMPARE(operator==, _CMP_EQ_OQ)
NNSEQ_COMPARE(operator!=, _CMP_NEQ_UQ)
NNSEQ_I2(operator+, _mm256_add_epi32)
NNSEQ_I2(operator-, _mm256_sub_epi32)
NNSEQ_I2(operator*, _mm256_mullo_epi32)
NNSEQ_I2(operator&, _mm256_and_si256)
NNSEQ_I2(operator|, _mm256_or_si256)
NNSEQ_I2(operator^, _mm256_xor_si256)

#undef NNSEQ_F2
#undef NNSEQ_F3
#undef NNSEQ_I2
#undef NNSEQ_COMPARE
#undef NNSEQ_ROUND

NNSEQ_INLINE F16 operator-(F16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(a.lo, sign), _mm256_xor_ps(a.hi, sign)};
}
NNSEQ_INLINE F16 abs(F16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
NNSEQ_INLINE F16 sqrt(F16 a) { return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }

NNSEQ_INLINE M16 operator&(M16 a, M16 b) {
  return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}
NNSEQ_INLINE M16 operator|(M16 a, M16 b) {
  return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}
NNSEQ_INLINE M16 operator!(M16 a) {
  const __m256i ones = _mm256_set1_epi32(-1);
  return {_mm256_xor_si256(a.lo, ones), _mm256_xor_si256(a.hi, ones)};
}
NNSEQ_INLINE bool any(M16 a) { return _mm256_movemask_epi8(_mm256_or_si256(a.lo, a.hi)) != 0; }
NNSEQ_INLINE bool all(M16 a) { return _mm256_movemask_epi8(_mm256_and_si256(a.lo, a.hi)) == -1; }

NNSEQ_INLINE I16 bits(F16 a) { return {_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)}; }
NNSEQ_INLINE F16 floats(I16 a) { return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)}; }
NNSEQ_INLINE I16 to_int(F16 a) { return {_mm256_cvttps_epi32(a.lo), _mm256_cvttps_epi32(a.hi)}; }
NNSEQ_INLINE I16 to_int_round(F16 a) {
  return {_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi)};
}
NNSEQ_INLINE F16 to_float(I16 a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }

NNSEQ_INLINE I16 select(M16 m, I16 a, I16 b) {
  return {_mm256_blendv_epi8(b.lo, a.lo, m.lo), _mm256_blendv_epi8(b.hi, a.hi, m.hi)};
}
NNSEQ_INLINE F16 select(M16 m, F16 a, F16 b) {
  return {_mm256_blendv_ps(b.lo, a.lo, _mm256_castsi256_ps(m.lo)),
          _mm256_blendv_ps(b.hi, a.hi, _mm256_castsi256_ps(m.hi))};
}

NNSEQ_INLINE I16 set1_i32(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
NNSEQ_INLINE I16 iota_i32() {
  return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
          _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)};
}
NNSEQ_INLINE I16 load_i32(const int32_t* p) {
  const __m256i* q = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
}
NNSEQ_INLINE void store_i32(int32_t* p, I16 a) {
  __m256i* q = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(q, a.lo);
  _mm256_storeu_si256(q + 1, a.hi);
}
NNSEQ_INLINE M16 operator==(I16 a, I16 b) {
  return {_mm256_cmpeq_epi32(a.lo, b.lo), _mm256_cmpeq_epi32(a.hi, b.hi)};
}
NNSEQ_INLINE M16 operator<(I16 a, I16 b) {
  return {_mm256_cmpgt_epi32(b.lo, a.lo), _mm256_cmpgt_epi32(b.hi, a.hi)};
}
NNSEQ_INLINE __m256i mul_hi_u32(__m256i a, __m256i b) {
  const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(a, b), 32);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  return _mm256_blend_epi32(even, odd, 0xaa);
}
NNSEQ_INLINE I16 mul_hi_u32(I16 a, I16 b) {
  return {mul_hi_u32(a.lo, b.lo), mul_hi_u32(a.hi, b.hi)};
}
NNSEQ_INLINE I16 shift_left(I16 a, int n) {
  return {_mm256_slli_epi32(a.lo, n), _mm256_slli_epi32(a.hi, n)};
}
NNSEQ_INLINE I16 shift_right(I16 a, int n) {
  return {_mm256_srli_epi32(a.lo, n), _mm256_srli_epi32(a.hi, n)};
}
NNSEQ_INLINE I16 shift_right_signed(I16 a, int n) {
  return {_mm256_srai_epi32(a.lo, n), _mm256_srai_epi32(a.hi, n)};
}

NNSEQ_INLINE F16 load_u8(const uint8_t* p) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return to_float({_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8))});
}
NNSEQ_INLINE F16 load_u8_n(const uint8_t* p, int64_t n) {
  uint8_t buffer[16] = {};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return load_u8(buffer);
}
NNSEQ_INLINE void store_u8(uint8_t* p, M16 m) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(m.lo, m.hi), 0xd8);
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_and_si128(bytes, _mm_set1_epi8(1)));
}
NNSEQ_INLINE void store_u8_n(uint8_t* p, M16 m, int64_t n) {
  uint8_t buffer[16];
  store_u8(buffer, m);
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i];
}

#define NNSEQ_LANE_TREE(OP256, OP128)                                             \
  const __m256 x = OP256(a.lo, a.hi);                                             \
  const __m128 y = OP128(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)); \
  const __m128 z = OP128(y, _mm_movehl_ps(y, y));                                 \
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

}  // namespace nnseq::cpu::avx2
