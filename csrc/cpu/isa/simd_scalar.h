// F16 in GCC's generic vectors, for a compiler without any ISA flag; the contract is in simd.h.
#pragma once

#include <math.h>

// Without ISA flags an exp or log of 16 floats is 2 KB of code; inlined they were a fifth of the
// library.
#define NNSEQ_MATH __attribute__((noinline)) static

namespace nnseq::cpu::scalar {

typedef float F4 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));
typedef uint32_t U4 __attribute__((vector_size(16)));
typedef uint64_t U2 __attribute__((vector_size(16)));
typedef float F4u __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t I4u __attribute__((vector_size(16), aligned(4), may_alias));

struct F16 {
  F4 v[4];
};
struct I16 {
  I4 v[4];
};
struct M16 {  // all bits of a lane are equal
  I4 v[4];
};

#define NNSEQ_PARTS(Result, expression)              \
  Result r;                                          \
  NNSEQ_UNROLL                                       \
  for (int i = 0; i < 4; ++i) r.v[i] = (expression); \
  return r
#define NNSEQ_LANES(Result, expression)                   \
  Result r;                                               \
  NNSEQ_UNROLL                                            \
  for (int i = 0; i < 4; ++i)                             \
    for (int j = 0; j < 4; ++j) r.v[i][j] = (expression); \
  return r
#define NNSEQ_OPERATOR(Result, Operand, op) \
  NNSEQ_INLINE Result operator op(Operand a, Operand b) { NNSEQ_PARTS(Result, a.v[i] op b.v[i]); }

NNSEQ_INLINE F16 set1(float x) { NNSEQ_PARTS(F16, (F4{x, x, x, x})); }
NNSEQ_INLINE F16 zero() { return set1(0); }
NNSEQ_INLINE I16 set1_i32(int32_t x) { NNSEQ_PARTS(I16, (I4{x, x, x, x})); }
NNSEQ_INLINE I16 iota_i32() {
  return {{I4{0, 1, 2, 3}, I4{4, 5, 6, 7}, I4{8, 9, 10, 11}, I4{12, 13, 14, 15}}};
}
NNSEQ_INLINE F16 load(const float* p) {
  NNSEQ_PARTS(F16, *reinterpret_cast<const F4u*>(p + 4 * i));
}
NNSEQ_INLINE void store(float* p, F16 a) {
  NNSEQ_UNROLL
  for (int i = 0; i < 4; ++i) *reinterpret_cast<F4u*>(p + 4 * i) = a.v[i];
}
NNSEQ_INLINE F16 load_n(const float* p, int64_t n) {
  alignas(16) float buffer[16] = {};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return load(buffer);
}
NNSEQ_INLINE void store_n(float* p, F16 a, int64_t n) {
  alignas(16) float buffer[16];
  store(buffer, a);
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i];
}
NNSEQ_INLINE I16 load_i32(const int32_t* p) {
  NNSEQ_PARTS(I16, *reinterpret_cast<const I4u*>(p + 4 * i));
}
NNSEQ_INLINE void store_i32(int32_t* p, I16 a) {
  NNSEQ_UNROLL
  for (int i = 0; i < 4; ++i) *reinterpret_cast<I4u*>(p + 4 * i) = a.v[i];
}

NNSEQ_OPERATOR(F16, F16, +)
NNSEQ_OPERATOR(F16, F16, -)
NNSEQ_OPERATOR(F16, F16, *)
NNSEQ_OPERATOR(F16, F16, /)
NNSEQ_OPERATOR(M16, F16, <)
NNSEQ_OPERATOR(M16, F16, <=)
NNSEQ_OPERATOR(M16, F16, >)
NNSEQ_OPERATOR(M16, F16, >=)
NNSEQ_OPERATOR(M16, F16, ==)
NNSEQ_OPERATOR(M16, F16, !=)
NNSEQ_OPERATOR(M16, I16, ==)
NNSEQ_OPERATOR(M16, I16, <)
NNSEQ_OPERATOR(M16, M16, &)
NNSEQ_OPERATOR(M16, M16, |)
NNSEQ_OPERATOR(I16, I16, &)
NNSEQ_OPERATOR(I16, I16, |)
NNSEQ_OPERATOR(I16, I16, ^)
NNSEQ_INLINE M16 operator!(M16 a) { NNSEQ_PARTS(M16, ~a.v[i]); }
// Integers wrap: the arithmetic is done unsigned.
NNSEQ_INLINE I16 operator+(I16 a, I16 b) { NNSEQ_PARTS(I16, (I4)((U4)a.v[i] + (U4)b.v[i])); }
NNSEQ_INLINE I16 operator-(I16 a, I16 b) { NNSEQ_PARTS(I16, (I4)((U4)a.v[i] - (U4)b.v[i])); }
NNSEQ_INLINE I16 operator*(I16 a, I16 b) { NNSEQ_PARTS(I16, (I4)((U4)a.v[i] * (U4)b.v[i])); }
NNSEQ_INLINE I16 shift_left(I16 a, int n) { NNSEQ_PARTS(I16, (I4)((U4)a.v[i] << n)); }
NNSEQ_INLINE I16 shift_right(I16 a, int n) { NNSEQ_PARTS(I16, (I4)((U4)a.v[i] >> n)); }
NNSEQ_INLINE I16 shift_right_signed(I16 a, int n) { NNSEQ_PARTS(I16, a.v[i] >> n); }
// Products of the lanes 0 and 2, and of 1 and 3, as 64-bit integers.
NNSEQ_INLINE I4 mul_hi_u32(I4 a, I4 b) {
  const U2 low = U2{} + 0xffffffffu;
  const U2 even = ((U2)a & low) * ((U2)b & low), odd = ((U2)a >> 32) * ((U2)b >> 32);
  return (I4)((even >> 32) | (odd & ~low));
}
NNSEQ_INLINE I16 mul_hi_u32(I16 a, I16 b) { NNSEQ_PARTS(I16, mul_hi_u32(a.v[i], b.v[i])); }

NNSEQ_INLINE M16 first_n(int64_t n) {
  const I16 lane = iota_i32();
  const int32_t count = static_cast<int32_t>(n);
  NNSEQ_PARTS(M16, lane.v[i] < count);
}
NNSEQ_INLINE bool any(M16 a) {
  const I4 x = (a.v[0] | a.v[1]) | (a.v[2] | a.v[3]);
  return (x[0] | x[1] | x[2] | x[3]) != 0;
}
NNSEQ_INLINE bool all(M16 a) { return !any(!a); }

NNSEQ_INLINE I16 bits(F16 a) { NNSEQ_PARTS(I16, (I4)a.v[i]); }
NNSEQ_INLINE F16 floats(I16 a) { NNSEQ_PARTS(F16, (F4)a.v[i]); }
NNSEQ_INLINE I16 select(M16 m, I16 a, I16 b) {
  NNSEQ_PARTS(I16, (a.v[i] & m.v[i]) | (b.v[i] & ~m.v[i]));
}
NNSEQ_INLINE F16 select(M16 m, F16 a, F16 b) { return floats(select(m, bits(a), bits(b))); }

NNSEQ_INLINE F16 fma(F16 a, F16 b, F16 c) { NNSEQ_PARTS(F16, a.v[i] * b.v[i] + c.v[i]); }
NNSEQ_INLINE F16 fms(F16 a, F16 b, F16 c) { NNSEQ_PARTS(F16, a.v[i] * b.v[i] - c.v[i]); }
NNSEQ_INLINE F16 fnma(F16 a, F16 b, F16 c) { NNSEQ_PARTS(F16, c.v[i] - a.v[i] * b.v[i]); }
NNSEQ_INLINE F16 operator-(F16 a) { NNSEQ_PARTS(F16, -a.v[i]); }
NNSEQ_INLINE F16 max(F16 a, F16 b) { return select(a > b, a, b); }
NNSEQ_INLINE F16 min(F16 a, F16 b) { return select(a < b, a, b); }
NNSEQ_INLINE F16 abs(F16 a) { return floats(bits(a) & set1_i32(0x7fffffff)); }
NNSEQ_INLINE F16 sqrt(F16 a) { NNSEQ_LANES(F16, __builtin_sqrtf(a.v[i][j])); }
// Adding and taking away 2^23 rounds a smaller number; one that is as large is an integer.
NNSEQ_INLINE F16 round(F16 a) {
  const F16 size = abs(a), large = set1(8388608.0f);
  const F16 rounded = floats(bits((size + large) - large) | (bits(a) ^ bits(size)));
  return select(size < large, rounded, a);
}
NNSEQ_INLINE F16 floor(F16 a) {
  const F16 near = round(a);
  return select(near > a, near - set1(1), near);
}
NNSEQ_INLINE F16 ceil(F16 a) { return -floor(-a); }

NNSEQ_INLINE I16 to_int(F16 a) {
  const M16 fits = (a >= set1(-2147483648.0f)) & (a < set1(2147483648.0f));
  const F16 inside = select(fits, a, zero());
  NNSEQ_PARTS(I16,
              (__builtin_convertvector(inside.v[i], I4) & fits.v[i]) | (~fits.v[i] & INT32_MIN));
}
NNSEQ_INLINE I16 to_int_round(F16 a) { return to_int(round(a)); }
NNSEQ_INLINE F16 to_float(I16 a) { NNSEQ_PARTS(F16, __builtin_convertvector(a.v[i], F4)); }

NNSEQ_INLINE F16 load_u8_n(const uint8_t* p, int64_t n) {
  alignas(16) float buffer[16] = {};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return load(buffer);
}
NNSEQ_INLINE F16 load_u8(const uint8_t* p) { return load_u8_n(p, 16); }
NNSEQ_INLINE void store_u8_n(uint8_t* p, M16 m, int64_t n) {
  alignas(16) int32_t buffer[16];
  store_i32(buffer, I16{{m.v[0], m.v[1], m.v[2], m.v[3]}});
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i] & 1;
}
NNSEQ_INLINE void store_u8(uint8_t* p, M16 m) { store_u8_n(p, m, 16); }

#define NNSEQ_LANE_TREE(combine)                                      \
  alignas(16) float x[16];                                            \
  store(x, a);                                                        \
  for (int half = 8; half > 0; half /= 2)                             \
    for (int i = 0; i < half; ++i) x[i] = combine(x[i], x[i + half]); \
  return x[0]
NNSEQ_INLINE float add_lane(float a, float b) { return a + b; }
NNSEQ_INLINE float max_nan(float a, float b) { return a != a || a > b ? a : b; }
NNSEQ_INLINE float min_nan(float a, float b) { return a != a || a < b ? a : b; }
NNSEQ_INLINE float sum(F16 a) { NNSEQ_LANE_TREE(add_lane); }
NNSEQ_INLINE float max_nan_of(F16 a) { NNSEQ_LANE_TREE(max_nan); }
NNSEQ_INLINE float min_nan_of(F16 a) { NNSEQ_LANE_TREE(min_nan); }

#undef NNSEQ_LANE_TREE
#undef NNSEQ_OPERATOR
#undef NNSEQ_LANES
#undef NNSEQ_PARTS

}  // namespace nnseq::cpu::scalar
