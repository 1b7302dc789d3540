#include "cpu/softmax.h"

#include <cmath>

#include "tensors.h"

namespace nnseq::testing {
namespace {

using std::int64_t;

std::vector<double> softmax_of(const float* x, int64_t n) {
  double max = -INFINITY, total = 0;
  std::vector<double> p;
  for (int64_t i = 0; i < n; ++i) max = std::max(max, static_cast<double>(x[i]));
  for (int64_t i = 0; i < n; ++i) p.push_back(std::exp(x[i] - max));
  for (double v : p) total += v;
  for (double& v : p) v /= total;
  return p;
}

class Softmax : public IsaTest {};

TEST_P(Softmax, ForwardAndGradient) {
  const Exec exec = exec_on(GetParam());
  for (int64_t cols : {1, 2, 10, 15, 16, 17, 63, 64, 65, 1000, 1025, 3000}) {
    const int64_t rows = cols > 500 ? 3 : 37;
    TestTensor x = TestTensor::normal({rows, cols}, 1, 5), dy = TestTensor::normal({rows, cols}, 2);
    TestTensor y(DType::kFloat32, {rows, cols}), z = y, dx = y, dz = y;
    cpu::softmax(exec, rows, cols, x.f32(), y.f32());
    cpu::log_softmax(exec, rows, cols, x.f32(), z.f32());
    cpu::softmax_grad(exec, rows, cols, y.f32(), dy.f32(), dx.f32());
    cpu::log_softmax_grad(exec, rows, cols, z.f32(), dy.f32(), dz.f32());
    EXPECT_TRUE(y.guards_hold() && z.guards_hold() && dx.guards_hold() && dz.guards_hold());
    for (int64_t r = 0; r < rows; ++r) {
      const auto p = softmax_of(x.f32() + r * cols, cols);
      double dot = 0, total = 0;
      for (int64_t c = 0; c < cols; ++c) {
        dot += p[static_cast<std::size_t>(c)] * dy.at(r * cols + c);
        total += dy.at(r * cols + c);
      }
      for (int64_t c = 0; c < cols; ++c) {
        const int64_t i = r * cols + c;
        const double v = p[static_cast<std::size_t>(c)];
        ASSERT_NEAR(y.at(i), v, 3e-6 * v) << cols;
        ASSERT_NEAR(z.at(i), std::log(v), 5e-6 * (1 + std::fabs(std::log(v))));
        ASSERT_NEAR(dx.at(i), v * (dy.at(i) - dot), 2e-6);
        ASSERT_NEAR(dz.at(i), dy.at(i) - v * total, 4e-6 * (1 + std::fabs(total)));
      }
    }
  }
}

TEST_P(Softmax, ExtremeLogits) {
  const Exec exec = exec_on(GetParam());
  TestTensor x = TestTensor::of<float>({2, 3}, {1000, 0, -1000, -INFINITY, 2, 2}), y = x;
  cpu::softmax(exec, 2, 3, x.f32(), y.f32());
  const double expected[] = {1, 0, 0, 0, 0.5, 0.5};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(y.at(i), expected[i]);
  cpu::softmax(exec, 2, 3, x.f32(), x.f32());  // in place
  EXPECT_TRUE(x.same_bits(y));
  x.set(1, std::nan(""));
  cpu::softmax(exec, 2, 3, x.f32(), y.f32());
  EXPECT_TRUE(std::isnan(y.at(0)) && !std::isnan(y.at(3)));
}

TEST_P(Softmax, CrossEntropyOfLabels) {
  const Exec exec = exec_on(GetParam());
  for (int64_t cols : {1, 10, 16, 100}) {
    const int64_t rows = 70;
    TestTensor x = TestTensor::normal({rows, cols}, 1, 4), d = TestTensor::normal({rows}, 2);
    for (DType t : {DType::kInt32, DType::kInt64}) {
      TestTensor label(t, {rows}), loss(DType::kFloat32, {rows}), dx(DType::kFloat32, {rows, cols});
      for (int64_t r = 0; r < rows; ++r) label.set(r, static_cast<double>(r * 7 % cols));
      cpu::softmax_cross_entropy(exec, rows, cols, x.f32(), label.ref(), loss.f32());
      cpu::softmax_cross_entropy_grad(exec, rows, cols, x.f32(), label.ref(), d.f32(), dx.f32());
      EXPECT_TRUE(loss.guards_hold() && dx.guards_hold());
      for (int64_t r = 0; r < rows; ++r) {
        const auto p = softmax_of(x.f32() + r * cols, cols);
        const auto l = static_cast<std::size_t>(label.at(r));
        ASSERT_NEAR(loss.at(r), -std::log(p[l]), 4e-6 * (1 - std::log(p[l])));
        for (int64_t c = 0; c < cols; ++c) {
          const auto u = static_cast<std::size_t>(c);
          ASSERT_NEAR(dx.at(r * cols + c), d.at(r) * (p[u] - (u == l)), 2e-6);
        }
      }
    }
  }
}

TEST_P(Softmax, CrossEntropyOfTargets) {
  const Exec exec = exec_on(GetParam());
  for (int64_t cols : {1, 10, 17, 100}) {
    const int64_t rows = 40;
    TestTensor x = TestTensor::normal({rows, cols}, 1, 4), d = TestTensor::normal({rows}, 2);
    TestTensor t = TestTensor::normal({rows, cols}, 3);
    for (int64_t i = 0; i < t.count(); ++i) t.set(i, std::fabs(t.at(i)));  // sum is not 1
    TestTensor loss(DType::kFloat32, {rows}), dx(DType::kFloat32, {rows, cols});
    cpu::softmax_cross_entropy(exec, rows, cols, x.f32(), t.ref(), loss.f32());
    cpu::softmax_cross_entropy_grad(exec, rows, cols, x.f32(), t.ref(), d.f32(), dx.f32());
    EXPECT_TRUE(loss.guards_hold() && dx.guards_hold());
    for (int64_t r = 0; r < rows; ++r) {
      const auto p = softmax_of(x.f32() + r * cols, cols);
      double expected = 0, total = 0;
      for (int64_t c = 0; c < cols; ++c) {
        expected -= t.at(r * cols + c) * std::log(p[static_cast<std::size_t>(c)]);
        total += t.at(r * cols + c);
      }
      ASSERT_NEAR(loss.at(r), expected, 1e-5 * (1 + expected));
      for (int64_t c = 0; c < cols; ++c) {
        const int64_t i = r * cols + c;
        const double v = p[static_cast<std::size_t>(c)] * total - t.at(i);
        ASSERT_NEAR(dx.at(i), d.at(r) * v, 1e-5 * (1 + total));
      }
    }
  }
}

TEST_P(Softmax, AZeroTargetIgnoresItsLogit) {
  TestTensor x = TestTensor::of<float>({1, 3}, {1, -INFINITY, 1});
  TestTensor t = TestTensor::of<float>({1, 3}, {1, 0, 0}), loss(DType::kFloat32, {1});
  cpu::softmax_cross_entropy(exec_on(GetParam()), 1, 3, x.f32(), t.ref(), loss.f32());
  EXPECT_NEAR(loss.at(0), std::log(2.0), 1e-6);
}

NNSEQ_FOR_EACH_ISA(Softmax);

TEST(SoftmaxLabels, TheLowestBadLabelIsReported) {
  const int64_t rows = 3000, cols = 10;
  TestTensor x = TestTensor::normal({rows, cols}, 1), label(DType::kInt64, {rows});
  TestTensor loss(DType::kFloat32, {rows}), expected = loss;
  for (int64_t r = 0; r < rows; ++r) label.set(r, 0);
  cpu::softmax_cross_entropy(exec_on({}), rows, cols, x.f32(), label.ref(), expected.f32());
  for (int64_t r : {2900, 1234, 2000}) label.set(r, -static_cast<double>(r));
  label.set(1300, 10);
  for (int threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    RunStatus status;
    status.reset();
    Exec exec = exec_on({}, &pool);
    exec.status = &status;
    exec.step = 4;
    cpu::softmax_cross_entropy(exec, rows, cols, x.f32(), label.ref(), loss.f32());
    ASSERT_TRUE(status.failed());
    EXPECT_EQ(status.step(), 4);
    EXPECT_EQ(status.error().element, 1234);
    EXPECT_EQ(status.error().value, -1234);
    EXPECT_EQ(status.error().bound, 10);
    EXPECT_TRUE(loss.same_bits(expected));  // read as 0
  }
}

TEST(SoftmaxBits, DoNotDependOnThreadsOrIsa) {
  const int64_t rows = 2000, cols = 37;
  TestTensor x = TestTensor::normal({rows, cols}, 1, 3), t = TestTensor::normal({rows, cols}, 2);
  expect_equal_bits([&](const Exec& exec) {
    TestTensor y(DType::kFloat32, {rows, cols});
    cpu::softmax(exec, rows, cols, x.f32(), y.f32());
    return y;
  });
  expect_equal_bits([&](const Exec& exec) {
    TestTensor y(DType::kFloat32, {rows});
    cpu::softmax_cross_entropy(exec, rows, cols, x.f32(), t.ref(), y.f32());
    return y;
  });
  expect_equal_bits([&](const Exec& exec) {
    TestTensor y(DType::kFloat32, {rows, cols});
    cpu::softmax_cross_entropy_grad(exec, rows, cols, x.f32(), t.ref(), t.f32(), y.f32());
    return y;
  });
}

TEST(SoftmaxShapes, NoRowsAndNoColumns) {
  TestTensor none(DType::kFloat32, {0});
  cpu::softmax(exec_on({}), 0, 10, none.f32(), none.f32());
  cpu::softmax(exec_on({}), 3, 0, none.f32(), none.f32());
  EXPECT_TRUE(none.guards_hold());
}

}  // namespace
}  // namespace nnseq::testing
