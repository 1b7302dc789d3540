#include "cpu/layout.h"

#include <algorithm>
#include <numeric>

#include "tensors.h"

namespace nnseq::testing {
namespace {

using std::int64_t;
using Index = std::vector<int64_t>;

// Distinct values as far as the type allows.
TestTensor counting(DType t, const Shape& shape) {
  TestTensor x(t, shape);
  for (int64_t i = 0; i < x.count(); ++i)
    x.set(i, t == DType::kBool ? i % 2 : static_cast<double>(i % 251));
  return x;
}

class Layout : public IsaTest {
 protected:
  Layout() : pool(3), exec(exec_on(GetParam(), &pool)) {}
  ThreadPool pool;
  Exec exec;
};

TEST_P(Layout, TransposesByAnyPermutation) {
  const Shape shapes[] = {{7},          {3, 5},      {64, 64},    {70, 130},
                          {1, 33},      {2, 17, 40}, {40, 2, 17}, {3, 16, 1, 35},
                          {2, 3, 4, 5}, {0, 4},      {300, 20, 3}};
  for (DType t : {DType::kFloat32, DType::kInt64, DType::kUInt8}) {
    for (const Shape& shape : shapes) {
      std::vector<int> perm(static_cast<std::size_t>(shape.rank()));
      std::iota(perm.begin(), perm.end(), 0);
      TestTensor x = counting(t, shape);
      do {
        Shape out_shape;
        for (int p : perm) out_shape.push_back(shape[p]);
        TestTensor y(t, out_shape);
        cpu::transpose(exec, x.ref(), perm.data(), y.ref());
        EXPECT_TRUE(y.guards_hold());
        for (int64_t i = 0; i < y.count(); ++i) {
          const Index out = unravel(i, out_shape);
          Index in(out.size());
          for (std::size_t d = 0; d < out.size(); ++d)
            in[static_cast<std::size_t>(perm[d])] = out[d];
          ASSERT_EQ(y.at(i), x.at(ravel(in, shape))) << to_string(shape) << " element " << i;
        }
      } while (std::next_permutation(perm.begin(), perm.end()));
    }
  }
}

NNSEQ_FOR_EACH_ISA(Layout);

TEST(LayoutOps, SliceTakesSteps) {
  struct Case {
    Shape in;
    Index begin, step;
    Shape out;
  };
  const Case cases[] = {{{20}, {3}, {4}, {5}},
                        {{10, 6}, {2, 0}, {1, 1}, {5, 6}},
                        {{10, 6}, {0, 1}, {3, 2}, {4, 3}},
                        {{5, 40, 30}, {1, 2, 3}, {1, 1, 1}, {4, 30, 20}},
                        {{5, 40}, {5, 0}, {1, 1}, {0, 40}},
                        {{}, {}, {}, {}},
                        {{300, 200}, {1, 1}, {1, 1}, {299, 199}}};
  for (DType t : kAllDTypes) {
    for (const Case& c : cases) {
      TestTensor x = counting(t, c.in), y(t, c.out);
      cpu::slice(exec_on({}), x.ref(), c.begin.data(), c.step.data(), y.ref());
      EXPECT_TRUE(y.guards_hold());
      for (int64_t i = 0; i < y.count(); ++i) {
        Index at = unravel(i, c.out);
        for (std::size_t d = 0; d < at.size(); ++d) at[d] = c.begin[d] + at[d] * c.step[d];
        ASSERT_EQ(y.at(i), x.at(ravel(at, c.in)));
      }
    }
  }
}

TEST(LayoutOps, PadPlacesCropsAndSpreads) {
  struct Case {
    Shape in;
    Index low, interior;
    Shape out;
  };
  const Case cases[] = {{{4}, {2}, {0}, {9}},
                        {{4}, {1}, {2}, {12}},
                        {{5, 6}, {-2, 1}, {0, 0}, {4, 9}},
                        {{5, 6}, {-3, -4}, {1, 2}, {5, 8}},
                        {{3, 40, 50}, {0, 1, 1}, {0, 0, 0}, {3, 42, 52}},
                        {{3}, {5}, {0}, {4}},
                        {{0, 2}, {1, 1}, {0, 0}, {2, 4}},
                        {{6}, {-7}, {1}, {2}}};
  for (DType t : kAllDTypes) {
    for (const Case& c : cases) {
      TestTensor x = counting(t, c.in), y(t, c.out);
      cpu::pad(exec_on({}), x.ref(), c.low.data(), c.interior.data(), 1, y.ref());
      EXPECT_TRUE(y.guards_hold());
      std::vector<double> expected(static_cast<std::size_t>(y.count()), 1.0);
      for (int64_t i = 0; i < x.count(); ++i) {
        Index at = unravel(i, c.in);
        bool inside = true;
        for (std::size_t d = 0; d < at.size(); ++d) {
          at[d] = c.low[d] + at[d] * (c.interior[d] + 1);
          inside = inside && at[d] >= 0 && at[d] < c.out[static_cast<int>(d)];
        }
        if (inside) expected[static_cast<std::size_t>(ravel(at, c.out))] = x.at(i);
      }
      for (int64_t i = 0; i < y.count(); ++i) {
        ASSERT_EQ(y.at(i), expected[static_cast<std::size_t>(i)]) << to_string(c.in) << " " << i;
      }
    }
  }
}

TEST(LayoutOps, ConcatOnAnyAxis) {
  for (DType t : {DType::kFloat32, DType::kInt64, DType::kBool}) {
    for (int axis = 0; axis < 3; ++axis) {
      std::vector<TestTensor> in;
      Shape out_shape{4, 5, 6};
      out_shape[axis] = 0;
      for (int64_t n : {3, 0, 1, 40}) {
        Shape s{4, 5, 6};
        s[axis] = n;
        out_shape[axis] += n;
        in.push_back(TestTensor::integers(t, s, static_cast<std::uint32_t>(n)));
      }
      std::vector<TensorRef> refs;
      for (TestTensor& x : in) refs.push_back(x.ref());
      TestTensor y(t, out_shape);
      cpu::concat(exec_on({}), refs.data(), 4, axis == 2 ? -1 : axis, y.ref());
      EXPECT_TRUE(y.guards_hold());
      for (int64_t i = 0; i < y.count(); ++i) {
        Index at = unravel(i, out_shape);
        std::size_t k = 0;
        auto& along = at[static_cast<std::size_t>(axis)];
        while (along >= in[k].shape()[axis]) along -= in[k++].shape()[axis];
        ASSERT_EQ(y.at(i), in[k].at(ravel(at, in[k].shape())));
      }
    }
  }
}

TEST(LayoutOps, ReverseOfAnyAxes) {
  const Shape shape{5, 3, 70};
  for (std::uint32_t axes = 0; axes < 8; ++axes) {
    TestTensor x = counting(DType::kInt32, shape), y(DType::kInt32, shape);
    cpu::reverse(exec_on({}), x.ref(), axes, y.ref());
    EXPECT_TRUE(y.guards_hold());
    for (int64_t i = 0; i < y.count(); ++i) {
      Index at = unravel(i, shape);
      for (int d = 0; d < 3; ++d) {
        auto& v = at[static_cast<std::size_t>(d)];
        if (axes >> d & 1) v = shape[d] - 1 - v;
      }
      ASSERT_EQ(y.at(i), x.at(ravel(at, shape)));
    }
  }
}

TEST(LayoutOps, IotaCounts) {
  for (DType t : {DType::kFloat32, DType::kFloat64, DType::kInt32, DType::kInt64}) {
    TestTensor y(t, {100});
    cpu::iota(exec_on({}), -3, 2, y.ref());
    EXPECT_TRUE(y.guards_hold());
    for (int64_t i = 0; i < 100; ++i) ASSERT_EQ(y.at(i), -3 + 2 * i);
  }
}

}  // namespace
}  // namespace nnseq::testing
