#include "cpu/conv.h"

#include <algorithm>
#include <cmath>

#include "conv_testing.h"

namespace nnseq::cpu {
namespace {

using namespace testing;

void check_on(const std::vector<std::string_view>& isas, const Conv2D& p, bool integers = true,
              int seed = 0) {
  const Tensors t(p, integers, seed);
  Sums want(p, t);
  if (winograd_wins(p, ConvPart::kByData)) {
    set_winograd_magnitudes(winograd_problem(p, ConvPart::kByData), t.y, t.w, true, want.dx);
  }
  if (winograd_wins(p, ConvPart::kByWeights)) {
    set_winograd_magnitudes(winograd_problem(p, ConvPart::kByWeights), t.x, t.y, want.dw);
  }
  if (winograd_wins(p, ConvPart::kForward)) {
    set_winograd_magnitudes(winograd_problem(p, ConvPart::kForward), t.x, t.w, false, want.y);
  }
  Epilogue e;
  e.bias = t.bias.data();
  e.fn = UnaryFn::kRelu;
  e.accumulate = integers;
  want.finish(t, integers);
  for (const std::string_view isa : isas) {
    SCOPED_TRACE(describe(isa, p));
    expect_sums(run_by_data(exec_on(isa), p, t), want.dx, integers, "dx");
    expect_sums(run_by_weights(exec_on(isa), p, t), want.dw, integers, "dw");
    Tensors forward = t;
    run_forward(exec_on(isa), p, forward, e);
    expect_sums(forward.y, want.y, integers, "y");
  }
}

void check(std::string_view isa, const Conv2D& p, bool integers = true) {
  check_on({isa}, p, integers);
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

TEST(ConvRandomTest, DirectConvolutions) {
  Random r(11);
  const auto axis = [&] {
    const int64_t stride = r.pick(1, 3), dilation = stride == 1 ? r.pick(1, 3) : 1;
    return Axis{r.pick(1, 13), r.pick(1, 5), stride, dilation, r.pick(0, 4), r.pick(0, 4)};
  };
  for (int i = 0; i < random_shapes() + random_integers();) {
    const int64_t groups = r.pick(0, 2) ? 1 : r.pick(2, 20);
    const int64_t c = groups > 1 ? r.pick(1, 3) : r.pick(1, 40);
    const int64_t o = groups > 1 ? r.pick(1, 3) : r.pick(1, 40);
    const Conv2D p = problem(r.pick(1, 3), axis(), axis(), c * groups, o * groups, groups);
    const auto wins = [&](ConvPart part) { return winograd_wins(p, part); };
    if (p.oh < 1 || p.ow < 1 || wins(ConvPart::kForward) || wins(ConvPart::kByData)) continue;
    check_on(available_isas(), p, i >= random_shapes(), i);
    if (::testing::Test::HasFatalFailure()) return;
    ++i;
  }
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
