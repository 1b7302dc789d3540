#include "cpu/conv.h"

#include <algorithm>
#include <cmath>

#include "kernel_testing.h"

namespace nnseq::cpu {
namespace {

using nnseq::testing::bits_equal;
using nnseq::testing::exec_on;
using nnseq::testing::fill_random;
using nnseq::testing::Guarded;
using nnseq::testing::Scratch;
using std::int64_t;

struct Axis {
  int64_t size, k, stride = 1, dilation = 1, before = 0, after = 0;
  int64_t out() const {
    return std::max<int64_t>((size + before + after - (k - 1) * dilation - 1) / stride + 1, 0);
  }
};

Conv2D problem(int64_t n, Axis h, Axis w, int64_t c, int64_t o, int64_t groups = 1) {
  Conv2D p;
  p.n = n;
  p.h = h.size;
  p.w = w.size;
  p.c = c;
  p.kh = h.k;
  p.kw = w.k;
  p.o = o;
  p.oh = h.out();
  p.ow = w.out();
  p.stride_h = h.stride;
  p.stride_w = w.stride;
  p.dilation_h = h.dilation;
  p.dilation_w = w.dilation;
  p.pad_top = h.before;
  p.pad_left = w.before;
  p.groups = groups;
  return p;
}

struct Tensors {
  explicit Tensors(const Conv2D& p, bool integers)
      : x(p.n * p.h * p.w * p.c, 1),
        w(p.kh * p.kw * (p.c / p.groups) * p.o, 2),
        y(p.n * p.oh * p.ow * p.o, 3),
        bias(p.o, 1) {
    fill_random(x, 1, integers);
    fill_random(w, 2, integers);
    fill_random(y, 3, integers);
    fill_random(bias, 4, integers);
  }
  bool guards_hold() const { return x.guards_hold() && w.guards_hold() && y.guards_hold(); }
  Guarded x, w, y, bias;
};

// fn(index of x, index of w, index of y) for every product of the convolution.
template <class F>
void for_each_product(const Conv2D& p, F&& fn) {
  const int64_t cg = p.c / p.groups, og = p.o / p.groups;
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t i = 0; i < p.oh; ++i)
      for (int64_t j = 0; j < p.ow; ++j)
        for (int64_t a = 0; a < p.kh; ++a)
          for (int64_t b = 0; b < p.kw; ++b) {
            const int64_t row = i * p.stride_h - p.pad_top + a * p.dilation_h;
            const int64_t col = j * p.stride_w - p.pad_left + b * p.dilation_w;
            if (row < 0 || row >= p.h || col < 0 || col >= p.w) continue;
            for (int64_t o = 0; o < p.o; ++o)
              for (int64_t c = 0; c < cg; ++c)
                fn(((n * p.h + row) * p.w + col) * p.c + o / og * cg + c,
                   ((a * p.kw + b) * cg + c) * p.o + o, ((n * p.oh + i) * p.ow + j) * p.o + o);
          }
}

struct Sum {
  double value = 0, magnitude = 0;
  int64_t terms = 0;
  void add(double a) {
    value += a;
    magnitude += std::abs(a);
    ++terms;
  }
};

void expect_sums(const Guarded& got, const std::vector<Sum>& want, bool integers,
                 const char* what) {
  for (int64_t i = 0; i < got.size(); ++i) {
    const double bound =
        integers ? 0 : (want[i].magnitude + 1) * 1.2e-7 * (8 + std::sqrt(want[i].terms));
    ASSERT_NEAR(got[i], want[i].value, bound) << what << " at " << i;
  }
}

std::vector<Sum> zeros(const Guarded& x) {
  return std::vector<Sum>(static_cast<std::size_t>(x.size()));
}

void run_forward(const Exec& exec, const Conv2D& p, Tensors& t, const Epilogue& e) {
  Scratch scratch(conv2d_scratch(p, ConvPart::kForward, exec.workers()));
  conv2d(exec, p, t.x.data(), t.w.data(), t.y.data(), e, scratch.data());
  ASSERT_TRUE(scratch.guards_hold());
  ASSERT_TRUE(t.guards_hold());
}

Guarded run_by_data(const Exec& exec, const Conv2D& p, const Tensors& t) {
  Guarded dx(t.x.size(), 5);
  Scratch scratch(conv2d_scratch(p, ConvPart::kByData, exec.workers()));
  conv2d_by_data(exec, p, t.y.data(), t.w.data(), dx.data(), scratch.data());
  EXPECT_TRUE(scratch.guards_hold() && dx.guards_hold());
  return dx;
}

Guarded run_by_weights(const Exec& exec, const Conv2D& p, const Tensors& t) {
  Guarded dw(t.w.size(), 7);
  Scratch scratch(conv2d_scratch(p, ConvPart::kByWeights, exec.workers()));
  conv2d_by_weights(exec, p, t.x.data(), t.y.data(), dw.data(), scratch.data());
  EXPECT_TRUE(scratch.guards_hold() && dw.guards_hold());
  return dw;
}

void check(std::string_view isa, const Conv2D& p, bool integers = true) {
  SCOPED_TRACE(::testing::Message()
               << isa << " (" << p.n << "," << p.h << "," << p.w << "," << p.c << ") k " << p.kh
               << "x" << p.kw << " -> (" << p.oh << "," << p.ow << "," << p.o << ") stride "
               << p.stride_h << "," << p.stride_w << " dilation " << p.dilation_h << ","
               << p.dilation_w << " pad " << p.pad_top << "," << p.pad_left << " groups "
               << p.groups);
  const Exec exec = exec_on(isa);
  Tensors t(p, integers);
  auto dx = zeros(t.x), dw = zeros(t.w), y = zeros(t.y);
  for_each_product(p, [&](int64_t xi, int64_t wi, int64_t yi) {
    y[yi].add(static_cast<double>(t.x[xi]) * t.w[wi]);
    dx[xi].add(static_cast<double>(t.y[yi]) * t.w[wi]);
    dw[wi].add(static_cast<double>(t.x[xi]) * t.y[yi]);
  });
  expect_sums(run_by_data(exec, p, t), dx, integers, "dx");
  expect_sums(run_by_weights(exec, p, t), dw, integers, "dw");

  Epilogue e;
  e.bias = t.bias.data();
  e.fn = UnaryFn::kRelu;
  e.accumulate = integers;
  for (int64_t i = 0; i < t.y.size(); ++i) {
    y[i].value = std::max(y[i].value + t.bias[i % p.o] + (integers ? t.y[i] : 0.0f), 0.0);
  }
  run_forward(exec, p, t, e);
  expect_sums(t.y, y, integers, "y");
}

class ConvTest : public nnseq::testing::IsaTest {};
NNSEQ_FOR_EACH_ISA(ConvTest);

TEST_P(ConvTest, ChannelsAroundTheVector) {
  for (const int64_t c : {1, 3, 15, 16, 17, 40}) {
    for (const int64_t o : {1, 10, 16, 33, 70}) {
      check(GetParam(), problem(2, {7, 3}, {9, 3}, c, o));
      check(GetParam(), problem(1, {5, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}, c, o));
    }
  }
}

TEST_P(ConvTest, WidthsAroundTheTile) {
  for (int64_t w = 1; w <= 34; w += 3) check(GetParam(), problem(1, {4, 2}, {w + 2, 3}, 5, 20));
}

TEST_P(ConvTest, StridesDilationsAndPadding) {
  for (const int64_t k : {1, 2, 3, 5}) {
    for (const int64_t stride : {1, 2, 3}) {
      for (const int64_t dilation : {1, 2, 3}) {
        for (const int64_t pad : {0, 1, 2, 7}) {
          const Axis h{13, k, stride, dilation, pad, pad / 2};
          const Axis w{16, k, stride == 3 ? 2 : stride, dilation, pad / 2, pad};
          check(GetParam(), problem(2, h, w, 4, 6));
        }
      }
    }
  }
  check(GetParam(), problem(2, {11, 4, 2, 1, 1, 2}, {11, 3, 4, 2, 0, 3}, 3, 17));
  check(GetParam(), problem(1, {5, 2, 6, 4, 1, 2}, {7, 2, 4, 6, 1, 3}, 3, 17));
}

TEST_P(ConvTest, Groups) {
  for (const int64_t dilation : {1, 2}) {
    for (const int64_t stride : {1, 2}) {
      const Axis h{9, 3, stride, dilation, 1, 1}, w{12, 3, stride, dilation, 1, 2};
      check(GetParam(), problem(2, h, w, 8, 12, 2));
      check(GetParam(), problem(2, h, w, 6, 6, 3));
      check(GetParam(), problem(1, h, w, 40, 80, 2));
      check(GetParam(), problem(1, h, w, 5, 10, 5));  // two filters per channel
    }
  }
}

TEST_P(ConvTest, Depthwise) {
  for (const int64_t c : {2, 15, 16, 17, 130}) {
    check(GetParam(), problem(2, {7, 3, 1, 1, 1, 1}, {10, 3, 1, 1, 1, 1}, c, c, c));
    check(GetParam(), problem(1, {9, 5, 2, 1, 2, 2}, {11, 7, 2, 1, 2, 2}, c, c, c));
    check(GetParam(), problem(1, {9, 3, 1, 2, 2, 2}, {11, 2, 3, 2, 0, 0}, c, c, c));
  }
}

TEST_P(ConvTest, PointwiseAndWholeImage) {
  check(GetParam(), problem(3, {5, 1}, {7, 1}, 33, 40));
  check(GetParam(), problem(3, {5, 1, 2}, {7, 1, 2}, 33, 40));
  check(GetParam(), problem(3, {5, 5}, {7, 7}, 8, 40));
  check(GetParam(), problem(2, {6, 1}, {30, 3, 1, 1, 2, 0}, 8, 40));  // conv1d, causal
}

TEST_P(ConvTest, WindowsOutsideTheImage) {
  check(GetParam(), problem(1, {3, 2, 1, 1, 4, 4}, {3, 2, 1, 1, 4, 4}, 3, 5));
  check(GetParam(), problem(1, {3, 2, 2, 3, 9, 2}, {2, 1, 1, 1, 3, 3}, 17, 5));
}

TEST_P(ConvTest, LongReductionsOfRandomNumbers) {
  check(GetParam(), problem(2, {12, 3, 1, 1, 1, 1}, {14, 3, 1, 1, 1, 1}, 64, 70), false);
  check(GetParam(), problem(20, {30, 3}, {31, 3}, 3, 16), false);
  check(GetParam(), problem(3, {28, 3, 2, 1, 0, 1}, {28, 3, 2, 1, 0, 1}, 24, 24, 24), false);
}

TEST_P(ConvTest, EmptyTensors) {
  check(GetParam(), problem(0, {5, 3}, {5, 3}, 3, 4));
  check(GetParam(), problem(2, {2, 3}, {5, 3}, 3, 4));  // no window fits
  check(GetParam(), problem(2, {5, 3}, {5, 3}, 3, 0));
  check(GetParam(), problem(2, {5, 3}, {5, 3}, 0, 4));
  check(GetParam(), problem(0, {5, 1}, {5, 1}, 3, 4));
  check(GetParam(), problem(2, {0, 3, 1, 1, 2, 2}, {5, 3}, 3, 4));
}

TEST_P(ConvTest, NanStaysInItsWindows) {
  const Conv2D p = problem(1, {6, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}, 4, 20);
  Tensors t(p, true);
  t.x[(2 * 6 + 2) * 4 + 1] = std::nanf("");
  run_forward(exec_on(GetParam()), p, t, {});
  for (int64_t i = 0; i < 6; ++i) {
    for (int64_t j = 0; j < 6; ++j) {
      const bool inside = std::abs(i - 2) <= 1 && std::abs(j - 2) <= 1;
      EXPECT_EQ(std::isnan(t.y[(i * 6 + j) * 20 + 7]), inside) << i << ", " << j;
    }
  }
}

const Conv2D kHashed[] = {
    problem(5, {20, 3, 1, 1, 1, 1}, {21, 3, 1, 1, 1, 1}, 24, 40),
    problem(40, {28, 3}, {28, 3}, 1, 32),
    problem(3, {21, 5, 2, 1, 1, 2}, {22, 5, 2, 1, 1, 2}, 3, 32),
    problem(6, {16, 3, 1, 1, 1, 1}, {16, 3, 1, 1, 1, 1}, 130, 130, 130),
    problem(4, {16, 1}, {16, 1}, 64, 96),
    problem(2, {64, 3, 1, 2, 2, 2}, {66, 3, 1, 2, 2, 2}, 128, 16, 2),  // padded images in chunks
};

struct Results {
  Results(const Exec& exec, const Conv2D& p, const Tensors& t)
      : dx(run_by_data(exec, p, t)), dw(run_by_weights(exec, p, t)), forward(t) {
    Epilogue e;
    e.bias = forward.bias.data();
    run_forward(exec, p, forward, e);
  }
  bool operator==(const Results& o) const {
    return bits_equal(dx, o.dx) && bits_equal(dw, o.dw) && bits_equal(forward.y, o.forward.y);
  }
  Guarded dx, dw;
  Tensors forward;
};

TEST_P(ConvTest, BitsDoNotDependOnTheThreads) {
  for (const Conv2D& p : kHashed) {
    const Tensors t(p, false);
    const Results one(exec_on(GetParam()), p, t);
    for (const int threads : {1, 2, 3, 7}) {
      ThreadPool pool(threads);
      EXPECT_TRUE(Results(exec_on(GetParam(), &pool), p, t) == one) << threads << " threads";
    }
  }
}

TEST(ConvIsaTest, FusedIsasGiveEqualBits) {
  std::vector<std::string_view> isas = available_isas();
  std::erase(isas, "scalar");
  if (isas.size() < 2) GTEST_SKIP() << "this machine has one ISA with fma";
  for (const Conv2D& p : kHashed) {
    const Tensors t(p, false);
    EXPECT_TRUE(Results(exec_on(isas[0]), p, t) == Results(exec_on(isas[1]), p, t));
  }
}

}  // namespace
}  // namespace nnseq::cpu
