// Each elementwise function in double, by libm, and how close float has to come.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "math/elementwise.h"
#include "nnseq/functions.h"

namespace nnseq::testing {

// |float - double| <= ulps * ulp(double) + slack on [low, high]. `scalar_ulps` and `scalar_slack`
// are for the ISA without fma. The slack stands for results that the formula forms from denormal
// factors, or from the exponential of a rounded argument where the result is next to nothing.
struct UnaryCase {
  UnaryFn fn;
  double (*f)(double x, double alpha);
  double low, high;
  double ulps;
  double slack = 0;
  double scalar_ulps = 0;  // 0: as ulps
  double scalar_slack = 0;
};

inline double relu6_of(double x) { return std::isnan(x) ? x : std::min(6.0, std::max(0.0, x)); }
inline double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
inline double softplus_of(double x) {
  return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

inline const std::vector<UnaryCase>& unary_cases() {
  using D = double;
  constexpr double kMax = 3.4028234e38;
  static const std::vector<UnaryCase> cases = {
      {UnaryFn::kNegative, [](D x, D) { return -x; }, -kMax, kMax, 0},
      {UnaryFn::kAbs, [](D x, D) { return std::fabs(x); }, -kMax, kMax, 0},
      {UnaryFn::kSign, [](D x, D) { return x > 0   ? 1
                                           : x < 0 ? -1
                                                   : x; }, -kMax, kMax, 0},
      {UnaryFn::kFloor, [](D x, D) { return std::floor(x); }, -kMax, kMax, 0},
      {UnaryFn::kCeil, [](D x, D) { return std::ceil(x); }, -kMax, kMax, 0},
      {UnaryFn::kRound, [](D x, D) { return std::nearbyint(x); }, -kMax, kMax, 0},
      {UnaryFn::kSquare, [](D x, D) { return x * x; }, -1e19, 1e19, 0.51},
      {UnaryFn::kSqrt, [](D x, D) { return std::sqrt(x); }, -1, kMax, 0.51},
      {UnaryFn::kRsqrt, [](D x, D) { return 1 / std::sqrt(x); }, -1, kMax, 1.5},
      {UnaryFn::kReciprocal, [](D x, D) { return 1 / x; }, -kMax, kMax, 0.51},
      {UnaryFn::kExp, [](D x, D) { return std::exp(x); }, -110, 95, 1.5, 0, 2},
      {UnaryFn::kExpm1, [](D x, D) { return std::expm1(x); }, -110, 95, 2, 0, 4},
      {UnaryFn::kLog, [](D x, D) { return std::log(x); }, -1, kMax, 1.5, 0, 3},
      {UnaryFn::kLog1p, [](D x, D) { return std::log1p(x); }, -2, kMax, 2, 0, 4},
      {UnaryFn::kSin, [](D x, D) { return std::sin(x); }, -kMax, kMax, 5, 0, 3, 5e-7},
      {UnaryFn::kCos, [](D x, D) { return std::cos(x); }, -kMax, kMax, 5, 0, 3, 5e-7},
      {UnaryFn::kErf, [](D x, D) { return std::erf(x); }, -kMax, kMax, 2, 0, 4},
      {UnaryFn::kTanh, [](D x, D) { return std::tanh(x); }, -kMax, kMax, 3, 0, 5},
      {UnaryFn::kSigmoid, [](D x, D) { return sigmoid_of(x); }, -104, 104, 3, 0, 4},
      {UnaryFn::kRelu, [](D x, D) { return x < 0 ? 0 : x; }, -kMax, kMax, 0},
      {UnaryFn::kRelu6, [](D x, D) { return relu6_of(x); }, -kMax, kMax, 0},
      {UnaryFn::kLeakyRelu, [](D x, D a) { return x < 0 ? a * x : x; }, -kMax, kMax, 0.51},
      {UnaryFn::kElu, [](D x, D a) { return x > 0 ? x : a * std::expm1(x); }, -104, kMax, 3, 0, 5},
      {UnaryFn::kSelu,
       [](D x, D) {
         return 1.05070098735548049342 * (x > 0 ? x : 1.67326324235437728482 * std::expm1(x));
       },
       -104, 1e38, 3, 0, 5},
      {UnaryFn::kSoftplus, [](D x, D) { return softplus_of(x); }, -104, kMax, 3, 0, 5},
      {UnaryFn::kSoftsign, [](D x, D) { return x / (1 + std::fabs(x)); }, -kMax, kMax, 1.6},
      {UnaryFn::kSilu, [](D x, D) { return x * sigmoid_of(x); }, -104, 1e38, 4, 1e-43, 5, 1e-43},
      {UnaryFn::kGelu, [](D x, D) { return x * 0.5 * std::erfc(-x * std::sqrt(0.5)); }, -16, 1e38,
       12, 1e-42, 12, 1e-8},
      {UnaryFn::kGeluTanh,
       [](D x, D) { return x * sigmoid_of(1.59576912160573071 * (x + 0.044715 * x * x * x)); }, -10,
       1e12, 24, 1e-10, 32, 1e-10},
      {UnaryFn::kHardSigmoid, [](D x, D) { return relu6_of(x + 3) / 6; }, -kMax, kMax, 3, 1e-7},
      {UnaryFn::kHardSilu, [](D x, D) { return x * relu6_of(x + 3) / 6; }, -1e38, 1e38, 3, 5e-7},
      {UnaryFn::kMish, [](D x, D) { return x * std::tanh(softplus_of(x)); }, -87, 1e38, 5, 1e-38, 6,
       1e-38},
      {UnaryFn::kLogicalNot, [](D x, D) { return D(x == 0); }, -kMax, kMax, 0},
      {UnaryFn::kIsNan, [](D x, D) { return D(std::isnan(x)); }, -kMax, kMax, 0},
      {UnaryFn::kIsFinite, [](D x, D) { return D(std::isfinite(x)); }, -kMax, kMax, 0},
  };
  return cases;
}

// The double reference of every binary function and its bound in ulp.
struct BinaryCase {
  BinaryFn fn;
  double (*f)(double a, double b);
  double ulps;
};

inline double mod_of(double a, double b) {
  if (b == 0 || std::isinf(a)) return std::nan("");
  const double r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

// The quotient of exact division rounded down: -1 for a finite a and an infinite b of other sign.
inline double floor_quotient_of(double a, double b) {
  if (std::isfinite(a) && a != 0 && std::isinf(b)) return (a < 0) != (b < 0) ? -1 : 0;
  return std::floor(a / b);
}

inline const std::vector<BinaryCase>& binary_cases() {
  using D = double;
  static const std::vector<BinaryCase> cases = {
      {BinaryFn::kAdd, [](D a, D b) { return a + b; }, 0.51},
      {BinaryFn::kSubtract, [](D a, D b) { return a - b; }, 0.51},
      {BinaryFn::kMultiply, [](D a, D b) { return a * b; }, 0.51},
      {BinaryFn::kDivide, [](D a, D b) { return a / b; }, 0.51},
      {BinaryFn::kPower, [](D a, D b) { return std::pow(a, b); }, 4},
      {BinaryFn::kMaximum,
       [](D a, D b) { return std::isnan(a) || std::isnan(b) ? std::nan("")
                             : a > b                        ? a
                                                            : b; }, 0},
      {BinaryFn::kMinimum,
       [](D a, D b) { return std::isnan(a) || std::isnan(b) ? std::nan("")
                             : a < b                        ? a
                                                            : b; }, 0},
      {BinaryFn::kFloorDivide, floor_quotient_of, 0},
      {BinaryFn::kMod, mod_of, 1},
      {BinaryFn::kEqual, [](D a, D b) { return D(a == b); }, 0},
      {BinaryFn::kNotEqual, [](D a, D b) { return D(a != b); }, 0},
      {BinaryFn::kLess, [](D a, D b) { return D(a < b); }, 0},
      {BinaryFn::kLessEqual, [](D a, D b) { return D(a <= b); }, 0},
      {BinaryFn::kGreater, [](D a, D b) { return D(a > b); }, 0},
      {BinaryFn::kGreaterEqual, [](D a, D b) { return D(a >= b); }, 0},
      {BinaryFn::kLogicalAnd, [](D a, D b) { return D(a != 0 && b != 0); }, 0},
      {BinaryFn::kLogicalOr, [](D a, D b) { return D(a != 0 || b != 0); }, 0},
  };
  return cases;
}

// Is y the value r, rounded, within the bound? inf and NaN have to be met exactly.
inline bool is_near(float y, double r, double ulps, double slack) {
  if (std::isnan(r)) return std::isnan(y);
  const float rounded = static_cast<float>(r);
  if (y == rounded) return true;
  if (std::isnan(y) || std::isinf(y) || std::isinf(rounded)) {
    // Near the largest float either side of the border is right.
    const double border = std::fabs(static_cast<double>(std::isinf(rounded) ? y : rounded));
    return !std::isnan(y) && border > 3.4028e38;
  }
  int exponent;
  std::frexp(r, &exponent);
  const double ulp = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::fabs(y - r) <= ulps * ulp + slack;
}

// Dense over [low, high], dense around 0, every power of two, and the special values.
inline std::vector<float> arguments(double low, double high) {
  std::vector<float> x = {0.0f,    -0.0f,    1e-45f,   -1e-45f,  1.17549435e-38f, 1e-40f,
                          -1e-40f, 0.5f,     1.5f,     2.5f,     -0.5f,           -1.5f,
                          -2.5f,   88.7228f, 88.7229f, -87.3365f};
  constexpr int kPoints = 20000;
  for (double range : {1.0, 12.0, 110.0, 70000.0, 1e38}) {
    for (int i = 0; i <= kPoints; ++i) {
      x.push_back(static_cast<float>(range * (2.0 * i / kPoints - 1)));
    }
  }
  for (int e = -149; e < 128; ++e) {
    for (float m : {1.0f, 1.2345678f, 1.4142135f, 1.9999999f}) {
      x.push_back(std::ldexp(m, e));
      x.push_back(-std::ldexp(m, e));
    }
  }
  std::erase_if(x, [&](float v) { return v < low || v > high; });
  x.push_back(std::numeric_limits<float>::quiet_NaN());
  return x;
}

}  // namespace nnseq::testing
