// The primitives that math/ is written in, for one float (host and CUDA) and one double (host).
// cpu/isa/ has the same names for its vector F16; a mask is bool here, the bits are uint32_t.
#pragma once

#include <math.h>
#include <stdint.h>

#ifdef __CUDACC__
#define NNSEQ_HD __host__ __device__ __forceinline__
#else
// Always inlined: the sources of cpu/isa/ are compiled several times and may leave no shared
// symbol.
#define NNSEQ_HD __attribute__((always_inline)) inline
#endif

// Of the long functions, which some code calls rather than to have copies of them.
#ifndef NNSEQ_MATH
#define NNSEQ_MATH NNSEQ_HD
#endif

namespace nnseq::math {

NNSEQ_HD float splat(float, float c) { return c; }
NNSEQ_HD double splat(double, double c) { return c; }
NNSEQ_HD uint32_t splat(uint32_t, int32_t c) { return static_cast<uint32_t>(c); }

// The constant c in every lane of T.
template <class T>
NNSEQ_HD T k(double c) {
  return splat(T{}, c);
}
template <>
NNSEQ_HD float k<float>(double c) {
  return static_cast<float>(c);
}

NNSEQ_HD float fma(float a, float b, float c) { return ::fmaf(a, b, c); }
NNSEQ_HD float fms(float a, float b, float c) { return ::fmaf(a, b, -c); }
NNSEQ_HD float fnma(float a, float b, float c) { return ::fmaf(-a, b, c); }
NNSEQ_HD float max(float a, float b) { return a > b ? a : b; }
NNSEQ_HD float min(float a, float b) { return a < b ? a : b; }
NNSEQ_HD float sqrt(float a) { return ::sqrtf(a); }
NNSEQ_HD float floor(float a) { return ::floorf(a); }
NNSEQ_HD float ceil(float a) { return ::ceilf(a); }
NNSEQ_HD float round(float a) { return ::rintf(a); }
NNSEQ_HD float abs(float a) { return ::fabsf(a); }
NNSEQ_HD float copysign(float a, float sign) { return ::copysignf(a, sign); }

NNSEQ_HD double fma(double a, double b, double c) { return ::fma(a, b, c); }
NNSEQ_HD double fms(double a, double b, double c) { return ::fma(a, b, -c); }
NNSEQ_HD double fnma(double a, double b, double c) { return ::fma(-a, b, c); }
NNSEQ_HD double max(double a, double b) { return a > b ? a : b; }
NNSEQ_HD double min(double a, double b) { return a < b ? a : b; }
NNSEQ_HD double sqrt(double a) { return ::sqrt(a); }
NNSEQ_HD double floor(double a) { return ::floor(a); }
NNSEQ_HD double ceil(double a) { return ::ceil(a); }
NNSEQ_HD double round(double a) { return ::rint(a); }
NNSEQ_HD double abs(double a) { return ::fabs(a); }
NNSEQ_HD double copysign(double a, double sign) { return ::copysign(a, sign); }

NNSEQ_HD bool any(bool m) { return m; }
template <class T>
NNSEQ_HD T select(bool m, T a, T b) {
  return m ? a : b;
}

NNSEQ_HD uint32_t bits(float a) { return __builtin_bit_cast(uint32_t, a); }
NNSEQ_HD float floats(uint32_t a) { return __builtin_bit_cast(float, a); }
NNSEQ_HD float to_float(uint32_t a) { return static_cast<float>(static_cast<int32_t>(a)); }
NNSEQ_HD uint32_t shift_left(uint32_t a, int n) { return a << n; }
NNSEQ_HD uint32_t shift_right(uint32_t a, int n) { return a >> n; }
NNSEQ_HD uint32_t shift_right_signed(uint32_t a, int n) {
  return static_cast<uint32_t>(static_cast<int32_t>(a) >> n);
}

// fn(x) in each lane where m, else y: for the rare arguments that vectors do not reach.
template <class Fn>
NNSEQ_HD float patch(bool m, float x, float y, Fn fn) {
  return m ? fn(x) : y;
}

}  // namespace nnseq::math
