// exp, log, tanh, erf, sin, ... for T = float and the vectors of cpu/isa/, written once.
//
// float: at most 3 ulp from the true value, denormal results included (sin, cos 5, normal_tail 12,
// pow 4), with a hardware fma; the generic code of "scalar" multiplies and adds and may lose two
// bits more. The host's float gives the bits of avx2 and avx512. The polynomials are minimax fits.
// double calls libm.
#pragma once

#include "math/scalar.h"

namespace nnseq::math {

template <class T>
NNSEQ_HD auto ik(int32_t c) {
  return splat(bits(T{}), c);
}

inline constexpr double kRoundMagic = 12582912.0;  // 1.5 * 2^23: adding it rounds to an integer
inline constexpr int32_t kRoundMagicBits = 0x4b400000;

// 2^n for an integer n in [-126, 127] held in the low bits of the integer lanes.
template <class T, class I>
NNSEQ_HD T exp2_int(I n) {
  return floats(shift_left(n + ik<T>(127), 23));
}

// x = n * ln 2 + r with |r| <= 0.347; returns e^r - 1 and n.
template <class T, class I>
NNSEQ_HD T exp_reduced(T x, I* n) {
  const T z = fma(x, k<T>(1.44269504), k<T>(kRoundMagic));
  const T nf = z - k<T>(kRoundMagic);
  *n = bits(z) - ik<T>(kRoundMagicBits);
  const T r = fnma(nf, k<T>(1.42860677e-6f), fnma(nf, k<T>(0.693145752f), x));
  T q = fma(r, k<T>(0.00139464939f), k<T>(0.00836661085f));
  q = fma(q, r, k<T>(0.0416662805f));
  q = fma(q, r, k<T>(0.166665435f));
  q = fma(q, r, k<T>(0.5f));
  return fma(r * r, q, r);
}

template <class T>
NNSEQ_MATH T exp(T x) {
  x = min(k<T>(89), max(k<T>(-104), x));  // this order keeps NaN
  decltype(bits(x)) n;
  const T p = exp_reduced(x, &n) + k<T>(1);
  const auto half = shift_right_signed(n, 1);  // two factors reach denormals and infinity
  return p * exp2_int<T>(half) * exp2_int<T>(n - half);
}
NNSEQ_HD double exp(double x) { return ::exp(x); }

template <class T>
NNSEQ_MATH T expm1(T x) {
  const T y = min(k<T>(89), max(k<T>(-18), x));
  decltype(bits(x)) n;
  const T p = exp_reduced(y, &n);
  const T half = exp2_int<T>(n - ik<T>(1));  // 2^n may be infinite, 2^(n-1) is not
  const T r = fma(half, p, half - k<T>(0.5));
  return select(abs(x) < k<T>(2e-8), x, r + r);
}
NNSEQ_HD double expm1(double x) { return ::expm1(x); }

// log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1].
template <class T>
NNSEQ_HD T log1p_reduced(T f) {
  T p = fma(f, k<T>(-0.0785954595f), k<T>(0.128816217f));
  p = fma(p, f, k<T>(-0.131287679f));
  p = fma(p, f, k<T>(0.141811967f));
  p = fma(p, f, k<T>(-0.166245535f));
  p = fma(p, f, k<T>(0.200022861f));
  p = fma(p, f, k<T>(-0.250008106f));
  p = fma(p, f, k<T>(0.333333164f));
  return fma(f * f, fma(p, f, k<T>(-0.5)), f);
}

inline constexpr int32_t kSqrtHalfBits = 0x3f3504f3;

// Positive normal x = 2^e * m with m in [sqrt(1/2), sqrt(2)); returns m and e as floats.
template <class T>
NNSEQ_HD T split_exponent(T x, T* e) {
  const auto i = bits(x) + ik<T>(0x3f800000 - kSqrtHalfBits);
  *e = to_float(shift_right_signed(i, 23) - ik<T>(127));
  return floats((i & ik<T>(0x007fffff)) + ik<T>(kSqrtHalfBits));
}

// y where x is a positive finite number, else what every logarithm gives.
template <class T>
NNSEQ_HD T log_special(T x, T y) {
  y = select(x == k<T>(0), k<T>(-__builtin_inf()), y);
  y = select(x < k<T>(0), k<T>(__builtin_nan("")), y);
  return select(x < k<T>(__builtin_inf()), y, x);  // inf and NaN
}

inline constexpr double kLn2Hi = 0.693145752f;  // 15 bits: exact times an exponent
inline constexpr double kLn2Lo = 1.42860677e-6f;

template <class T>
NNSEQ_MATH T log(T x) {
  const auto tiny = x < k<T>(1.17549435e-38f);
  T e;
  const T m = split_exponent(select(tiny, x * k<T>(8388608), x), &e);
  e = e - select(tiny, k<T>(23), k<T>(0));
  const T y = fma(e, k<T>(kLn2Lo), log1p_reduced(m - k<T>(1)));
  return log_special(x, fma(e, k<T>(kLn2Hi), y));
}
NNSEQ_HD double log(double x) { return ::log(x); }

template <class T>
NNSEQ_MATH T log1p(T x) {
  const T u = x + k<T>(1);
  T e;
  const T m = split_exponent(u, &e);
  // What rounding u lost, relative to u.
  const T lost = select(x > k<T>(1), k<T>(1) - (u - x), x - (u - k<T>(1))) / u;
  const auto near = e == k<T>(0);
  T y = log1p_reduced(select(near, x, m - k<T>(1)));
  y = fma(e, k<T>(kLn2Lo), select(near, y, y + lost));
  y = fma(e, k<T>(kLn2Hi), y);
  return select(x == k<T>(0), x, log_special(u, y));
}
NNSEQ_HD double log1p(double x) { return ::log1p(x); }

template <class T>
NNSEQ_MATH T tanh(T x) {
  const T a = min(k<T>(10), abs(x));
  const T t = expm1(a + a);
  return copysign(t / (t + k<T>(2)), x);
}
NNSEQ_HD double tanh(double x) { return ::tanh(x); }

// e^-|x| / (1 + e^-|x|) or 1 / (1 + e^-|x|): no overflow, full relative precision on both sides.
template <class T>
NNSEQ_HD T sigmoid(T x) {
  const T e = exp(-abs(x));
  return select(x < k<T>(0), e, k<T>(1)) / (e + k<T>(1));
}

// e^(-x*x/2); the rounding of x*x is made good.
template <class T>
NNSEQ_HD T exp_minus_half_square(T x) {
  x = min(k<T>(15), abs(x));
  const T h = x * x;
  const T l = fms(x, x, h);
  const T y = exp(h * k<T>(-0.5));
  return fma(y * k<T>(-0.5), l, y);
}
NNSEQ_HD double exp_minus_half_square(double x) { return ::exp(x * x * -0.5); }

// P(X > x) of a normal X, for x >= 0: e^(-x*x/2) times a polynomial in (x - c) / (x + c).
template <class T>
NNSEQ_MATH T normal_tail(T x) {
  const T c = k<T>(4.24264069);
  x = min(k<T>(15), x);
  const T t = (x - c) / (x + c);
  T p = fma(t, k<T>(5.59173313e-05f / 2), k<T>(2.8883127e-05f / 2));
  p = fma(p, t, k<T>(-0.000594569079f / 2));
  p = fma(p, t, k<T>(0.00071572914f / 2));
  p = fma(p, t, k<T>(0.00426887535f / 2));
  p = fma(p, t, k<T>(-0.0243942309f / 2));
  p = fma(p, t, k<T>(0.0716658607f / 2));
  p = fma(p, t, k<T>(-0.150115788f / 2));
  p = fma(p, t, k<T>(0.2456038f / 2));
  p = fma(p, t, k<T>(-0.326233566f / 2));
  p = fma(p, t, k<T>(0.179001153f / 2));
  return p * exp_minus_half_square(x);
}
NNSEQ_HD double normal_tail(double x) { return 0.5 * ::erfc(x * 0.70710678118654752); }

template <class T>
NNSEQ_MATH T erf(T x) {
  const T a = abs(x);
  const T far = k<T>(1) - k<T>(2) * normal_tail(a * k<T>(1.41421356));
  const T u = x * x;
  T p = fma(u, k<T>(7.85385419e-05f), k<T>(-0.000801019138f));
  p = fma(p, u, k<T>(0.00518832728f));
  p = fma(p, u, k<T>(-0.026853811f));
  p = fma(p, u, k<T>(0.112835854f));
  p = fma(p, u, k<T>(-0.37612626f));
  p = fma(p, u, k<T>(0.128379167f));
  return select(a < k<T>(1), fma(x, p, x), copysign(far, x));
}
NNSEQ_HD double erf(double x) { return ::erf(x); }

// x mod pi/2 in [-pi/4, pi/4] for any finite x >= 2^16, exactly enough; n is the quadrant.
NNSEQ_HD float reduce_large_angle(float x, uint32_t* n) {
  const uint32_t two_over_pi[] = {0,          0xA2F9836E, 0x4E441529, 0xFC2757D1,
                                  0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB};
  const uint32_t i = bits(x);
  const uint32_t m = (i & 0x007fffff) | 0x00800000;
  // x = m * 2^e; the bits of 2/pi before `at` contribute whole turns only.
  const uint32_t at = (i >> 23) - 150 - 2 + 32;
  const uint32_t shift = at % 32;
  uint64_t w[3];
  for (uint32_t j = 0; j < 3; ++j) {
    const uint64_t pair = (uint64_t{two_over_pi[at / 32 + j]} << 32) | two_over_pi[at / 32 + j + 1];
    w[j] = (pair << shift) >> 32;
  }
  const uint64_t turns = ((m * w[0]) << 32) + m * w[1] + ((m * w[2]) >> 32);  // of 2^64
  *n = static_cast<uint32_t>((turns + (uint64_t{1} << 61)) >> 62);
  const double quarter = static_cast<double>(static_cast<int64_t>(turns << 2));
  return static_cast<float>(quarter * (1.57079632679489662 / 18446744073709551616.0));
}

// sin(r) for even n, cos(r) for odd n, negated in quadrants 2 and 3; |r| <= pi/4.
template <class T, class I>
NNSEQ_HD T sin_quadrant(T r, I n) {
  const T u = r * r;
  T s = fma(u, k<T>(-0.000195166547f), k<T>(0.00833217334f));
  s = fma(s, u, k<T>(-0.166666552f));
  s = fma(r * u, s, r);
  T c = fma(u, k<T>(2.44377279e-05f), k<T>(-0.00138873619f));
  c = fma(c, u, k<T>(0.0416666456f));
  c = fma(c, u, k<T>(-0.5));
  c = fma(c, u, k<T>(1));
  const T y = select((n & ik<T>(1)) == ik<T>(0), s, c);
  return floats(bits(y) ^ shift_left(n & ik<T>(2), 30));
}

// sin(x + quarter * pi/2) for one float that sin_shifted does not reduce.
struct SinOfLarge {
  int32_t quarter;
  NNSEQ_HD float operator()(float x) const {
    if (!(::fabsf(x) < __builtin_inff())) return x - x;
    uint32_t n;
    const float r = reduce_large_angle(::fabsf(x), &n);
    const uint32_t shift = static_cast<uint32_t>(quarter);
    // sin(-a + shift) = -sin(a - shift)
    return x < 0 ? -sin_quadrant(r, n - shift) : sin_quadrant(r, n + shift);
  }
};

// sin(x + quarter * pi/2).
template <class T>
NNSEQ_MATH T sin_shifted(T x, int32_t quarter) {
  const T z = fma(x, k<T>(0.636619772), k<T>(kRoundMagic));
  const T nf = z - k<T>(kRoundMagic);
  const auto n = bits(z) + ik<T>(quarter);  // the magic's low two bits are 0
  T r = fnma(nf, k<T>(1.5703125f), x);      // pi/2 in parts; the first three are exact times nf
  r = fnma(nf, k<T>(0.000482559204f), r);
  r = fnma(nf, k<T>(1.2665987e-06f), r);
  r = fnma(nf, k<T>(9.92093629e-10f), r);
  const T y = sin_quadrant(r, n);
  return patch(!(abs(x) < k<T>(65536)), x, y, SinOfLarge{quarter});
}

template <class T>
NNSEQ_HD T sin(T x) {
  return select(x == k<T>(0), x, sin_shifted(x, 0));  // keeps the sign of zero
}
template <class T>
NNSEQ_HD T cos(T x) {
  return sin_shifted(x, 1);
}
NNSEQ_HD double sin(double x) { return ::sin(x); }
NNSEQ_HD double cos(double x) { return ::cos(x); }

// |a|^b for finite non-zero a: b * log|a| with the logarithm in two floats.
template <class T>
NNSEQ_HD T pow_positive(T a, T b) {
  const auto tiny = a < k<T>(1.17549435e-38f);
  T e;
  const T m = split_exponent(select(tiny, a * k<T>(8388608), a), &e);
  e = e - select(tiny, k<T>(23), k<T>(0));
  // log m = 2 s + s^3 R(s^2), s = f / (2 + f) = s_hi + s_lo.
  const T f = m - k<T>(1);
  const T d = f + k<T>(2);
  const T d_lo = f - (d - k<T>(2));
  const T s = f / d;
  const T s_lo = fnma(s, d_lo, fnma(s, d, f)) / d;
  const T u = s * s;
  T p = fma(u, k<T>(0.298737258f), k<T>(0.39977473f));
  p = fma(p, u, k<T>(0.666667759f));
  const T low = fma(u * s, p, fma(k<T>(2), s_lo, e * k<T>(kLn2Lo)));
  const T high = e * k<T>(kLn2Hi);
  // hi + lo = high + 2 s + low, by two exact sums.
  const T s2 = s + s;
  const T sum = high + s2;
  const auto big = abs(high) > abs(s2);
  const T rest = select(big, s2 - (sum - high), high - (sum - s2)) + low;
  const T hi = sum + rest;
  const T lo = rest - (hi - sum);
  const T y = min(k<T>(1000), max(k<T>(-1000), b * hi));
  const T y_lo = fma(b, lo, fms(b, hi, b * hi));
  const T r = exp(y);
  return select((abs(y) < k<T>(200)) & (r < k<T>(__builtin_inf())), fma(r, y_lo, r), r);
}

// NaN for a negative base and a fractional exponent; x^0 = 1^y = 1 as in C.
template <class T>
NNSEQ_MATH T pow(T a, T b) {
  const T one = k<T>(1), inf = k<T>(__builtin_inf());
  const T x = abs(a);
  const T half = b * k<T>(0.5);
  const auto integer = floor(b) == b;
  const auto odd = integer & (floor(half) != half) & (abs(b) < inf);
  const auto positive = b > k<T>(0);
  const auto grows = ((x > one) & positive) | ((!(x > one)) & (!positive));
  T y = pow_positive(x, b);
  y = select((x == k<T>(0)) | (x == inf) | (abs(b) == inf), select(grows, inf, k<T>(0)), y);
  y = select(x == one, one, y);
  y = select(odd, copysign(y, a), y);
  y = select((a < k<T>(0)) & (!integer) & (x < inf), k<T>(__builtin_nan("")), y);
  y = select((a != a) | (b != b), a + b, y);
  return select((b == k<T>(0)) | (a == one), one, y);
}
NNSEQ_HD double pow(double a, double b) { return ::pow(a, b); }

}  // namespace nnseq::math
