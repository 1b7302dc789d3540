#include "cpu/finite.h"

#include <limits>

#include "tensors.h"

namespace nnseq::testing {
namespace {

using std::int64_t;

TEST(AllFinite, FindsOneBadValueAnywhere) {
  using limits = std::numeric_limits<float>;
  ThreadPool pool(3);
  const Exec exec = exec_on({}, &pool);
  for (int64_t n : {1, 15, 16, 17, 1000, 16'384, 16'385, 100'000}) {
    TestTensor x = TestTensor::integers(DType::kFloat32, {n}, 1);
    x.f32()[0] = limits::max();
    x.f32()[n - 1] = limits::denorm_min();
    EXPECT_TRUE(cpu::all_finite(exec, n, x.f32())) << n;
    for (int64_t at : {int64_t{0}, n / 2, n - 1}) {
      const float before = x.f32()[at];
      for (float bad : {limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
                        -limits::signaling_NaN()}) {
        x.f32()[at] = bad;
        EXPECT_FALSE(cpu::all_finite(exec, n, x.f32())) << n << " " << at;
      }
      x.f32()[at] = before;
    }
  }
  EXPECT_TRUE(cpu::all_finite(exec, 0, nullptr));
}

}  // namespace
}  // namespace nnseq::testing
