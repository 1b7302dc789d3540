#include "cpu/update.h"

#include <cmath>

#include "tensors.h"

namespace nnseq::testing {
namespace {

using std::int64_t;

// Weights, gradients and slots of some variables, each in one arena at 64-byte distances.
struct Arena {
  explicit Arena(const std::vector<int64_t>& counts) {
    for (int64_t n : counts) {
      begins.push_back(size);
      size += (n + 15) / 16 * 16;
    }
    for (int k = 0; k < 5; ++k) {
      arrays.push_back(TestTensor::normal({size}, static_cast<std::uint32_t>(k)));
    }
    for (int64_t i = 0; i < size; ++i) arrays[3].set(i, std::fabs(arrays[3].at(i)));
    for (int64_t i = 0; i < size; ++i) arrays[4].set(i, std::fabs(arrays[4].at(i)));
    for (std::size_t v = 0; v < counts.size(); ++v) {
      cpu::UpdateSegment s;
      s.w = arrays[0].f32() + begins[v];
      s.g = arrays[1].f32() + begins[v];
      for (int k = 0; k < 3; ++k)
        s.slot[k] = arrays[static_cast<std::size_t>(2 + k)].f32() + begins[v];
      s.count = counts[v];
      s.decay = v % 2 ? 0.5f : 0.0f;
      segments.push_back(s);
    }
  }
  int count() const { return static_cast<int>(segments.size()); }
  std::vector<int64_t> begins;
  int64_t size = 0;
  std::vector<TestTensor> arrays;  // w, g, slots
  std::vector<cpu::UpdateSegment> segments;
};

class Update : public IsaTest {};

TEST_P(Update, AdamIsKerasAdam) {
  for (bool amsgrad : {false, true}) {
    Arena a({1, 15, 100, 64, 20000});
    const Arena before({1, 15, 100, 64, 20000});
    cpu::AdamParams p;
    p.t = 3;
    p.amsgrad = amsgrad;
    ThreadPool pool(3);
    cpu::update_adam(exec_on(GetParam(), &pool), p, a.segments.data(), a.count());
    const double alpha = p.lr * std::sqrt(1 - std::pow(p.beta2, 3)) / (1 - std::pow(p.beta1, 3));
    for (const cpu::UpdateSegment& s : before.segments) {
      const int64_t at = s.w - before.arrays[0].f32();
      for (int64_t i = 0; i < s.count; ++i) {
        const double g = s.g[i];
        const double m = s.slot[0][i] + (g - s.slot[0][i]) * (1 - p.beta1);
        const double v = s.slot[1][i] + (g * g - s.slot[1][i]) * (1 - p.beta2);
        const double second = amsgrad ? std::max<double>(s.slot[2][i], v) : v;
        const double w = s.w[i] - s.w[i] * s.decay * p.lr;
        ASSERT_NEAR(a.arrays[0].at(at + i), w - alpha * m / (std::sqrt(second) + p.epsilon), 1e-5);
        ASSERT_NEAR(a.arrays[2].at(at + i), m, 1e-6);
        ASSERT_NEAR(a.arrays[3].at(at + i), v, 1e-6);
        ASSERT_NEAR(a.arrays[4].at(at + i), amsgrad ? second : s.slot[2][i], 1e-6);
      }
    }
    for (const TestTensor& t : a.arrays) EXPECT_TRUE(t.guards_hold());
  }
}

TEST_P(Update, SgdIsKerasSgd) {
  for (int kind = 0; kind < 3; ++kind) {
    Arena a({3, 17, 9000});
    const Arena before({3, 17, 9000});
    cpu::SgdParams p;
    p.lr = 0.1f;
    p.momentum = kind > 0 ? 0.9f : 0.0f;
    p.nesterov = kind == 2;
    cpu::update_sgd(exec_on(GetParam()), p, a.segments.data(), a.count());
    for (const cpu::UpdateSegment& s : before.segments) {
      const int64_t at = s.w - before.arrays[0].f32();
      for (int64_t i = 0; i < s.count; ++i) {
        const double step = double{p.lr} * s.g[i], v = double{p.momentum} * s.slot[0][i] - step;
        const double w = s.w[i] - s.w[i] * double{s.decay} * p.lr;
        const double change = kind == 0 ? -step : kind == 1 ? v : double{p.momentum} * v - step;
        ASSERT_NEAR(a.arrays[0].at(at + i), w + change, 2e-6);
        ASSERT_NEAR(a.arrays[2].at(at + i), kind == 0 ? s.slot[0][i] : v, 1e-6);
      }
    }
  }
}

TEST_P(Update, SegmentsApartDoNotTouchWhatLiesBetween) {
  Arena a({10, 40, 10});
  a.segments.erase(a.segments.begin() + 1);  // frozen
  a.segments[0].decay = a.segments[1].decay = 0;
  const Arena before({10, 40, 10});
  cpu::update_adam(exec_on(GetParam()), {}, a.segments.data(), a.count());
  for (std::size_t k : {0, 2, 3}) {
    for (int64_t i = 16; i < 64; ++i) ASSERT_EQ(a.arrays[k].at(i), before.arrays[k].at(i));
    EXPECT_NE(a.arrays[k].at(64), before.arrays[k].at(64));
  }
}

TEST_P(Update, MergedSegmentsHaveTheBitsOfSingleOnes) {
  const std::vector<int64_t> counts(40, 33);
  Arena merged(counts), single(counts);
  for (Arena* a : {&merged, &single}) {
    for (cpu::UpdateSegment& s : a->segments) s.decay = 0.1f;
  }
  cpu::update_adam(exec_on(GetParam()), {}, merged.segments.data(), merged.count());
  for (const cpu::UpdateSegment& s : single.segments)
    cpu::update_adam(exec_on(GetParam()), {}, &s, 1);
  for (std::size_t v = 0; v < counts.size(); ++v) {
    for (int64_t i = 0; i < counts[v]; ++i) {
      ASSERT_EQ(merged.segments[v].w[i], single.segments[v].w[i]);
    }
  }
}

NNSEQ_FOR_EACH_ISA(Update);

TEST(UpdateBits, DoNotDependOnThreadsOrIsa) {
  expect_equal_bits([](const Exec& exec) {
    Arena a({50000, 33});
    cpu::update_adam(exec, {}, a.segments.data(), a.count());
    return a.arrays[0];
  });
}

}  // namespace
}  // namespace nnseq::testing
