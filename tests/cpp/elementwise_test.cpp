// The elementwise kernels of every ISA against libm and the host's float.
#include "function_cases.h"
#include "tensors.h"

namespace nnseq::testing {
namespace {

constexpr float (*kUnary[])(float, float) = {
#define NNSEQ_UNARY(name, Struct) [](float x, float alpha) { return math::Struct::f(x, alpha); },
#include "nnseq/functions.def"
};
constexpr float (*kDerivative[])(float, float) = {
#define NNSEQ_UNARY(name, Struct) [](float s, float alpha) { return math::Struct::d(s, alpha); },
#include "nnseq/functions.def"
};
constexpr float (*kBinary[])(float, float) = {
#define NNSEQ_BINARY(name, Struct) [](float a, float b) { return math::Struct::f(a, b); },
#include "nnseq/functions.def"
};

constexpr float kAlpha = 0.3f;
constexpr std::int64_t kSizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 1000};

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

class Elementwise : public IsaTest {
 protected:
  Elementwise() : k(cpu::kernel_table(GetParam()).vector), has_fma(GetParam() != "scalar") {}
  const cpu::VectorKernels& k;
  bool has_fma;  // then the bits are those of the host's float
};

TEST_P(Elementwise, UnaryIsWithinItsBoundAndHasTheBitsOfTheHost) {
  for (const UnaryCase& c : unary_cases()) {
    const int fn = static_cast<int>(c.fn);
    const std::vector<float> x = arguments(c.low, c.high);
    std::vector<float> y(x.size());
    k.unary[fn](static_cast<std::int64_t>(x.size()), x.data(), y.data(), kAlpha);
    int bad = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double ulps = !has_fma && c.scalar_ulps > 0 ? c.scalar_ulps : c.ulps;
      const double slack = !has_fma && c.scalar_slack > 0 ? c.scalar_slack : c.slack;
      const bool good = has_fma ? same(y[i], kUnary[fn](x[i], kAlpha))
                                : is_near(y[i], c.f(x[i], kAlpha), ulps, slack);
      if (!good && ++bad <= 3) {
        ADD_FAILURE() << kUnaryNames[fn] << "(" << x[i] << ") = " << y[i] << ", expected "
                      << c.f(x[i], kAlpha);
      }
    }
    EXPECT_EQ(bad, 0) << kUnaryNames[fn];
  }
}

TEST_P(Elementwise, RoundingIsThatOfTheHost) {
  std::vector<float> x;
  for (const float size : {0.0f, 1e-40f, 0.3f, 0.49999997f, 0.5f, 0.50000006f, 1.0f, 1.5f, 2.5f,
                           4194303.5f, 4194304.5f, 8388607.5f, 8388608.0f, 16777216.0f,
                           2147483520.0f, 2147483648.0f, 1e30f, INFINITY, std::nanf("")}) {
    x.insert(x.end(), {size, -size});
  }
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<float> y(x.size());
  using Host = float (*)(float);
  for (const auto& [fn, host] : {std::pair<UnaryFn, Host>{UnaryFn::kFloor, std::floor},
                                 {UnaryFn::kCeil, std::ceil},
                                 {UnaryFn::kRound, std::nearbyint}}) {
    k.unary[static_cast<int>(fn)](n, x.data(), y.data(), kAlpha);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_TRUE(same(y[i], host(x[i])))
          << kUnaryNames[static_cast<int>(fn)] << "(" << x[i] << ")";
    }
  }
}

TEST_P(Elementwise, UnaryStaysInsideItsRow) {
  for (int fn = 0; fn < kNumUnary; ++fn) {
    for (std::int64_t n : kSizes) {
      Guarded x(n, 1), y(n, 3);
      fill_random(x, 5);
      k.unary[fn](n, x.data(), y.data(), kAlpha);
      k.unary_grad[fn](n, y.data(), 1, x.data(), 1, x.data(), kAlpha);
      EXPECT_TRUE(y.guards_hold() && x.guards_hold()) << kUnaryNames[fn] << " " << n;
    }
  }
}

TEST_P(Elementwise, UnaryGradIsTheDerivativeTimesTheGradient) {
  const std::int64_t n = 333;
  Guarded s(n), g(n), y(n);
  fill_random(s, 1);
  fill_random(g, 2);
  for (int fn = 0; fn < kNumUnary; ++fn) {
    for (int steps = 0; steps < 4; ++steps) {
      const int ss = steps & 1, gs = steps >> 1;
      k.unary_grad[fn](n, s.data(), ss, g.data(), gs, y.data(), kAlpha);
      for (std::int64_t i = 0; i < n; ++i) {
        const float expected = g[i * gs] * kDerivative[fn](s[i * ss], kAlpha);
        if (has_fma) {
          ASSERT_TRUE(same(y[i], expected)) << kUnaryNames[fn] << " " << i;
        } else if (std::isfinite(expected)) {
          ASSERT_NEAR(y[i], expected, 1e-5 * (1 + std::fabs(expected))) << kUnaryNames[fn];
        }
      }
    }
  }
}

TEST_P(Elementwise, BinaryWithConstantsAndStreams) {
  const std::vector<float> special = {0.0f,   -0.0f, 1,        -1,        2.5f,         -3,
                                      1e-40f, 1e30f, INFINITY, -INFINITY, std::nanf("")};
  for (std::int64_t n : kSizes) {
    Guarded a(n + 1, 1), b(n + 1, 2), y(n, 5);
    fill_random(a, 1);
    fill_random(b, 2);
    for (std::int64_t i = 0; i < std::min<std::int64_t>(n, 121); ++i) {
      a[i] = special[static_cast<std::size_t>(i % 11)];
      b[i] = special[static_cast<std::size_t>(i / 11)];
    }
    for (int fn = 0; fn < kNumBinary; ++fn) {
      for (int steps = 0; steps < 4; ++steps) {
        const int as = steps & 1, bs = steps >> 1;
        k.binary[fn](n, a.data(), as, b.data(), bs, y.data());
        EXPECT_TRUE(y.guards_hold());
        for (std::int64_t i = 0; i < n; ++i) {
          const float va = a[i * as], vb = b[i * bs], expected = kBinary[fn](va, vb);
          const bool rounds =
              fn == static_cast<int>(BinaryFn::kPower) || fn == static_cast<int>(BinaryFn::kMod);
          if (has_fma || !rounds || same(y[i], expected)) {
            ASSERT_TRUE(same(y[i], expected))
                << kBinaryNames[fn] << "(" << va << ", " << vb << ") = " << y[i];
          } else if (std::isfinite(expected)) {
            ASSERT_NEAR(y[i], expected, 1e-5 * (std::fabs(vb) + std::fabs(expected)))
                << kBinaryNames[fn] << "(" << va << ", " << vb << ")";
          }
        }
      }
    }
  }
}

TEST_P(Elementwise, SelectAndConversions) {
  for (std::int64_t n : kSizes) {
    Guarded c(n + 1), a(n + 1), b(n + 1), y(n, 1);
    fill_random(c, 1, true);
    fill_random(a, 2);
    fill_random(b, 3);
    for (int steps = 0; steps < 8; ++steps) {
      const int cs = steps & 1, as = steps >> 1 & 1, bs = steps >> 2;
      k.select(n, c.data(), cs, a.data(), as, b.data(), bs, y.data());
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(y[i], c[i * cs] != 0 ? a[i * as] : b[i * bs]);
    }
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(n) + 2, 77);
    k.to_bool(n, c.data(), bytes.data() + 1);
    for (std::int64_t i = 0; i < n; ++i)
      ASSERT_EQ(bytes[static_cast<std::size_t>(i) + 1], c[i] != 0);
    EXPECT_EQ(bytes.front(), 77);
    EXPECT_EQ(bytes.back(), 77);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37);
    k.from_u8(n, bytes.data() + 1, y.data());
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(y[i], bytes[static_cast<std::size_t>(i) + 1]);
    EXPECT_TRUE(y.guards_hold());
  }
}

NNSEQ_FOR_EACH_ISA(Elementwise);

}  // namespace
}  // namespace nnseq::testing
