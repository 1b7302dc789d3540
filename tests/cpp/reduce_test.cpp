#include "cpu/reduce.h"

#include <cmath>
#include <map>

#include "tensors.h"

namespace nnseq::testing {
namespace {

constexpr ReduceFn kAll[] = {ReduceFn::kSum, ReduceFn::kMean, ReduceFn::kMax, ReduceFn::kMin,
                             ReduceFn::kProd};

Shape reduced_shape(const Shape& shape, std::uint32_t axes) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!(axes >> i & 1)) out.push_back(shape[i]);
  }
  return out;
}

TestTensor reduce(const Exec& exec, TestTensor& x, std::uint32_t axes, ReduceFn fn) {
  TestTensor out(x.dtype(), reduced_shape(x.shape(), axes));
  Scratch scratch(cpu::reduce_scratch({x.dtype(), x.shape()}, axes, fn));
  cpu::reduce(exec, x.ref(), axes, fn, out.ref(), scratch.data());
  EXPECT_TRUE(scratch.guards_hold() && out.guards_hold());
  return out;
}

std::vector<double> reference(const TestTensor& x, std::uint32_t axes, ReduceFn fn) {
  const Shape out = reduced_shape(x.shape(), axes);
  std::map<std::int64_t, std::vector<double>> groups;
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const auto index = unravel(i, x.shape());
    std::vector<std::int64_t> kept;
    for (int d = 0; d < x.shape().rank(); ++d) {
      if (!(axes >> d & 1)) kept.push_back(index[static_cast<std::size_t>(d)]);
    }
    groups[ravel(kept, out)].push_back(x.at(i));
  }
  std::vector<double> y;
  for (std::int64_t i = 0; i < out.count(); ++i) {
    double sum = 0, prod = 1, max = -INFINITY, min = INFINITY;
    for (double v : groups[i]) {
      sum += v;
      prod *= v;
      max = std::max(max, v);
      min = std::min(min, v);
    }
    const double mean = sum / static_cast<double>(groups[i].size());
    const double all[] = {sum, mean, max, min, prod};
    y.push_back(all[static_cast<int>(fn)]);
  }
  return y;
}

class Reduce : public IsaTest {};

TEST_P(Reduce, IsExactOnIntegersOverAnyAxes) {
  const Shape shapes[] = {
      {},       {1},      {15},     {64},     {65},       {1000},     {1025},       {5000},
      {64, 17}, {65, 16}, {200, 3}, {3, 200}, {1, 70, 1}, {7, 65, 5}, {2, 3, 4, 5}, {3, 1030, 2, 3},
      {66, 600}};
  for (const Shape& shape : shapes) {
    for (std::uint32_t axes = 0; axes < 1u << shape.rank(); ++axes) {
      for (ReduceFn fn : {ReduceFn::kSum, ReduceFn::kMax, ReduceFn::kMin}) {
        TestTensor x = TestTensor::integers(DType::kFloat32, shape, 1 + axes);
        const TestTensor y = reduce(exec_on(GetParam()), x, axes, fn);
        const auto expected = reference(x, axes, fn);
        for (std::int64_t i = 0; i < y.count(); ++i) {
          ASSERT_EQ(y.at(i), expected[static_cast<std::size_t>(i)])
              << to_string(shape) << " axes " << axes << " fn " << static_cast<int>(fn);
        }
      }
    }
  }
}

TEST_P(Reduce, MeanAndProduct) {
  for (const Shape& shape : {Shape{40}, Shape{33, 20}, Shape{5, 12, 7}}) {
    for (std::uint32_t axes = 0; axes < 1u << shape.rank(); ++axes) {
      for (ReduceFn fn : {ReduceFn::kMean, ReduceFn::kProd}) {
        TestTensor x = TestTensor::normal(shape, 3);
        const TestTensor y = reduce(exec_on(GetParam()), x, axes, fn);
        const auto expected = reference(x, axes, fn);
        for (std::int64_t i = 0; i < y.count(); ++i) {
          const double r = expected[static_cast<std::size_t>(i)];
          const double bound = fn == ReduceFn::kMean ? 1e-6 : 4e-5 * std::fabs(r) + 1e-40;
          ASSERT_NEAR(y.at(i), r, bound) << to_string(shape) << " axes " << axes;
        }
      }
    }
  }
}

TEST_P(Reduce, NaNSpreads) {
  for (ReduceFn fn : kAll) {
    for (std::int64_t at : {0, 17, 699}) {
      TestTensor x = TestTensor::normal({700}, 1), column = TestTensor::normal({700, 3}, 1);
      x.set(at, std::nan(""));
      column.set(at * 3 + 1, std::nan(""));
      EXPECT_TRUE(std::isnan(reduce(exec_on(GetParam()), x, 1, fn).at(0)));
      const TestTensor y = reduce(exec_on(GetParam()), column, 1, fn);
      EXPECT_TRUE(std::isnan(y.at(1)) && !std::isnan(y.at(0)) && !std::isnan(y.at(2)));
    }
  }
}

TEST_P(Reduce, OfNothing) {
  const double inf = INFINITY;
  for (const auto& [shape, axes] :
       {std::pair<Shape, std::uint32_t>{{0}, 1}, {{0, 3}, 1}, {{3, 0}, 2}}) {
    TestTensor x(DType::kFloat32, shape);
    const Exec exec = exec_on(GetParam());
    for (std::int64_t i = 0; i < reduced_shape(shape, axes).count(); ++i) {
      EXPECT_EQ(reduce(exec, x, axes, ReduceFn::kSum).at(i), 0);
      EXPECT_EQ(reduce(exec, x, axes, ReduceFn::kProd).at(i), 1);
      EXPECT_EQ(reduce(exec, x, axes, ReduceFn::kMax).at(i), -inf);
      EXPECT_EQ(reduce(exec, x, axes, ReduceFn::kMin).at(i), inf);
      EXPECT_TRUE(std::isnan(reduce(exec, x, axes, ReduceFn::kMean).at(i)));
    }
  }
}

NNSEQ_FOR_EACH_ISA(Reduce);

TEST(ReduceTypes, EveryTypeIsExactOnIntegers) {
  for (DType t : kAllDTypes) {
    for (const Shape& shape : {Shape{200}, Shape{70, 5}, Shape{3, 66, 4}}) {
      for (std::uint32_t axes = 0; axes < 1u << shape.rank(); ++axes) {
        for (ReduceFn fn : kAll) {
          const bool small = t == DType::kUInt8 || t == DType::kBool;
          if (fn == ReduceFn::kProd || (small && fn != ReduceFn::kMax && fn != ReduceFn::kMin))
            continue;
          TestTensor x = TestTensor::integers(t, shape, 9);
          const TestTensor y = reduce(exec_on({}), x, axes, fn);
          const auto expected = reference(x, axes, fn);
          for (std::int64_t i = 0; i < y.count(); ++i) {
            double r = expected[static_cast<std::size_t>(i)];
            if (!is_float(t)) r = std::trunc(r);
            ASSERT_NEAR(y.at(i), r, is_float(t) ? 1e-6 : 0) << name_of(t) << to_string(shape);
          }
        }
      }
    }
  }
}

TEST(ReduceBits, DoNotDependOnThreadsOrIsa) {
  for (const Shape& shape : {Shape{100003}, Shape{300, 1500}, Shape{7, 500, 130}}) {
    TestTensor x = TestTensor::normal(shape, 5);
    for (std::uint32_t axes = 1; axes < 1u << shape.rank(); ++axes) {
      for (ReduceFn fn : kAll) {
        expect_equal_bits([&](const Exec& exec) { return reduce(exec, x, axes, fn); });
      }
    }
  }
}

// Sixteen lanes of four partial sums over 1024 elements, spelled out.
TEST(ReduceBits, FollowTheStatedTree) {
  TestTensor x = TestTensor::normal({2000}, 8);
  float blocks[2];
  for (int b = 0; b < 2; ++b) {
    float lane[4][16] = {};
    for (int i = b * 1024; i < std::min(2000, b * 1024 + 1024); ++i) {
      lane[i / 16 % 4][i % 16] += x.f32()[i];
    }
    float sum[16];
    for (int l = 0; l < 16; ++l) sum[l] = (lane[0][l] + lane[1][l]) + (lane[2][l] + lane[3][l]);
    for (int half = 8; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) sum[l] += sum[l + half];
    }
    blocks[b] = sum[0];
  }
  EXPECT_EQ(reduce(exec_on({}), x, 1, ReduceFn::kSum).f32()[0], blocks[0] + blocks[1]);
}

TEST(ArgReduce, FirstExtremeWinsAndNaNIsOne) {
  TestTensor x =
      TestTensor::of<float>({2, 5}, {1, 7, 7, -2, -2, 3, std::nanf(""), 9, std::nanf(""), -9});
  TestTensor y(DType::kInt32, {2});
  cpu::arg_reduce(exec_on({}), x.ref(), 1, true, y.ref());
  EXPECT_EQ(y.at(0), 1);
  EXPECT_EQ(y.at(1), 1);
  cpu::arg_reduce(exec_on({}), x.ref(), -1, false, y.ref());
  EXPECT_EQ(y.at(0), 3);
  EXPECT_EQ(y.at(1), 1);
}

TEST(ArgReduce, AnyAxisAnyType) {
  for (DType t : kAllDTypes) {
    for (int axis = 0; axis < 3; ++axis) {
      TestTensor x = TestTensor::integers(t, {7, 40, 6}, 3);
      TestTensor y(DType::kInt32, reduced_shape(x.shape(), 1u << axis));
      cpu::arg_reduce(exec_on({}), x.ref(), axis, true, y.ref());
      EXPECT_TRUE(y.guards_hold());
      for (std::int64_t i = 0; i < y.count(); ++i) {
        auto index = unravel(i, y.shape());
        index.insert(index.begin() + axis, 0);
        std::int64_t best = 0;
        double value = -INFINITY;
        for (std::int64_t j = 0; j < x.shape()[axis]; ++j) {
          index[static_cast<std::size_t>(axis)] = j;
          const double v = x.at(ravel(index, x.shape()));
          if (v > value) {
            best = j;
            value = v;
          }
        }
        ASSERT_EQ(y.at(i), best);
      }
    }
  }
}

}  // namespace
}  // namespace nnseq::testing
