// The elementwise functions, one struct per line of functions.def, written once for float, double,
// CUDA and the vectors of cpu/isa/.
//   f(x, alpha)   the function
//   d(s, alpha)   its derivative, written in what `saves` names: x, or y = f(x) where that frees x
//                 and is exact; kNone: the derivative is zero everywhere
// NaN in gives NaN out (relu, relu6, maximum, ... too) unless the function is a test. Derivatives
// at a kink take the side that Keras takes: 0 for relu at 0. leaky_relu and elu need alpha >= 0.
// silu, gelu, mish and softsign of an infinity follow their formula, where inf * 0 is NaN.
// Truth is 1 and 0.
#pragma once

#include "math/transcendental.h"

namespace nnseq {

enum class Saves : uint8_t { kNone, kX, kY };

namespace math {

struct UnaryBase {
  static constexpr Saves saves = Saves::kNone;
  static constexpr bool returns_bool = false;
  template <class T>
  NNSEQ_HD static T d(T, float) {
    return k<T>(0);
  }
};

struct SavesX {
  static constexpr Saves saves = Saves::kX;
  static constexpr bool returns_bool = false;
};

struct SavesY {
  static constexpr Saves saves = Saves::kY;
  static constexpr bool returns_bool = false;
};

struct UnaryTest : UnaryBase {
  static constexpr bool returns_bool = true;
};

#define NNSEQ_F      \
  template <class T> \
  NNSEQ_HD static T f(T x, [[maybe_unused]] float alpha)
#define NNSEQ_D      \
  template <class T> \
  NNSEQ_HD static T d([[maybe_unused]] T s, [[maybe_unused]] float alpha)

template <class T, class M>
NNSEQ_HD T truth(M m) {
  return select(m, k<T>(1), k<T>(0));
}

struct Negative : SavesY {
  NNSEQ_F { return -x; }
  NNSEQ_D { return k<T>(-1); }
};

struct Sign : UnaryBase {  // the sign of zero is zero
  NNSEQ_F {
    const T y = select(x > k<T>(0), k<T>(1), x);
    return select(x < k<T>(0), k<T>(-1), y);
  }
};

struct Abs : SavesX {
  NNSEQ_F { return abs(x); }
  NNSEQ_D { return Sign::f(s, alpha); }
};

struct Floor : UnaryBase {
  NNSEQ_F { return floor(x); }
};

struct Ceil : UnaryBase {
  NNSEQ_F { return ceil(x); }
};

struct Round : UnaryBase {  // half to even
  NNSEQ_F { return round(x); }
};

struct Square : SavesX {
  NNSEQ_F { return x * x; }
  NNSEQ_D { return s + s; }
};

struct Sqrt : SavesY {
  NNSEQ_F { return sqrt(x); }
  NNSEQ_D { return k<T>(0.5) / s; }
};

struct Rsqrt : SavesY {
  NNSEQ_F { return k<T>(1) / sqrt(x); }
  NNSEQ_D { return k<T>(-0.5) * s * s * s; }
};

struct Reciprocal : SavesY {
  NNSEQ_F { return k<T>(1) / x; }
  NNSEQ_D { return -(s * s); }
};

struct Exp : SavesY {
  NNSEQ_F { return exp(x); }
  NNSEQ_D { return s; }
};

struct Expm1 : SavesY {
  NNSEQ_F { return expm1(x); }
  NNSEQ_D { return s + k<T>(1); }
};

struct Log : SavesX {
  NNSEQ_F { return log(x); }
  NNSEQ_D { return k<T>(1) / s; }
};

struct Log1p : SavesX {
  NNSEQ_F { return log1p(x); }
  NNSEQ_D { return k<T>(1) / (s + k<T>(1)); }
};

struct Sin : SavesX {
  NNSEQ_F { return sin(x); }
  NNSEQ_D { return cos(s); }
};

struct Cos : SavesX {
  NNSEQ_F { return cos(x); }
  NNSEQ_D { return -sin(s); }
};

struct Erf : SavesX {
  NNSEQ_F { return erf(x); }
  NNSEQ_D {
    return k<T>(1.12837916709551257) * exp_minus_half_square(s * k<T>(1.41421356237309505));
  }
};

struct Tanh : SavesY {
  NNSEQ_F { return tanh(x); }
  NNSEQ_D { return fnma(s, s, k<T>(1)); }
};

struct Sigmoid : SavesY {
  NNSEQ_F { return sigmoid(x); }
  NNSEQ_D { return fnma(s, s, s); }
};

struct Relu : SavesY {
  NNSEQ_F { return max(k<T>(0), x); }
  NNSEQ_D { return truth<T>(s > k<T>(0)); }
};

struct Relu6 : SavesY {
  NNSEQ_F { return min(k<T>(6), max(k<T>(0), x)); }
  NNSEQ_D { return truth<T>((s > k<T>(0)) & (s < k<T>(6))); }
};

struct LeakyRelu : SavesY {
  NNSEQ_F { return select(x < k<T>(0), x * k<T>(alpha), x); }
  NNSEQ_D { return select(s > k<T>(0), k<T>(1), k<T>(alpha)); }
};

struct Elu : SavesY {  // x, or alpha * (e^x - 1)
  NNSEQ_F { return select(x > k<T>(0), x, k<T>(alpha) * expm1(x)); }
  NNSEQ_D { return select(s > k<T>(0), k<T>(1), s + k<T>(alpha)); }
};

struct Selu : SavesY {  // scale * elu(x; 1.6732632)
  static constexpr double kScale = 1.05070098735548049342;
  static constexpr double kScaleAlpha = 1.75809934084737685994;
  NNSEQ_F { return select(x > k<T>(0), x * k<T>(kScale), k<T>(kScaleAlpha) * expm1(x)); }
  NNSEQ_D { return select(s > k<T>(0), k<T>(kScale), s + k<T>(kScaleAlpha)); }
};

struct Softplus : SavesY {  // log(1 + e^x); the derivative is 1 - e^-y
  NNSEQ_F { return max(k<T>(0), x) + log1p(exp(-abs(x))); }
  NNSEQ_D { return -expm1(-s); }
};

struct Softsign : SavesX {  // x / (1 + |x|)
  NNSEQ_F { return x / (abs(x) + k<T>(1)); }
  NNSEQ_D {
    const T r = k<T>(1) / (abs(s) + k<T>(1));
    return r * r;
  }
};

struct Silu : SavesX {  // x * sigmoid(x)
  NNSEQ_F { return x * sigmoid(x); }
  NNSEQ_D {
    const T y = sigmoid(s);
    return fma(s * y, k<T>(1) - y, y);
  }
};

struct Gelu : SavesX {  // x * P(X <= x) for a normal X
  NNSEQ_F {
    const T q = normal_tail(abs(x));
    return x * select(x > k<T>(0), k<T>(1) - q, q);
  }
  NNSEQ_D {
    const T q = normal_tail(abs(s));
    const T density = k<T>(0.398942280401432678) * exp_minus_half_square(s);
    return fma(s, density, select(s > k<T>(0), k<T>(1) - q, q));
  }
};

struct GeluTanh : SavesX {  // x * sigmoid(2 u), u = sqrt(2 / pi) * (x + 0.044715 x^3)
  static constexpr double kTwoC = 1.59576912160573071;
  NNSEQ_F {
    const T u = x * fma(x * x, k<T>(0.044715 * kTwoC), k<T>(kTwoC));
    return x * sigmoid(u);
  }
  NNSEQ_D {
    const T x2 = s * s;
    const T y = sigmoid(s * fma(x2, k<T>(0.044715 * kTwoC), k<T>(kTwoC)));
    const T du = fma(x2, k<T>(3 * 0.044715 * kTwoC), k<T>(kTwoC));
    return fma(s * du, y * (k<T>(1) - y), y);
  }
};

struct HardSigmoid : SavesY {  // relu6(x + 3) / 6
  NNSEQ_F { return Relu6::f(x + k<T>(3), alpha) * k<T>(1.0 / 6); }
  NNSEQ_D { return select((s > k<T>(0)) & (s < k<T>(1)), k<T>(1.0 / 6), k<T>(0)); }
};

struct HardSilu : SavesX {  // x * hard_sigmoid(x)
  NNSEQ_F { return x * HardSigmoid::f(x, alpha); }
  NNSEQ_D {
    const T inside = fma(s, k<T>(1.0 / 3), k<T>(0.5));
    return select(s > k<T>(-3), select(s < k<T>(3), inside, k<T>(1)), k<T>(0));
  }
};

struct Mish : SavesX {  // x * tanh(softplus(x)) = x n / (n + 2), n = e (e + 2), e = e^x
  NNSEQ_F {
    const T e = exp(min(k<T>(20), x));
    const T n = e * (e + k<T>(2));
    return x * (n / (n + k<T>(2)));
  }
  NNSEQ_D {
    const T e = exp(min(k<T>(20), s));
    const T n = e * (e + k<T>(2));
    const T t = n / (n + k<T>(2));
    // tanh' = 1 - t^2 = (1 - t)(1 + t), 1 - t = 2 / (n + 2); softplus' = e / (1 + e)
    const T slope = (k<T>(2) / (n + k<T>(2))) * (t + k<T>(1)) * (e / (e + k<T>(1)));
    return fma(s, slope, t);
  }
};

struct LogicalNot : UnaryTest {
  NNSEQ_F { return truth<T>(x == k<T>(0)); }
};

struct IsNan : UnaryTest {
  NNSEQ_F { return truth<T>(x != x); }
};

struct IsFinite : UnaryTest {
  NNSEQ_F { return truth<T>(abs(x) < k<T>(__builtin_inf())); }
};

#undef NNSEQ_F
#undef NNSEQ_D

struct BinaryValue {
  static constexpr bool returns_bool = false;
};

struct BinaryTest {
  static constexpr bool returns_bool = true;
};

#define NNSEQ_F      \
  template <class T> \
  NNSEQ_HD static T f(T a, T b)

struct Add : BinaryValue {
  NNSEQ_F { return a + b; }
};

struct Subtract : BinaryValue {
  NNSEQ_F { return a - b; }
};

struct Multiply : BinaryValue {
  NNSEQ_F { return a * b; }
};

struct Divide : BinaryValue {
  NNSEQ_F { return a / b; }
};

struct Power : BinaryValue {
  NNSEQ_F { return pow(a, b); }
};

struct Maximum : BinaryValue {  // NaN if either is
  NNSEQ_F { return select(a != a, a, max(a, b)); }
};

struct Minimum : BinaryValue {
  NNSEQ_F { return select(a != a, a, min(a, b)); }
};

// The quotient rounded down and a - quotient * b, which has the sign of b; exact while the quotient
// is below 2^24. A zero b gives NaN (the quotient: +-inf, or NaN for 0 / 0).
template <class T>
NNSEQ_HD T divide_down(T a, T b, T* quotient) {
  const T zero = k<T>(0), one = k<T>(1);
  const T q = floor(a / b);
  T r = select(q == zero, a, fnma(q, b, a));
  const auto below = ((r < zero) & (b > zero)) | ((r > zero) & (b < zero));
  r = select(below, r + b, r);
  *quotient = select(below, q - one, q);
  return select(r == zero, copysign(zero, b), r);
}

struct FloorDivide : BinaryValue {
  NNSEQ_F {
    T q;
    divide_down(a, b, &q);
    return q;
  }
};

struct Mod : BinaryValue {
  NNSEQ_F {
    T q;
    return divide_down(a, b, &q);
  }
};

struct Equal : BinaryTest {
  NNSEQ_F { return truth<T>(a == b); }
};

struct NotEqual : BinaryTest {
  NNSEQ_F { return truth<T>(a != b); }
};

struct Less : BinaryTest {
  NNSEQ_F { return truth<T>(a < b); }
};

struct LessEqual : BinaryTest {
  NNSEQ_F { return truth<T>(a <= b); }
};

struct Greater : BinaryTest {
  NNSEQ_F { return truth<T>(a > b); }
};

struct GreaterEqual : BinaryTest {
  NNSEQ_F { return truth<T>(a >= b); }
};

struct LogicalAnd : BinaryTest {
  NNSEQ_F { return truth<T>((a != k<T>(0)) & (b != k<T>(0))); }
};

struct LogicalOr : BinaryTest {
  NNSEQ_F { return truth<T>((a != k<T>(0)) | (b != k<T>(0))); }
};

#undef NNSEQ_F

}  // namespace math
}  // namespace nnseq
