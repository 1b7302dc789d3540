#include "cpu/random.h"

#include <algorithm>
#include <cmath>

#include "runtime/philox.h"
#include "tensors.h"

namespace nnseq::testing {
namespace {

using std::int64_t;

const cpu::RandomKey kKey{0x123456789abcdef0u, 77, 3, 1000};

// The word of one element, by the scalar Philox.
std::uint32_t word(const cpu::RandomKey& key, int64_t sample, int64_t element) {
  const PhiloxBlock counter = {
      static_cast<std::uint32_t>(element / 4),
      static_cast<std::uint32_t>(key.first_sample + static_cast<std::uint64_t>(sample)),
      static_cast<std::uint32_t>(key.step), key.stream};
  return philox4x32(
      counter, static_cast<std::uint32_t>(key.seed),
      static_cast<std::uint32_t>(key.seed >> 32))[static_cast<std::size_t>(element % 4)];
}

TestTensor fill(const Exec& exec, const cpu::RandomKey& key, RandomDist dist, float a, float b,
                int64_t samples, int64_t elements) {
  TestTensor out(DType::kFloat32, {samples, elements});
  cpu::random_fill(exec, key, dist, a, b, samples, elements, out.f32());
  EXPECT_TRUE(out.guards_hold());
  return out;
}

class Random : public IsaTest {};

TEST_P(Random, UniformIsPhiloxOfTheCounter) {
  for (int64_t elements : {0, 1, 15, 16, 17, 63, 64, 65, 1000, 5000}) {
    const TestTensor y = fill(exec_on(GetParam()), kKey, RandomDist::kUniform, 0, 1, 3, elements);
    for (int64_t i = 0; i < y.count(); ++i) {
      const std::uint32_t w = word(kKey, i / elements, i % elements);
      ASSERT_EQ(y.f32()[i], static_cast<float>(w >> 8) * 0x1p-24f) << i;
    }
  }
}

TEST_P(Random, UniformStaysBelowItsEnd) {
  const TestTensor y =
      fill(exec_on(GetParam()), kKey, RandomDist::kUniform, 100, 100.00002f, 1, 100000);
  for (int64_t i = 0; i < y.count(); ++i) ASSERT_TRUE(y.at(i) >= 100 && y.f32()[i] < 100.00002f);
}

struct Moments {
  double mean = 0, var = 0, skew = 0, kurtosis = 0, low = 0, high = 0;
};
Moments moments_of(const TestTensor& y) {
  Moments m;
  const auto n = static_cast<double>(y.count());
  for (int64_t i = 0; i < y.count(); ++i) m.mean += y.at(i) / n;
  for (int64_t i = 0; i < y.count(); ++i) {
    const double d = y.at(i) - m.mean;
    m.var += d * d / n;
    m.skew += d * d * d / n;
    m.kurtosis += d * d * d * d / n;
    m.low = std::min(m.low, y.at(i));
    m.high = std::max(m.high, y.at(i));
  }
  m.skew /= std::pow(m.var, 1.5);
  m.kurtosis /= m.var * m.var;
  return m;
}

TEST_P(Random, NormalHasItsMoments) {
  const Moments m =
      moments_of(fill(exec_on(GetParam()), kKey, RandomDist::kNormal, 0, 1, 4, 100000));
  EXPECT_NEAR(m.mean, 0, 0.007);
  EXPECT_NEAR(m.var, 1, 0.01);
  EXPECT_NEAR(m.skew, 0, 0.02);
  EXPECT_NEAR(m.kurtosis, 3, 0.05);
  EXPECT_LT(m.low, -4);
  EXPECT_GT(m.high, 4);
  EXPECT_LT(std::max(m.high, -m.low), 5.78);
  const Moments moved =
      moments_of(fill(exec_on(GetParam()), kKey, RandomDist::kNormal, 5, 3, 1, 100000));
  EXPECT_NEAR(moved.mean, 5, 0.05);
  EXPECT_NEAR(moved.var, 9, 0.2);
}

TEST_P(Random, NormalIsBoxMuller) {
  const TestTensor y = fill(exec_on(GetParam()), kKey, RandomDist::kNormal, 0, 1, 2, 130);
  for (int64_t i = 0; i < y.count(); ++i) {
    const int64_t sample = i / 130, first = i % 130 / 2 * 2;
    const double u = ((word(kKey, sample, first) >> 8) + 1) * 0x1p-24;
    const double angle = (word(kKey, sample, first + 1) >> 8) * 0x1p-24 * 2 * M_PI;
    const double radius = std::sqrt(-2 * std::log(u));
    ASSERT_NEAR(y.at(i), radius * (i % 2 ? std::sin(angle) : std::cos(angle)), 3e-6) << i;
  }
}

// The distribution function of a normal variable cut at 2 standard deviations.
double truncated_cdf(double z) {
  return (std::erf(z / std::sqrt(2)) / std::erf(std::sqrt(2)) + 1) / 2;
}

TEST_P(Random, TruncatedNormalHasItsDistribution) {
  TestTensor y = fill(exec_on(GetParam()), kKey, RandomDist::kTruncatedNormal, 0, 1, 1, 100000);
  std::sort(y.f32(), y.f32() + y.count());
  EXPECT_GE(y.at(0), -2);
  EXPECT_LE(y.at(y.count() - 1), 2);
  EXPECT_LT(y.at(0), -1.99);
  double worst = 0;
  for (int64_t i = 0; i < y.count(); ++i) {
    worst =
        std::max(worst, std::fabs(truncated_cdf(y.at(i)) - (static_cast<double>(i) + 0.5) / 1e5));
  }
  EXPECT_LT(worst, 0.0055);  // Kolmogorov-Smirnov, 0.5 %
}

TEST_P(Random, TruncatedNormalInvertsTheDistribution) {
  const TestTensor y = fill(exec_on(GetParam()), kKey, RandomDist::kTruncatedNormal, 0, 1, 1, 1000);
  for (int64_t i = 0; i < y.count(); ++i) {
    const double p = ((word(kKey, 0, i) >> 9) + 0.5) * 0x1p-23;
    ASSERT_NEAR(truncated_cdf(y.at(i)), p, 2e-7);
  }
}

TEST_P(Random, DropoutKeepsWhatTheBitsSay) {
  const Exec exec = exec_on(GetParam());
  for (float rate : {0.0f, 0.25f, 0.5f, 0.9f, 1.0f}) {
    for (int64_t elements : {0, 1, 17, 64, 1000}) {
      TestTensor x = TestTensor::normal({5, elements}, 1), y(DType::kFloat32, {5, elements});
      if (elements > 0) x.set(0, std::nan(""));
      cpu::dropout(exec, kKey, rate, 5, elements, x.f32(), y.f32());
      EXPECT_TRUE(y.guards_hold());
      for (int64_t i = 0; i < y.count(); ++i) {
        const float u = static_cast<float>(word(kKey, i / elements, i % elements) >> 8) * 0x1p-24f;
        if (u < rate) {
          ASSERT_EQ(y.at(i), 0);
        } else if (i > 0) {
          ASSERT_EQ(y.f32()[i], x.f32()[i] * (1.0f / (1.0f - rate)));
        }
      }
      cpu::dropout(exec, kKey, rate, 5, elements, x.f32(), x.f32());  // in place
      EXPECT_TRUE(elements == 0 || rate == 0 || std::isnan(x.at(0)) == std::isnan(y.at(0)));
      for (int64_t i = 1; i < y.count(); ++i) ASSERT_EQ(x.at(i), y.at(i));
    }
  }
}

NNSEQ_FOR_EACH_ISA(Random);

TEST(RandomBits, DoNotDependOnThreadsOrIsa) {
  for (RandomDist dist :
       {RandomDist::kUniform, RandomDist::kNormal, RandomDist::kTruncatedNormal}) {
    for (const auto& [samples, elements] : {std::pair<int64_t, int64_t>{700, 20}, {3, 9001}}) {
      expect_equal_bits([&, n = samples, e = elements](const Exec& exec) {
        return fill(exec, kKey, dist, -1, 2, n, e);
      });
    }
  }
}

// Half of the batch alone has the bits it has in the whole batch.
TEST(RandomBits, DependOnTheSampleNotOnTheBatch) {
  const TestTensor whole = fill(exec_on({}), kKey, RandomDist::kNormal, 0, 1, 10, 100);
  cpu::RandomKey key = kKey;
  key.first_sample += 6;
  const TestTensor part = fill(exec_on({}), key, RandomDist::kNormal, 0, 1, 4, 100);
  for (int64_t i = 0; i < part.count(); ++i) ASSERT_EQ(part.at(i), whole.at(600 + i));
  for (int change = 0; change < 3; ++change) {
    cpu::RandomKey other = kKey;
    if (change == 0) other.seed += std::uint64_t{1} << 32;
    if (change == 1) ++other.step;
    if (change == 2) ++other.stream;
    EXPECT_FALSE(fill(exec_on({}), other, RandomDist::kNormal, 0, 1, 10, 100).same_bits(whole));
  }
}

}  // namespace
}  // namespace nnseq::testing
