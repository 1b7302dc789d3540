#include "runtime/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "nnseq/error.h"

namespace nnseq {
namespace {

std::vector<std::int64_t> order_of(std::uint64_t seed, std::uint64_t epoch, std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  shuffle_order(seed, epoch, n, order.data());
  return order;
}

// Known answers of Random123 (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, 0, 0),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, ones, ones),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, IsAConstantExpression) {
  static_assert(philox4x32({0, 0, 0, 0}, 0, 0)[0] == 0x6627e8d5);
}

TEST(ShuffleOrder, IsAPermutation) {
  for (std::int64_t n : {0, 1, 2, 3, 127, 128, 129, 60000}) {
    std::vector<std::int64_t> sorted = order_of(5, 6, n), expected(static_cast<std::size_t>(n));
    std::sort(sorted.begin(), sorted.end());
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(sorted, expected);
  }
}

TEST(ShuffleOrder, DependsOnSeedAndEpochOnly) {
  const auto order = order_of(1, 2, 100);
  EXPECT_EQ(order, order_of(1, 2, 100));
  EXPECT_NE(order, order_of(1, 3, 100));
  EXPECT_NE(order, order_of(2, 2, 100));
  EXPECT_NE(order, order_of(1, 2 + (std::uint64_t{1} << 32), 100));
  EXPECT_NE(order, order_of(1 + (std::uint64_t{1} << 32), 2, 100));
  EXPECT_NE(order, order_of(2, 1, 100));
}

// A change here changes every seeded training run: it needs a line in the change log.
TEST(ShuffleOrder, StaysWhatItWas) {
  EXPECT_EQ(order_of(42, 0, 10), (std::vector<std::int64_t>{3, 1, 2, 8, 4, 5, 7, 9, 6, 0}));
}

// Chi-square over the 24 orders of four samples; 23 degrees of freedom, p = 1e-6 at 65.
TEST(ShuffleOrder, IsUniform) {
  constexpr int kTrials = 24000;
  std::map<std::vector<std::int64_t>, int> counts;
  for (std::uint64_t epoch = 0; epoch < kTrials; ++epoch) ++counts[order_of(7, epoch, 4)];
  ASSERT_EQ(counts.size(), 24u);
  double chi2 = 0;
  for (const auto& [order, n] : counts) chi2 += (n - 1000.0) * (n - 1000.0) / 1000.0;
  EXPECT_LT(chi2, 65.0);
}

TEST(ShuffleOrder, RefusesMoreSamplesThanItCanDraw) {
  EXPECT_THROW(shuffle_order(0, 0, std::int64_t{1} << 32, nullptr), Error);
}

}  // namespace
}  // namespace nnseq
