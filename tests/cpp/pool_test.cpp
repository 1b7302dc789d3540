#include "cpu/pool.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel_testing.h"

namespace nnseq::cpu {
namespace {

using nnseq::testing::bits_equal;
using nnseq::testing::exec_on;
using nnseq::testing::fill_random;
using nnseq::testing::Guarded;
using std::int64_t;

struct Axis {
  int64_t size, k, stride, before = 0, after = 0;
  int64_t out() const { return std::max<int64_t>((size + before + after - k) / stride + 1, 0); }
};

Pool2D problem(int64_t n, Axis h, Axis w, int64_t c) {
  return {n, h.size, w.size, c, h.k, w.k, h.out(), w.out(), h.stride, w.stride, h.before, w.before};
}

struct Tensors {
  explicit Tensors(const Pool2D& p) : x(p.n * p.h * p.w * p.c, 1), dy(p.n * p.oh * p.ow * p.c, 2) {
    fill_random(x, 1, true);  // few values, so that maxima tie
    fill_random(dy, 2, true);
  }
  Guarded x, dy;
};

struct Results {
  Results(const Exec& exec, const Pool2D& p, const Tensors& t)
      : max(t.dy.size(), 3), max_dx(t.x.size(), 4), avg(t.dy.size(), 5), avg_dx(t.x.size(), 6) {
    max_pool(exec, p, t.x.data(), max.data());
    max_pool_grad(exec, p, t.x.data(), max.data(), t.dy.data(), max_dx.data());
    avg_pool(exec, p, t.x.data(), avg.data());
    avg_pool_grad(exec, p, t.dy.data(), avg_dx.data());
    EXPECT_TRUE(max.guards_hold() && max_dx.guards_hold());
    EXPECT_TRUE(avg.guards_hold() && avg_dx.guards_hold());
  }
  bool operator==(const Results& o) const {
    return bits_equal(max, o.max) && bits_equal(max_dx, o.max_dx) && bits_equal(avg, o.avg) &&
           bits_equal(avg_dx, o.avg_dx);
  }
  Guarded max, max_dx, avg, avg_dx;
};

// Indices in x of the window of output (n, i, j, c), in row order.
std::vector<int64_t> window(const Pool2D& p, int64_t n, int64_t i, int64_t j, int64_t c) {
  std::vector<int64_t> at;
  for (int64_t a = 0; a < p.kh; ++a) {
    for (int64_t b = 0; b < p.kw; ++b) {
      const int64_t row = i * p.stride_h - p.pad_top + a, col = j * p.stride_w - p.pad_left + b;
      if (row < 0 || row >= p.h || col < 0 || col >= p.w) continue;
      at.push_back(((n * p.h + row) * p.w + col) * p.c + c);
    }
  }
  return at;
}

void check(std::string_view isa, const Pool2D& p) {
  SCOPED_TRACE(::testing::Message() << isa << " (" << p.h << "," << p.w << "," << p.c << ") k "
                                    << p.kh << "," << p.kw << " stride " << p.stride_h << ","
                                    << p.stride_w << " pad " << p.pad_top << "," << p.pad_left);
  const Tensors t(p);
  const Results got(exec_on(isa), p, t);
  std::vector<double> max_dx(t.x.size()), avg_dx(t.x.size());
  for (int64_t y = 0; y < t.dy.size(); ++y) {
    const int64_t c = y % p.c, j = y / p.c % p.ow, i = y / p.c / p.ow % p.oh;
    const auto at = window(p, y / p.c / p.ow / p.oh, i, j, c);
    const auto less = [&](int64_t a, int64_t b) { return t.x[a] < t.x[b]; };
    const int64_t best = *std::max_element(at.begin(), at.end(), less);  // the first of them
    double sum = 0;
    for (const int64_t k : at) {
      sum += t.x[k];
      avg_dx[k] += static_cast<double>(t.dy[y]) / at.size();
    }
    max_dx[best] += t.dy[y];
    ASSERT_EQ(got.max[y], t.x[best]);
    ASSERT_FLOAT_EQ(got.avg[y], static_cast<float>(sum / at.size()));
  }
  for (int64_t i = 0; i < t.x.size(); ++i) {
    ASSERT_EQ(got.max_dx[i], max_dx[i]) << i;
    ASSERT_NEAR(got.avg_dx[i], avg_dx[i], 1e-5) << i;
  }
}

class PoolTest : public nnseq::testing::IsaTest {};
NNSEQ_FOR_EACH_ISA(PoolTest);

TEST_P(PoolTest, ChannelsAroundTheVector) {
  for (const int64_t c : {1, 3, 15, 16, 17, 32, 50}) {
    check(GetParam(), problem(2, {6, 2, 2}, {7, 2, 2}, c));
  }
}

TEST_P(PoolTest, WindowsThatOverlapSkipOrArePadded) {
  for (const int64_t k : {1, 2, 3}) {
    for (const int64_t stride : {1, 2, 4}) {
      check(GetParam(), problem(2, {9, k, stride}, {8, 3, stride}, 5));
      check(GetParam(), problem(2, {9, k, stride, k / 2, k / 2}, {8, 3, stride, 1, 1}, 20));
    }
  }
  check(GetParam(), problem(3, {5, 5, 5}, {7, 7, 7}, 19));  // global
}

TEST_P(PoolTest, EmptyTensors) {
  check(GetParam(), problem(0, {6, 2, 2}, {6, 2, 2}, 3));
  check(GetParam(), problem(2, {1, 2, 2}, {6, 2, 2}, 3));
  check(GetParam(), problem(2, {6, 2, 2}, {6, 2, 2}, 0));
}

TEST_P(PoolTest, NanAndInfinity) {
  const Pool2D p = problem(1, {2, 2, 2}, {4, 2, 2}, 2);
  Tensors t(p);
  const float inf = std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < t.x.size(); ++i) t.x[i] = -inf;  // channel 1: no finite maximum
  t.x[0] = 3;
  t.x[2] = t.x[8] = std::nanf("");  // two NaN in the first window of channel 0
  t.dy[0] = 5;
  t.dy[1] = 7;
  const Results got(exec_on(GetParam()), p, t);
  EXPECT_TRUE(std::isnan(got.max[0]));
  EXPECT_TRUE(std::isnan(got.avg[0]));
  EXPECT_EQ(got.max[1], -inf);
  EXPECT_EQ(got.max_dx[0], 0);
  EXPECT_EQ(got.max_dx[2], 5);  // the first NaN
  EXPECT_EQ(got.max_dx[8], 0);
  EXPECT_EQ(got.max_dx[1], 7);  // the first -inf
}

TEST_P(PoolTest, BitsDoNotDependOnTheThreadsOrTheIsa) {
  const Pool2D p = problem(9, {28, 3, 2, 0, 1}, {27, 3, 2, 1, 1}, 37);
  Tensors t(p);
  fill_random(t.x, 5);
  fill_random(t.dy, 6);
  const Results want(exec_on(""), p, t);
  EXPECT_TRUE(Results(exec_on(GetParam()), p, t) == want);
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    EXPECT_TRUE(Results(exec_on(GetParam(), &pool), p, t) == want) << threads << " threads";
  }
}

}  // namespace
}  // namespace nnseq::cpu
