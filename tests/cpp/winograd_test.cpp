#include "cpu/winograd.h"

#include <limits>
#include <utility>

#include "conv_testing.h"

namespace nnseq::cpu {
namespace {

using namespace testing;

// Both directions and the gradient by weights, whether or not conv2d would choose them.
struct WinogradResults {
  WinogradResults(const Exec& exec, const Conv2D& p, const Tensors& t, const Epilogue& e)
      : dx(t.x.size(), 5), dw(t.w.size(), 7), y(t.y) {
    const Winograd forward = winograd_problem(p, ConvPart::kForward);
    const Winograd by_data = winograd_problem(p, ConvPart::kByData);
    const auto floats = [](int64_t count) {
      return Scratch(static_cast<std::size_t>(count) * sizeof(float));
    };
    Scratch a = floats(winograd_scratch(forward, exec.workers()));
    winograd(exec, forward, t.x.data(), t.w.data(), false, y.data(), e, at(a));
    Scratch b = floats(winograd_scratch(by_data, exec.workers()));
    winograd(exec, by_data, t.y.data(), t.w.data(), true, dx.data(), {}, at(b));
    Scratch c = floats(winograd_by_weights_scratch(forward, exec.workers()));
    winograd_by_weights(exec, forward, t.x.data(), t.y.data(), dw.data(), at(c));
    EXPECT_TRUE(a.guards_hold() && b.guards_hold() && c.guards_hold());
    EXPECT_TRUE(y.guards_hold() && dx.guards_hold() && dw.guards_hold());
  }
  static float* at(Scratch& s) { return static_cast<float*>(s.data()); }
  Guarded dx, dw, y;
};

// On every ISA of this machine.
void check(const Conv2D& p, bool integers, int seed = 0) {
  const Tensors t(p, integers, seed);
  Sums want(p, t);
  const Winograd forward = winograd_problem(p, ConvPart::kForward);
  set_winograd_magnitudes(forward, t.x, t.w, false, want.y);
  set_winograd_magnitudes(winograd_problem(p, ConvPart::kByData), t.y, t.w, true, want.dx);
  set_winograd_magnitudes(forward, t.x, t.y, want.dw);
  Epilogue e;
  e.bias = t.bias.data();
  e.fn = UnaryFn::kRelu;
  e.accumulate = integers;
  want.finish(t, integers);
  for (const std::string_view isa : available_isas()) {
    SCOPED_TRACE(describe(isa, p));
    const WinogradResults got(exec_on(isa), p, t, e);
    expect_sums(got.y, want.y, integers, "y");
    expect_sums(got.dx, want.dx, integers, "dx");
    expect_sums(got.dw, want.dw, integers, "dw");
  }
}

TEST(WinogradTest, ChannelsAroundTheVector) {
  for (const int64_t c : {1, 15, 16, 17, 40}) {
    for (const int64_t o : {1, 16, 33, 70}) {
      check(problem(2, {7, 3}, {9, 3}, c, o), true);
      check(problem(1, {5, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}, c, o), true);
    }
  }
}

TEST(WinogradTest, SizesAndPaddingAroundTheTile) {
  for (const int64_t size : {1, 2, 3, 4, 5, 8, 13}) {
    for (const int64_t before : {0, 1, 2, 5}) {
      for (const int64_t after : {0, 1, 4}) {
        const Axis h{size, 3, 1, 1, before, after}, w{size + 1, 3, 1, 1, after, before};
        if (h.out() > 0 && w.out() > 0) check(problem(3, h, w, 3, 5), true);
      }
    }
  }
}

TEST(WinogradTest, ManyBlocksAndGroupsOfChannels) {
  check(problem(2, {40, 3, 1, 1, 1, 1}, {41, 3, 1, 1, 1, 1}, 20, 24), true);
  check(problem(1, {6, 3, 1, 1, 1, 1}, {6, 3, 1, 1, 1, 1}, 150, 290), true);
  check(problem(9, {5, 3}, {5, 3}, 40, 200), true);
}

// The bounds that winograd.h states, with the largest operands on one side of them.
TEST(WinogradTest, IntegersAreExactUpToTheBound) {
  const Conv2D p = problem(1, {8, 3, 1, 1, 1, 1}, {8, 3, 1, 1, 1, 1}, 64, 3);
  Tensors t(p, true);
  for (int64_t i = 0; i < t.x.size(); ++i) t.x[i] = i % 3 ? 32.0f : -32.0f;
  for (int64_t i = 0; i < t.w.size(); ++i) t.w[i] = i % 5 ? 32.0f : -31.0f;   // c * 2^10 = 2^16
  for (int64_t i = 0; i < t.y.size(); ++i) t.y[i] = i % 7 ? 128.0f : 127.0f;  // n oh ow 2^12 = 2^18
  const Sums want(p, t);
  for (const std::string_view isa : available_isas()) {
    const WinogradResults got(exec_on(isa), p, t, {});
    expect_sums(got.y, want.y, true, "y");
    expect_sums(got.dw, want.dw, true, "dw");
  }
}

TEST(WinogradTest, ValuesThatAreNotFiniteStayInTheirWindows) {
  const Conv2D p = problem(1, {8, 3, 1, 1, 1, 1}, {8, 3, 1, 1, 1, 1}, 32, 32);
  ASSERT_TRUE(winograd_wins(p, ConvPart::kForward));
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    for (int64_t at = 0; at < 64; ++at) {
      Tensors t(p, true);
      t.x[at * 32 + 1] = bad;
      for (const std::string_view isa : available_isas()) {
        run_forward(exec_on(isa), p, t, {});
        for (int64_t i = 0; i < 64; ++i) {
          const bool inside = std::abs(i / 8 - at / 8) <= 1 && std::abs(i % 8 - at % 8) <= 1;
          EXPECT_EQ(std::isfinite(t.y[i * 32 + 7]), !inside) << i << ", " << at;
        }
      }
    }
  }
}

TEST(WinogradTest, RandomShapes) {
  Random r(7);
  const auto channels = [&] { return r.pick(0, 3) ? r.pick(1, 24) : r.pick(25, 80); };
  const auto axis = [&] { return Axis{r.pick(1, 14), 3, 1, 1, r.pick(0, 3), r.pick(0, 3)}; };
  for (int i = 0; i < random_shapes() + random_integers();) {
    const Conv2D p = problem(r.pick(1, 3), axis(), axis(), channels(), channels());
    if (p.oh < 1 || p.ow < 1) continue;
    check(p, i >= random_shapes(), i);
    if (::testing::Test::HasFatalFailure()) return;
    ++i;
  }
}

const Conv2D kHashed[] = {
    problem(5, {20, 3, 1, 1, 1, 1}, {21, 3, 1, 1, 1, 1}, 24, 40),
    problem(1, {8, 3, 1, 1, 1, 1}, {8, 3, 1, 1, 1, 1}, 100, 300),
    problem(3, {17, 3}, {33, 3}, 64, 130),
};

WinogradResults hashed(const Conv2D& p, std::string_view isa, ThreadPool* pool = nullptr) {
  const Tensors t(p, false);
  Epilogue e;
  e.bias = t.bias.data();
  e.fn = UnaryFn::kTanh;
  return WinogradResults(exec_on(isa, pool), p, t, e);
}

bool operator==(const WinogradResults& a, const WinogradResults& b) {
  return bits_equal(a.y, b.y) && bits_equal(a.dx, b.dx) && bits_equal(a.dw, b.dw);
}

TEST(WinogradTest, BitsDoNotDependOnTheThreads) {
  for (const Conv2D& p : kHashed) {
    for (const std::string_view isa : available_isas()) {
      const WinogradResults one = hashed(p, isa);
      for (const int threads : {1, 2, 3, 7}) {
        ThreadPool pool(threads);
        EXPECT_TRUE(hashed(p, isa, &pool) == one) << describe(isa, p) << ", " << threads;
      }
    }
  }
}

TEST(WinogradTest, FusedIsasGiveEqualBits) {
  std::vector<std::string_view> isas = available_isas();
  std::erase(isas, "scalar");
  if (isas.size() < 2) GTEST_SKIP() << "this machine has one ISA with fma";
  for (const Conv2D& p : kHashed) EXPECT_TRUE(hashed(p, isas[0]) == hashed(p, isas[1]));
}

TEST(WinogradTest, ImagesDoNotDependOnTheirNumber) {
  Conv2D p = kHashed[0];
  const Tensors t(p, false);
  Guarded all(t.y.size()), one(t.y.size() / p.n);
  Scratch scratch(conv2d_scratch(p, ConvPart::kForward, 1));
  conv2d(exec_on(""), p, t.x.data(), t.w.data(), all.data(), {}, scratch.data());
  const int64_t images = std::exchange(p.n, 1);
  for (int64_t i = 0; i < images; ++i) {
    const float* const x = t.x.data() + i * p.h * p.w * p.c;
    conv2d(exec_on(""), p, x, t.w.data(), one.data(), {}, scratch.data());
    EXPECT_EQ(std::memcmp(one.data(), all.data() + i * one.size(), one.size() * sizeof(float)), 0);
  }
}

}  // namespace
}  // namespace nnseq::cpu
