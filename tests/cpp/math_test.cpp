// The functions on the host, against libm in double.
#include "function_cases.h"
#include "math/function_traits.h"

namespace nnseq::testing {
namespace {

using Unary = float (*)(float, float);
constexpr Unary kFunctions[] = {
#define NNSEQ_UNARY(name, Struct) [](float x, float alpha) { return math::Struct::f(x, alpha); },
#include "nnseq/functions.def"
};
constexpr Unary kDerivatives[] = {
#define NNSEQ_UNARY(name, Struct) [](float s, float alpha) { return math::Struct::d(s, alpha); },
#include "nnseq/functions.def"
};
constexpr double (*kDoubleFunctions[])(double, float) = {
#define NNSEQ_UNARY(name, Struct) [](double x, float alpha) { return math::Struct::f(x, alpha); },
#include "nnseq/functions.def"
};
constexpr float (*kBinaryFunctions[])(float, float) = {
#define NNSEQ_BINARY(name, Struct) [](float a, float b) { return math::Struct::f(a, b); },
#include "nnseq/functions.def"
};

constexpr float kAlpha = 0.3f;

int index(UnaryFn fn) { return static_cast<int>(fn); }

TEST(Math, EveryFunctionHasACase) {
  ASSERT_EQ(unary_cases().size(), static_cast<std::size_t>(kNumUnary));
  ASSERT_EQ(binary_cases().size(), static_cast<std::size_t>(kNumBinary));
  for (int i = 0; i < kNumUnary; ++i) EXPECT_EQ(index(unary_cases()[i].fn), i);
  for (int i = 0; i < kNumBinary; ++i) EXPECT_EQ(static_cast<int>(binary_cases()[i].fn), i);
}

TEST(Math, UnaryFunctionsAreWithinTheirBound) {
  for (const UnaryCase& c : unary_cases()) {
    int bad = 0;
    for (float x : arguments(c.low, c.high)) {
      const float y = kFunctions[index(c.fn)](x, kAlpha);
      const double r = c.f(x, kAlpha);
      if (!is_near(y, r, c.ulps, c.slack) && ++bad <= 3) {
        ADD_FAILURE() << kUnaryNames[index(c.fn)] << "(" << x << ") = " << y << ", expected " << r;
      }
    }
    EXPECT_EQ(bad, 0) << kUnaryNames[index(c.fn)];
  }
}

TEST(Math, DoubleIsTheSameFunction) {
  for (const UnaryCase& c : unary_cases()) {
    for (double x = -6.05; x < 6; x += 0.1) {
      const double r = c.f(x, kAlpha), y = kDoubleFunctions[index(c.fn)](x, kAlpha);
      if (std::isnan(r)) {
        EXPECT_TRUE(std::isnan(y));
      } else {
        EXPECT_NEAR(y, r, 1e-8 * (1 + std::fabs(r))) << kUnaryNames[index(c.fn)] << "(" << x << ")";
      }
    }
  }
}

TEST(Math, InfinitiesAndSignedZeros) {
  const float inf = std::numeric_limits<float>::infinity();
  const auto f = [](UnaryFn fn, float x) { return kFunctions[index(fn)](x, 0.0f); };
  EXPECT_EQ(f(UnaryFn::kExp, inf), inf);
  EXPECT_EQ(f(UnaryFn::kExp, -inf), 0);
  EXPECT_EQ(f(UnaryFn::kExpm1, inf), inf);
  EXPECT_EQ(f(UnaryFn::kExpm1, -inf), -1);
  EXPECT_EQ(f(UnaryFn::kLog, inf), inf);
  EXPECT_EQ(f(UnaryFn::kLog, 0), -inf);
  EXPECT_TRUE(std::isnan(f(UnaryFn::kLog, -inf)));
  EXPECT_EQ(f(UnaryFn::kLog1p, -1), -inf);
  EXPECT_EQ(f(UnaryFn::kLog1p, inf), inf);
  EXPECT_TRUE(std::isnan(f(UnaryFn::kSin, inf)) && std::isnan(f(UnaryFn::kCos, -inf)));
  EXPECT_EQ(f(UnaryFn::kTanh, inf), 1);
  EXPECT_EQ(f(UnaryFn::kErf, -inf), -1);
  EXPECT_EQ(f(UnaryFn::kSigmoid, inf), 1);
  EXPECT_EQ(f(UnaryFn::kSigmoid, -inf), 0);
  EXPECT_EQ(f(UnaryFn::kSigmoid, 100), 1);
  EXPECT_GT(f(UnaryFn::kSigmoid, -100), 0);
  EXPECT_EQ(f(UnaryFn::kSoftplus, inf), inf);
  EXPECT_EQ(f(UnaryFn::kGelu, inf), inf);
  for (UnaryFn fn : {UnaryFn::kExpm1, UnaryFn::kLog1p, UnaryFn::kSin, UnaryFn::kErf, UnaryFn::kTanh,
                     UnaryFn::kSqrt, UnaryFn::kFloor, UnaryFn::kRound, UnaryFn::kSign}) {
    EXPECT_TRUE(std::signbit(f(fn, -0.0f))) << kUnaryNames[index(fn)];
    EXPECT_FALSE(std::signbit(f(fn, 0.0f))) << kUnaryNames[index(fn)];
  }
}

// Points where the derivative jumps.
bool is_kink(double x) {
  for (double at : {-3.0, 0.0, 3.0, 6.0}) {
    if (std::fabs(x - at) < 1e-3) return true;
  }
  return std::fabs(x - std::nearbyint(x)) < 1e-3 ||
         std::fabs(x - 0.5 - std::nearbyint(x - 0.5)) < 1e-3;
}

TEST(Math, DerivativesAgreeWithDifferences) {
  for (const UnaryCase& c : unary_cases()) {
    const int i = index(c.fn);
    for (float x = -8.013f; x < 8; x += 0.0371f) {
      if (is_kink(x)) continue;
      const double h = 1e-5;
      const double slope = (c.f(x + h, kAlpha) - c.f(x - h, kAlpha)) / (2 * h);
      if (!std::isfinite(slope)) continue;
      const float y = kFunctions[i](x, kAlpha);
      const float d = saves(c.fn) == Saves::kNone
                          ? 0.0f
                          : kDerivatives[i](saves(c.fn) == Saves::kY ? y : x, kAlpha);
      EXPECT_NEAR(d, slope, 2e-6 + 2e-6 * std::fabs(slope)) << kUnaryNames[i] << "'(" << x << ")";
    }
  }
}

TEST(Math, DerivativesAtKinks) {
  EXPECT_EQ(math::Relu::d(0.0f, 0), 0);
  EXPECT_EQ(math::Relu6::d(6.0f, 0), 0);
  EXPECT_EQ(math::Abs::d(0.0f, 0), 0);
  EXPECT_EQ(math::LeakyRelu::d(0.0f, kAlpha), kAlpha);
}

TEST(Math, BinaryFunctionsAreWithinTheirBound) {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> x = {0.0f,          -0.0f, 1,      -1,    2,     -2,       3,   -3,
                          0.5f,          -0.5f, 7,      100,   1e30f, 16777216, inf, -inf,
                          std::nanf(""), 1e-3f, 12.75f, -60.5f};
  for (int i = -40; i <= 40; ++i) x.push_back(static_cast<float>(i) * 1.37f);
  for (const BinaryCase& c : binary_cases()) {
    const int i = static_cast<int>(c.fn);
    const bool by_quotient = c.fn == BinaryFn::kMod || c.fn == BinaryFn::kFloorDivide;
    for (float a : x) {
      for (float b : x) {
        if (by_quotient && !(std::fabs(a / b) < 16777216)) continue;
        const float y = kBinaryFunctions[i](a, b);
        const double r = c.f(a, b);
        EXPECT_TRUE(is_near(y, r, c.ulps, 0))
            << kBinaryNames[i] << "(" << a << ", " << b << ") = " << y << ", expected " << r;
      }
    }
  }
}

TEST(Math, PowerIsCloseOverItsRange) {
  for (double a = 0.01; a < 40; a *= 1.013) {
    for (double b = -50; b < 50; b += 0.37) {
      const float fa = static_cast<float>(a), fb = static_cast<float>(b);
      const double r = std::pow(static_cast<double>(fa), static_cast<double>(fb));
      EXPECT_TRUE(is_near(math::Power::f(fa, fb), r, 4, 0)) << fa << "^" << fb;
    }
  }
}

TEST(Math, TestsReturnBool) {
  EXPECT_TRUE(returns_bool(UnaryFn::kIsNan) && returns_bool(BinaryFn::kLess));
  EXPECT_FALSE(returns_bool(UnaryFn::kExp) || returns_bool(BinaryFn::kAdd));
  EXPECT_EQ(saves(UnaryFn::kRelu), Saves::kY);
  EXPECT_EQ(saves(UnaryFn::kGelu), Saves::kX);
  EXPECT_EQ(saves(UnaryFn::kSign), Saves::kNone);
}

}  // namespace
}  // namespace nnseq::testing
