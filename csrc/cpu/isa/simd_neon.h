// F16 as four 128-bit registers of AArch64; the contract is in simd.h.
#pragma once

#include <arm_neon.h>

#define NNSEQ_NEON 1  // __aarch64__ is there for the generic code, too

namespace nnseq::cpu::neon {

struct F16 {
  float32x4_t v[4];
};
struct I16 {
  int32x4_t v[4];
};
struct M16 {  // all bits of a lane are equal
  uint32x4_t v[4];
};

#define NNSEQ_PARTS(Result, expression)              \
  Result r;                                          \
  NNSEQ_UNROLL                                       \
  for (int i = 0; i < 4; ++i) r.v[i] = (expression); \
  return r
#define NNSEQ_1(Result, name, Operand, fn) \
  NNSEQ_INLINE Result name(Operand a) { NNSEQ_PARTS(Result, fn(a.v[i])); }
#define NNSEQ_2(Result, name, Operand, fn) \
  NNSEQ_INLINE Result name(Operand a, Operand b) { NNSEQ_PARTS(Result, fn(a.v[i], b.v[i])); }

NNSEQ_INLINE F16 set1(float x) { NNSEQ_PARTS(F16, vdupq_n_f32(x)); }
NNSEQ_INLINE F16 zero() { return set1(0); }
NNSEQ_INLINE I16 set1_i32(int32_t x) { NNSEQ_PARTS(I16, vdupq_n_s32(x)); }
NNSEQ_INLINE F16 load(const float* p) { NNSEQ_PARTS(F16, vld1q_f32(p + 4 * i)); }
NNSEQ_INLINE I16 load_i32(const int32_t* p) { NNSEQ_PARTS(I16, vld1q_s32(p + 4 * i)); }
NNSEQ_INLINE void store(float* p, F16 a) {
  NNSEQ_UNROLL
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, a.v[i]);
}
NNSEQ_INLINE void store_i32(int32_t* p, I16 a) {
  NNSEQ_UNROLL
  for (int i = 0; i < 4; ++i) vst1q_s32(p + 4 * i, a.v[i]);
}
NNSEQ_INLINE F16 load_n(const float* p, int64_t n) {
  float buffer[16] = {};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return load(buffer);
}
NNSEQ_INLINE void store_n(float* p, F16 a, int64_t n) {
  float buffer[16];
  store(buffer, a);
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i];
}
NNSEQ_INLINE I16 iota_i32() {
  const int32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load_i32(lanes);
}

NNSEQ_2(F16, operator+, F16, vaddq_f32)
NNSEQ_2(F16, operator-, F16, vsubq_f32)
NNSEQ_2(F16, operator*, F16, vmulq_f32)
NNSEQ_2(F16, operator/, F16, vdivq_f32)
NNSEQ_2(M16, operator<, F16, vcltq_f32)
NNSEQ_2(M16, operator<=, F16, vcleq_f32)
NNSEQ_2(M16, operator>, F16, vcgtq_f32)
NNSEQ_2(M16, operator>=, F16, vcgeq_f32)
NNSEQ_2(M16, operator==, F16, vceqq_f32)
NNSEQ_2(M16, operator==, I16, vceqq_s32)
NNSEQ_2(M16, operator<, I16, vcltq_s32)
NNSEQ_2(M16, operator&, M16, vandq_u32)
NNSEQ_2(M16, operator|, M16, vorrq_u32)
NNSEQ_1(M16, operator!, M16, vmvnq_u32)
NNSEQ_2(I16, operator+, I16, vaddq_s32)
NNSEQ_2(I16, operator-, I16, vsubq_s32)
NNSEQ_2(I16, operator*, I16, vmulq_s32)
NNSEQ_2(I16, operator&, I16, vandq_s32)
NNSEQ_2(I16, operator|, I16, vorrq_s32)
NNSEQ_2(I16, operator^, I16, veorq_s32)
NNSEQ_1(F16, operator-, F16, vnegq_f32)
NNSEQ_1(F16, abs, F16, vabsq_f32)
NNSEQ_1(F16, sqrt, F16, vsqrtq_f32)
NNSEQ_1(F16, floor, F16, vrndmq_f32)
NNSEQ_1(F16, ceil, F16, vrndpq_f32)
NNSEQ_1(F16, round, F16, vrndnq_f32)
NNSEQ_1(I16, bits, F16, vreinterpretq_s32_f32)
NNSEQ_1(F16, floats, I16, vreinterpretq_f32_s32)
NNSEQ_1(F16, to_float, I16, vcvtq_f32_s32)
NNSEQ_INLINE M16 operator!=(F16 a, F16 b) { return !(a == b); }

NNSEQ_INLINE I16 select(M16 m, I16 a, I16 b) {
  NNSEQ_PARTS(I16, vbslq_s32(m.v[i], a.v[i], b.v[i]));
}
NNSEQ_INLINE F16 select(M16 m, F16 a, F16 b) {
  NNSEQ_PARTS(F16, vbslq_f32(m.v[i], a.v[i], b.v[i]));
}
NNSEQ_INLINE F16 max(F16 a, F16 b) { return select(a > b, a, b); }  // vmaxq is NaN with a NaN
NNSEQ_INLINE F16 min(F16 a, F16 b) { return select(a < b, a, b); }
NNSEQ_INLINE F16 fma(F16 a, F16 b, F16 c) { NNSEQ_PARTS(F16, vfmaq_f32(c.v[i], a.v[i], b.v[i])); }
NNSEQ_INLINE F16 fnma(F16 a, F16 b, F16 c) { NNSEQ_PARTS(F16, vfmsq_f32(c.v[i], a.v[i], b.v[i])); }
NNSEQ_INLINE F16 fms(F16 a, F16 b, F16 c) { return fma(a, b, -c); }

NNSEQ_INLINE M16 first_n(int64_t n) {
  const I16 lane = iota_i32(), count = set1_i32(static_cast<int32_t>(n));
  return lane < count;
}
NNSEQ_INLINE bool any(M16 a) {
  return vmaxvq_u32(vorrq_u32(vorrq_u32(a.v[0], a.v[1]), vorrq_u32(a.v[2], a.v[3]))) != 0;
}
NNSEQ_INLINE bool all(M16 a) { return !any(!a); }

// The conversions alone give the largest int for large numbers, and 0 for NaN.
NNSEQ_INLINE I16 or_int_min(F16 a, I16 converted) {
  const M16 fits = (a >= set1(-2147483648.0f)) & (a < set1(2147483648.0f));
  return select(fits, converted, set1_i32(INT32_MIN));
}
NNSEQ_1(I16, toward_zero, F16, vcvtq_s32_f32)
NNSEQ_1(I16, to_nearest, F16, vcvtnq_s32_f32)
NNSEQ_INLINE I16 to_int(F16 a) { return or_int_min(a, toward_zero(a)); }
NNSEQ_INLINE I16 to_int_round(F16 a) { return or_int_min(a, to_nearest(a)); }

NNSEQ_INLINE int32x4_t mul_hi_u32(uint32x4_t a, uint32x4_t b) {
  const uint64x2_t low = vmull_u32(vget_low_u32(a), vget_low_u32(b)), high = vmull_high_u32(a, b);
  return vreinterpretq_s32_u32(vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high)));
}
NNSEQ_INLINE I16 mul_hi_u32(I16 a, I16 b) {
  NNSEQ_PARTS(I16, mul_hi_u32(vreinterpretq_u32_s32(a.v[i]), vreinterpretq_u32_s32(b.v[i])));
}
NNSEQ_INLINE I16 shift_left(I16 a, int n) { NNSEQ_PARTS(I16, vshlq_s32(a.v[i], vdupq_n_s32(n))); }
NNSEQ_INLINE I16 shift_right_signed(I16 a, int n) { return shift_left(a, -n); }
NNSEQ_INLINE I16 shift_right(I16 a, int n) {
  NNSEQ_PARTS(I16,
              vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.v[i]), vdupq_n_s32(-n))));
}

NNSEQ_INLINE F16 load_u8(const uint8_t* p) {
  const uint8x16_t x = vld1q_u8(p);
  const uint16x8_t low = vmovl_u8(vget_low_u8(x)), high = vmovl_high_u8(x);
  return {{vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))), vcvtq_f32_u32(vmovl_high_u16(low)),
           vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))), vcvtq_f32_u32(vmovl_high_u16(high))}};
}
NNSEQ_INLINE F16 load_u8_n(const uint8_t* p, int64_t n) {
  uint8_t buffer[16] = {};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return load_u8(buffer);
}
NNSEQ_INLINE void store_u8(uint8_t* p, M16 m) {
  const uint16x8_t low = vmovn_high_u32(vmovn_u32(m.v[0]), m.v[1]);
  const uint16x8_t high = vmovn_high_u32(vmovn_u32(m.v[2]), m.v[3]);
  vst1q_u8(p, vandq_u8(vmovn_high_u16(vmovn_u16(low), high), vdupq_n_u8(1)));
}
NNSEQ_INLINE void store_u8_n(uint8_t* p, M16 m, int64_t n) {
  uint8_t buffer[16];
  store_u8(buffer, m);
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i];
}

#define NNSEQ_LANE_TREE(join_q, join)                                           \
  const float32x4_t x = join_q(join_q(a.v[0], a.v[2]), join_q(a.v[1], a.v[3])); \
  const float32x2_t y = join(vget_low_f32(x), vget_high_f32(x));                \
  return vget_lane_f32(join(y, vdup_lane_f32(y, 1)), 0)
NNSEQ_INLINE float32x4_t max_nan(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vmvnq_u32(vceqq_f32(a, a)), a, vbslq_f32(vcgtq_f32(a, b), a, b));
}
NNSEQ_INLINE float32x2_t max_nan(float32x2_t a, float32x2_t b) {
  return vbsl_f32(vmvn_u32(vceq_f32(a, a)), a, vbsl_f32(vcgt_f32(a, b), a, b));
}
NNSEQ_INLINE float32x4_t min_nan(float32x4_t a, float32x4_t b) {
  return vbslq_f32(vmvnq_u32(vceqq_f32(a, a)), a, vbslq_f32(vcltq_f32(a, b), a, b));
}
NNSEQ_INLINE float32x2_t min_nan(float32x2_t a, float32x2_t b) {
  return vbsl_f32(vmvn_u32(vceq_f32(a, a)), a, vbsl_f32(vclt_f32(a, b), a, b));
}
NNSEQ_INLINE float sum(F16 a) { NNSEQ_LANE_TREE(vaddq_f32, vadd_f32); }
NNSEQ_INLINE float max_nan_of(F16 a) { NNSEQ_LANE_TREE(max_nan, max_nan); }
NNSEQ_INLINE float min_nan_of(F16 a) { NNSEQ_LANE_TREE(min_nan, min_nan); }

// Four rows of four become four columns.
NNSEQ_INLINE void transpose4(float32x4_t& a, float32x4_t& b, float32x4_t& c, float32x4_t& d) {
  const float64x2_t even_ab = vreinterpretq_f64_f32(vtrn1q_f32(a, b));
  const float64x2_t odd_ab = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
  const float64x2_t even_cd = vreinterpretq_f64_f32(vtrn1q_f32(c, d));
  const float64x2_t odd_cd = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
  a = vreinterpretq_f32_f64(vtrn1q_f64(even_ab, even_cd));
  b = vreinterpretq_f32_f64(vtrn1q_f64(odd_ab, odd_cd));
  c = vreinterpretq_f32_f64(vtrn2q_f64(even_ab, even_cd));
  d = vreinterpretq_f32_f64(vtrn2q_f64(odd_ab, odd_cd));
}

#undef NNSEQ_LANE_TREE
#undef NNSEQ_2
#undef NNSEQ_1
#undef NNSEQ_PARTS

}  // namespace nnseq::cpu::neon
